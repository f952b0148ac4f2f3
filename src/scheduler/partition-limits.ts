import { count } from './admission.ts';
import { DEFAULT_ACCOUNT, DEFAULT_QOS } from './default-names.ts';
import type { LiftedLimit, QosPolicy } from './qos-and-accounts.ts';
import type { PartitionPolicy } from './policy.ts';
import type { PendingReason } from './pending-reason.ts';
import { formatDuration } from '../lib/units.ts';

/** What of a job its partition looks at. */
export interface Entrant {
  nodes: number;
  /** Null: it asked for none, and gets what the partition gives. */
  timeLimitMs: number | null;
  /** Absent: the default ones. */
  account?: string;
  qos?: string;
}

export type PartitionExcess = Extract<
  PendingReason,
  'PartitionNodeLimit' | 'PartitionTimeLimit' | 'QOSNotAllowed' | 'AccountNotAllowed'
>;

/**
 * Why the partition does not let the job run, the first in Slurm's order where it is several; null where it does. `lifts`: limits that its QOS lets
 * the job break.
 */
export function partitionExcess(
  partition: Partial<PartitionPolicy>,
  job: Entrant,
  lifts: readonly LiftedLimit[] = [],
): PartitionExcess | null {
  const { nodes, timeLimitMs } = job;
  const minNodes = lifts.includes('minNodes') ? 0 : (partition.minNodes ?? 0);
  const maxNodes = lifts.includes('maxNodes') ? null : (partition.maxNodes ?? null);
  const maxTimeSeconds = lifts.includes('maxTimeSeconds') ? null : (partition.maxTimeSeconds ?? null);
  if (nodes < minNodes || (maxNodes !== null && nodes > maxNodes)) return 'PartitionNodeLimit';
  if (maxTimeSeconds !== null && timeLimitMs !== null && timeLimitMs > maxTimeSeconds * 1000)
    return 'PartitionTimeLimit';
  if (!isLetIn(qosOf(job), partition.allowQos, partition.denyQos)) return 'QOSNotAllowed';
  if (!isLetIn(accountOf(job), partition.allowAccounts, partition.denyAccounts)) return 'AccountNotAllowed';
  return null;
}

/** Whether a job with this reason waits until it, or its partition, is changed. */
export function isPartitionExcess(reason: PendingReason | undefined): reason is PartitionExcess {
  return reason !== undefined && reason in MENDS;
}

/** The same by the flags of the job's QOS. */
export function excessFinder(
  qosList: readonly QosPolicy[] = [],
): (partition: Partial<PartitionPolicy>, job: Entrant) => PartitionExcess | null {
  const liftsOf = new Map(qosList.map(({ name, lifts }) => [name, lifts]));
  return (partition, job) => partitionExcess(partition, job, liftsOf.get(qosOf(job)));
}

function isLetIn(name: string, allowed: readonly string[] | undefined, denied: readonly string[] | undefined): boolean {
  return allowed === undefined ? denied?.includes(name) !== true : allowed.includes(name);
}

/** In words, of a job that the partition does not let run for that. */
export function excessText(excess: PartitionExcess, partition: PartitionPolicy, job: Entrant, who = 'it'): string {
  const { name, minNodes = 0, maxNodes = null, maxTimeSeconds } = partition;
  const { nodes, timeLimitMs } = job;
  if (excess === 'PartitionTimeLimit') {
    const allowed = formatDuration((maxTimeSeconds ?? 0) * 1000);
    return `${who} asks for ${formatDuration(timeLimitMs ?? 0)}, and partition ${name} gives ${allowed} at most`;
  }
  if (excess === 'QOSNotAllowed')
    return `${who} has QOS ${qosOf(job)}, and partition ${name} ${takenText(partition.allowQos, partition.denyQos)}`;
  if (excess === 'AccountNotAllowed') {
    const taken = takenText(partition.allowAccounts, partition.denyAccounts);
    return `${who} is of account ${accountOf(job)}, and partition ${name} ${taken}`;
  }
  const asked = `${who} asks for ${count(nodes, 'node')}, and jobs of partition ${name} have`;
  return maxNodes !== null && nodes > maxNodes ? `${asked} ${maxNodes} at most` : `${asked} ${minNodes} at least`;
}

function takenText(allowed: readonly string[] | undefined, denied: readonly string[] = []): string {
  return allowed === undefined ? `does not take ${denied.join(', ')}` : `takes ${allowed.join(', ') || 'none'} only`;
}

/** How to ask for what the partition lets run. */
export function excessMend(excess: PartitionExcess): string {
  return `with ${MENDS[excess]}, or to another partition`;
}

const MENDS: Readonly<Record<PartitionExcess, string>> = {
  PartitionNodeLimit: 'another --nodes',
  PartitionTimeLimit: 'less --time',
  QOSNotAllowed: 'another --qos',
  AccountNotAllowed: 'another --account',
};

function qosOf({ qos = DEFAULT_QOS }: Entrant): string {
  return qos;
}

function accountOf({ account = DEFAULT_ACCOUNT }: Entrant): string {
  return account;
}
