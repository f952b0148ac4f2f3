import type { NodeSpec, NodeState, Resources } from '../../cluster/node.ts';
import { parseDurationMs } from '../../lib/units.ts';
import { hostNames } from './host-names.ts';

const MEBI = 1024 ** 2;

/** The records of `scontrol --oneliner show ...`: `Key=Value` pairs, of which values may have blanks. */
function scontrolRecords(text: string): ReadonlyMap<string, string>[] {
  return text.split('\n').flatMap((line) => {
    if (!/^\s*\w+=/.test(line)) return [];
    const pairs = line.trim().split(/\s+(?=[A-Z][\w:/]*=)/);
    return [
      new Map(
        pairs.map((pair) => {
          const equals = pair.indexOf('=');
          return [pair.slice(0, equals), pair.slice(equals + 1).trim()] as const;
        }),
      ),
    ];
  });
}

/** A node as `scontrol show node` tells it. */
export interface SlurmNode {
  spec: NodeSpec;
  state: NodeState;
  /** Slurm's own: `IDLE+DRAIN`. */
  slurmState: string;
  reason: string | null;
  allocated: Resources;
  partitions: readonly string[];
}

/** Nodes of `scontrol --oneliner show node`, of any Slurm. FUTURE ones are left out. */
export function parseNodes(text: string): SlurmNode[] {
  return scontrolRecords(text).flatMap((record) => {
    const name = record.get('NodeName');
    const slurmState = (record.get('State') ?? '').toUpperCase();
    if (name === undefined || slurmState.startsWith('FUTURE')) return [];
    const gpus = gpusOf(record.get('Gres'));
    const allocated: Resources = {
      cpus: Number(record.get('CPUAlloc') ?? 0),
      memoryBytes: Number(record.get('AllocMem') ?? 0) * MEBI,
      gpus: tresOf(record.get('AllocTRES'), 'gres/gpu') ?? 0,
    };
    const reason = record.get('Reason')?.replace(/\s*\[[^\]]*\]$/, '');
    return [
      {
        spec: {
          name,
          resources: {
            cpus: Number(record.get('CPUEfctv') ?? record.get('CPUTot') ?? 0),
            memoryBytes: Number(record.get('RealMemory') ?? 0) * MEBI,
            gpus: gpus.count,
          },
          gpuType: gpus.type,
          leaf: null,
        },
        state: nodeState(slurmState, allocated),
        slurmState,
        reason: reason === undefined || reason === '' || reason === 'none' ? null : reason,
        allocated,
        partitions: (record.get('Partitions') ?? '').split(',').filter((partition) => partition !== ''),
      },
    ];
  });
}

/** `IDLE+DRAIN`, `MIXED+COMPLETING`, `DOWN*+NOT_RESPONDING` in our six words. What cannot take jobs for another reason counts as drained. */
function nodeState(slurmState: string, allocated: Resources): NodeState {
  const [base = '', ...flags] = slurmState.replaceAll('*', '').split('+');
  if (
    /^(?:DOWN|ERROR|UNKNOWN|FAIL)/.test(base) ||
    flags.some((flag) => /^(?:POWERED_DOWN|NOT_RESPONDING)$/.test(flag))
  ) {
    return 'down';
  }
  const isBusy = allocated.cpus > 0 || /^(?:ALLOC|MIXED)/.test(base);
  if (flags.some((flag) => /^(?:DRAIN|MAINT|REBOOT|FAIL)/.test(flag)) || /^(?:DRAIN|REBOOT|MAINT)/.test(base)) {
    return isBusy ? 'draining' : 'drained';
  }
  if (base.startsWith('ALLOC')) return 'allocated';
  return isBusy ? 'mixed' : 'idle';
}

/** `gpu:a100:8(S:0-1),nic:2`. */
function gpusOf(gres: string | undefined): { count: number; type: string | null } {
  let count = 0;
  let type: string | null = null;
  for (const entry of (gres ?? '').split(/,(?![^(]*\))/)) {
    const [name, ...rest] = entry.replace(/\(.*\)$/, '').split(':');
    if (name !== 'gpu') continue;
    const last = Number(rest.at(-1) ?? 1);
    count += Number.isNaN(last) ? 1 : last;
    if (rest.length > 1 || Number.isNaN(last)) type ??= rest[0] ?? null;
  }
  return { count, type };
}

/** Of `cpu=5,mem=250M,gres/gpu=2,gres/gpu:a100=2`. */
function tresOf(text: string | undefined, name: string): number | undefined {
  const entry = (text ?? '').split(',').find((part) => part.startsWith(`${name}=`) || part.startsWith(`${name}:`));
  return entry === undefined ? undefined : Number(entry.slice(entry.lastIndexOf('=') + 1));
}

export interface SlurmPartition {
  name: string;
  isDefault: boolean;
  isUp: boolean;
  nodeNames: readonly string[];
  /** Null: no limit. */
  maxTimeSeconds: number | null;
  /** Null: `maxTimeSeconds`. */
  defaultTimeSeconds: number | null;
}

/** Partitions of `scontrol --oneliner show partition`. */
export function parsePartitions(text: string): SlurmPartition[] {
  return scontrolRecords(text).flatMap((record) => {
    const name = record.get('PartitionName');
    if (name === undefined) return [];
    return [
      {
        name,
        isDefault: record.get('Default') === 'YES',
        isUp: (record.get('State') ?? 'UP').toUpperCase() === 'UP',
        nodeNames: hostNames(record.get('Nodes') ?? ''),
        maxTimeSeconds: seconds(record.get('MaxTime')),
        defaultTimeSeconds: seconds(record.get('DefaultTime')),
      },
    ];
  });
}

function seconds(text: string | undefined): number | null {
  const ms = text === undefined ? undefined : parseDurationMs(text);
  return ms === undefined ? null : ms / 1000;
}
