import { expect, it } from 'vitest';
import type { NodeState } from '../../../cluster/node.ts';
import { applyToNodes, type MirrorNode, nodeChanges } from './node-mirror.ts';
import type { SlurmNode } from '../output/scontrol-text.ts';

const resources = { cpus: 4, memoryBytes: 1, gpus: 0 };

it('journals that a node goes out, comes back, and is out for another cause, each once', () => {
  const known = new Map<string, MirrorNode>();
  const look = (state: NodeState, reason: string | null) => {
    const spec = { name: 'n1', resources, gpuType: null, leaf: null };
    const seen: SlurmNode = {
      spec,
      state,
      isSilent: false,
      slurmState: '',
      reason,
      allocated: resources,
      partitions: [],
    };
    const events = nodeChanges(known, [seen], 5);
    for (const event of events) applyToNodes(known, event);
    return events.map((event) => ('reason' in event ? `${event.kind} ${event.reason}` : event.kind));
  };
  expect(look('idle', null)).toEqual(['NodeAdded']);
  expect(look('draining', 'health: disk-space: / has 2.1 % free')).toEqual([
    'NodeDrained health: disk-space: / has 2.1 % free',
  ]);
  expect(look('drained', 'health: disk-space: / has 2.0 % free')).toEqual([]);
  // The lemon detector goes by it when the node comes back.
  expect(look('drained', 'lemon node: 4 gangs lost')).toEqual(['NodeDrained lemon node: 4 gangs lost']);
  expect(look('drained', 'lemon node: 4 gangs lost')).toEqual([]);
  expect(look('down', 'Not responding')).toEqual(['NodeFailed Not responding']);
  expect(look('drained', null)).toEqual(['NodeDrained drained']);
  expect(look('drained', null)).toEqual([]);
  expect(look('idle', null)).toEqual(['NodeResumed']);
  expect(look('draining', 'kernel')).toEqual(['NodeDrained kernel']);
  expect(look('drained', 'kernel : reboot issued')).toEqual([]);
});
