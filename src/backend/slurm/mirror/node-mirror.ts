import { isDeepStrictEqual } from 'node:util';
import type { NodeSpec, NodeState } from '../../../cluster/node.ts';
import type { SchedulerEvent } from '../../../scheduler/types.ts';
import type { SlurmNode } from '../output/scontrol-text.ts';

/** A node as the journal has it. */
export interface MirrorNode {
  spec: NodeSpec;
  /** What keeps it from work; null: nothing. */
  outage: 'down' | 'drained' | null;
  reason: string | null;
}

/** The events that make the nodes of the journal those that Slurm shows. Pure. */
export function nodeChanges(
  known: ReadonlyMap<string, MirrorNode>,
  seen: readonly SlurmNode[],
  atMs: number,
): SchedulerEvent[] {
  const events: SchedulerEvent[] = [];
  const names = new Set(seen.map(({ spec }) => spec.name));
  for (const nodeName of known.keys()) if (!names.has(nodeName)) events.push({ kind: 'NodeRemoved', atMs, nodeName });
  for (const { spec, state, reason } of seen) {
    const { name: nodeName } = spec;
    const old = known.get(nodeName);
    const isSame = old !== undefined && isDeepStrictEqual(old.spec, spec);
    if (old !== undefined && !isSame) events.push({ kind: 'NodeRemoved', atMs, nodeName });
    if (!isSame) events.push({ kind: 'NodeAdded', atMs, node: spec });
    const before = isSame ? old.outage : null;
    const now = downOrDrained(state);
    const isOtherCause = isSame && now === 'drained' && causeOf(reason) !== causeOf(old.reason);
    if (now === before && !isOtherCause) continue;
    if (now === 'down') events.push({ kind: 'NodeFailed', atMs, nodeName, reason: reason ?? 'down' });
    else if (now === 'drained') events.push({ kind: 'NodeDrained', atMs, nodeName, reason: reason ?? 'drained' });
    else events.push({ kind: 'NodeResumed', atMs, nodeName });
  }
  return events;
}

/** Before the colon: what a health check finds says the same in other words every few minutes (`health: disk-space: / has 2.1 % free`). `kernel : reboot issued` is Slurm's own. */
function causeOf(reason: string | null): string {
  return ((reason ?? 'drained').split(':')[0] ?? '').trim();
}

/** What keeps a node from work, by its state; null: nothing. */
export function downOrDrained(state: NodeState): MirrorNode['outage'] {
  if (state === 'down') return 'down';
  return state === 'drained' || state === 'draining' ? 'drained' : null;
}

/** Follows a committed event. */
export function applyToNodes(nodes: Map<string, MirrorNode>, event: SchedulerEvent): void {
  switch (event.kind) {
    case 'NodeAdded':
      nodes.set(event.node.name, { spec: event.node, outage: null, reason: null });
      break;
    case 'NodeRemoved':
      nodes.delete(event.nodeName);
      break;
    case 'NodeFailed':
    case 'NodeDrained': {
      const node = nodes.get(event.nodeName);
      if (node) Object.assign(node, { outage: event.kind === 'NodeFailed' ? 'down' : 'drained', reason: event.reason });
      break;
    }
    case 'NodeResumed': {
      const node = nodes.get(event.nodeName);
      if (node) Object.assign(node, { outage: null, reason: null });
      break;
    }
    default:
      break;
  }
}
