import { count } from './admission.ts';
import type { PartitionPolicy } from './policy.ts';
import type { PendingReason } from './types.ts';
import { formatDuration } from '../lib/units.ts';

/** What of a job its partition limits. */
export interface Sized {
  nodes: number;
  /** Null: it asked for none, and gets what the partition gives. */
  timeLimitMs: number | null;
}

export type PartitionExcess = Extract<PendingReason, 'PartitionNodeLimit' | 'PartitionTimeLimit'>;

/** The limit of its partition that a job breaks by itself, of two that on nodes, as in Slurm; null for none. */
export function partitionExcess(
  { minNodes = 0, maxNodes = null, maxTimeSeconds = null }: Partial<PartitionPolicy>,
  { nodes, timeLimitMs }: Sized,
): PartitionExcess | null {
  if (nodes < minNodes || (maxNodes !== null && nodes > maxNodes)) return 'PartitionNodeLimit';
  return maxTimeSeconds !== null && timeLimitMs !== null && timeLimitMs > maxTimeSeconds * 1000
    ? 'PartitionTimeLimit'
    : null;
}

/** In words, of a job of which that limit is broken. */
export function excessText(
  excess: PartitionExcess,
  partition: PartitionPolicy,
  { nodes, timeLimitMs }: Sized,
  who = 'it',
): string {
  const { name, minNodes = 0, maxNodes = null, maxTimeSeconds } = partition;
  if (excess === 'PartitionTimeLimit') {
    const allowed = formatDuration((maxTimeSeconds ?? 0) * 1000);
    return `${who} asks for ${formatDuration(timeLimitMs ?? 0)}, and partition ${name} gives ${allowed} at most`;
  }
  const asked = `${who} asks for ${count(nodes, 'node')}, and jobs of partition ${name} have`;
  return maxNodes !== null && nodes > maxNodes ? `${asked} ${maxNodes} at most` : `${asked} ${minNodes} at least`;
}
