import type { NodeSpec, NodeState, Resources } from '../../../cluster/node.ts';
import { gresEntries } from '../../../formats/gres-list.ts';
import { parseTres } from '../../../formats/sacct-dump.ts';
import { gpusOf as tresGpus } from '../../../formats/sacct-job.ts';
import { scontrolRecords } from '../../../formats/scontrol-lines.ts';
import { parseDurationMs } from '../../../lib/units.ts';
import { hostNames } from './host-names.ts';

const MEBI = 1024 ** 2;

/** A node as `scontrol show node` tells it. */
export interface SlurmNode {
  spec: NodeSpec;
  state: NodeState;
  /** It does not answer slurmctld, which may not have called it down for that yet (`SlurmdTimeout`). */
  isSilent: boolean;
  /** It is off, or on its way there, to save power, and is started for the next job. Absent: an older view. */
  isPoweredDown?: boolean;
  /** Slurm's own: `IDLE+DRAIN`. */
  slurmState: string;
  reason: string | null;
  allocated: Resources;
  partitions: readonly string[];
  /** That it has, or could have after a restart (`--constraint`). Absent: an older view. */
  features?: readonly string[];
}

/** For `scontrol`. Without the details the GPUs in use are told only where `AccountingStorageTRES` names them. */
export const SHOW_NODES = ['--oneliner', '--detail', 'show', 'node'];

/** Nodes as `scontrol` shows them with `SHOW_NODES`, of any Slurm. FUTURE ones are left out. */
export function parseNodes(text: string): SlurmNode[] {
  return scontrolRecords(text, 'NodeName').flatMap(({ fields: record }) => {
    const name = record.get('nodename');
    const slurmState = (record.get('state') ?? '').toUpperCase();
    if (name === undefined || slurmState.startsWith('FUTURE')) return [];
    const gpus = gpusOf(record.get('gres'));
    const used = record.get('gresused');
    const allocated: Resources = {
      cpus: Number(record.get('cpualloc') ?? 0),
      memoryBytes: Number(record.get('allocmem') ?? 0) * MEBI,
      gpus: used === undefined ? tresGpus(parseTres(record.get('alloctres') ?? '')).gpus : gpusOf(used).count,
    };
    const given = record.get('reason')?.replace(/\s*\[[^\]]*\]$/, '');
    const reason = given === undefined || given === '' || given === 'none' ? null : given;
    return [
      {
        spec: {
          name,
          resources: {
            cpus: Number(record.get('cpuefctv') ?? record.get('cputot') ?? 0),
            memoryBytes: Number(record.get('realmemory') ?? 0) * MEBI,
            gpus: gpus.count,
          },
          gpuType: gpus.type,
          leaf: null,
        },
        state: nodeState(slurmState, allocated),
        isSilent: /[*]|NOT_RESPONDING/.test(slurmState),
        isPoweredDown: /POWER(?:ED|ING)_DOWN/.test(slurmState),
        slurmState,
        reason: reason ?? wordOf(slurmState),
        allocated,
        partitions: words(record.get('partitions')),
        features: words(record.get('availablefeatures')),
      },
    ];
  });
}

/**
 * `IDLE+DRAIN`, `MIXED+COMPLETING`, `DOWN*+NOT_RESPONDING` in our six words. What cannot take jobs for another reason counts as drained. A node that
 * does not respond is down once Slurm says so (`SlurmdTimeout`): every node that is resumed does not for a moment. One that is powered down takes jobs.
 */
function nodeState(slurmState: string, allocated: Resources): NodeState {
  const [base = '', ...flags] = slurmState.replaceAll('*', '').split('+');
  // A reboot that Slurm was asked for (`scontrol reboot`) is no failure. Until then a node takes jobs, unless it is drained for it (`ASAP`).
  const isRebooting = flags.includes('REBOOT_ISSUED');
  if (!isRebooting && /^(?:DOWN|ERROR|UNKNOWN|FAIL)/.test(base)) return 'down';
  const isBusy = allocated.cpus > 0 || /^(?:ALLOC|MIXED)/.test(base);
  if (
    isRebooting ||
    flags.some((flag) => /^(?:DRAIN|MAINT|REBOOT$|FAIL)/.test(flag)) ||
    /^(?:DRAIN|REBOOT|MAINT)/.test(base)
  ) {
    return isBusy ? 'draining' : 'drained';
  }
  if (base.startsWith('ALLOC')) return 'allocated';
  return isBusy ? 'mixed' : 'idle';
}

/** What is not in our six words. */
function wordOf(slurmState: string): string | null {
  if (slurmState.includes('POWERED_DOWN')) return 'powered down until a job needs it';
  return slurmState.includes('NOT_RESPONDING') ? 'not responding' : null;
}

/** Of a list between commas. */
function words(text: string | undefined): string[] {
  return (text ?? '').split(',').filter((word) => word !== '' && word !== '(null)');
}

function gpusOf(gres: string | undefined): { count: number; type: string | null } {
  const gpus = gresEntries(gres ?? '').filter(({ name }) => name === 'gpu');
  return {
    count: gpus.reduce((sum, { count }) => sum + (count ?? 1), 0),
    type: gpus.find(({ type }) => type !== null)?.type ?? null,
  };
}

export interface SlurmPartition {
  name: string;
  isDefault: boolean;
  isUp: boolean;
  nodeNames: readonly string[];
  /** Jobs of a partition with a higher one come first. */
  priorityTier: number;
  /** Null: no limit. */
  maxTimeSeconds: number | null;
  /** Null: `maxTimeSeconds`. */
  defaultTimeSeconds: number | null;
  /** Of one job. Null: no limit; absent: an older view. */
  maxNodes?: number | null;
  /** Of the partition itself, beside that of the job. Null: none; absent: an older view. */
  qos?: string | null;
  /** Whose jobs it takes alone; else whose it does not take. Absent: no such rule, or an older view. */
  allowAccounts?: readonly string[];
  denyAccounts?: readonly string[];
  allowQos?: readonly string[];
  denyQos?: readonly string[];
}

/** Partitions of `scontrol --oneliner show partition`. */
export function parsePartitions(text: string): SlurmPartition[] {
  return scontrolRecords(text, 'PartitionName').flatMap(({ fields: record }) => {
    const name = record.get('partitionname');
    if (name === undefined) return [];
    return [
      {
        name,
        isDefault: record.get('default') === 'YES',
        isUp: (record.get('state') ?? 'UP').toUpperCase() === 'UP',
        nodeNames: hostNames(record.get('nodes') ?? ''),
        priorityTier: Number(record.get('prioritytier') ?? 1),
        maxTimeSeconds: seconds(record.get('maxtime')),
        defaultTimeSeconds: seconds(record.get('defaulttime')),
        maxNodes: Number(record.get('maxnodes') ?? Number.NaN) || null,
        qos: qosOf(record.get('qos')),
        ...namesOf('allowAccounts', record.get('allowaccounts')),
        ...namesOf('denyAccounts', record.get('denyaccounts')),
        ...namesOf('allowQos', record.get('allowqos')),
        ...namesOf('denyQos', record.get('denyqos')),
      },
    ];
  });
}

function namesOf(key: 'allowAccounts' | 'denyAccounts' | 'allowQos' | 'denyQos', text: string | undefined) {
  return text === undefined || ['', 'ALL', 'N/A', '(null)'].includes(text) ? {} : { [key]: text.split(',') };
}

function qosOf(text: string | undefined): string | null {
  return text === undefined || ['', 'N/A', '(null)'].includes(text) ? null : text;
}

function seconds(text: string | undefined): number | null {
  const ms = text === undefined ? undefined : parseDurationMs(text);
  return ms === undefined ? null : ms / 1000;
}
