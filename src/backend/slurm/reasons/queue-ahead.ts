import { formatDuration } from '../../../lib/units.ts';
import { count } from '../../../scheduler/admission.ts';
import { hostNames } from '../output/host-names.ts';
import type { SlurmPartition } from '../output/scontrol-text.ts';

/** A job of anybody's that waits or runs: what matters of it to those behind it. */
export interface QueuedJob {
  slurmJobId: number;
  /** Tasks of an array that wait together; 1 for others. */
  tasks: number;
  user: string;
  /** Those that it may run in. */
  partitions: readonly string[];
  isRunning: boolean;
  reason: string;
  /** 0: held. */
  priority: number;
  /** Of one task. */
  nodeCount: number;
  /** Those it runs on, as Slurm writes lists. */
  nodeList: string;
  /** Its time limit, while it runs; null for none. Milliseconds since the epoch. */
  endMs: number | null;
}

/** Whom Slurm would start if it had the nodes; all others wait for something of their own. */
const WAITS_FOR_NODES = new Set(['None', 'Priority', 'Resources']);
const SHOWN_MAX = 3;

/**
 * Sentences on what is ahead of a pending job: those that come before it in the partitions that share nodes with its own, by Slurm's order (tier of the
 * partition, priority, number; slurm.conf(5), "PriorityTier"), and what runs there. What Slurm does not show this user (`PrivateData`) is not counted.
 */
export function aheadSentences(
  slurmJobId: number,
  queue: readonly QueuedJob[],
  partitions: readonly SlurmPartition[],
  nowMs: number,
): string[] {
  const own = queue.find((job) => job.slurmJobId === slurmJobId);
  if (own === undefined) return [];
  const tierOf = tiersAround(own.partitions, partitions);
  const tier = (job: QueuedJob) => Math.max(...job.partitions.map((name) => tierOf.get(name) ?? -1));
  const there = queue.filter((job) => job !== own && tier(job) >= 0);
  const before = there
    .filter((job) => !job.isRunning && job.priority > 0)
    .filter((job) => compare([tier(job), job.priority, -job.slurmJobId], [tier(own), own.priority, -slurmJobId]) > 0)
    .sort((a, b) => compare([tier(b), b.priority, -b.slurmJobId], [tier(a), a.priority, -a.slurmJobId]));
  const ready = before.filter(({ reason }) => WAITS_FOR_NODES.has(reason));
  const sentences: string[] = [];
  if (ready.length > 0) {
    const nodes = ready.reduce((sum, job) => sum + job.nodeCount * job.tasks, 0);
    const shown = ready.slice(0, SHOWN_MAX).map(({ slurmJobId: id, user, nodeCount, tasks }) => {
      return `${id} (${user}, ${tasks > 1 ? `${tasks} times ` : ''}${count(nodeCount, 'node')})`;
    });
    const left = jobs(ready.slice(SHOWN_MAX));
    const more = left > 0 ? ` and ${left} more` : '';
    sentences.push(
      `Ahead of it: ${count(jobs(ready), 'job')} for ${count(nodes, 'node')}: ${shown.join(', ')}${more}.`,
    );
  }
  const blocked = jobs(before) - jobs(ready);
  if (blocked > 0) {
    const are = blocked === 1 ? 'has a higher priority and waits' : 'have a higher priority and wait';
    sentences.push(`${count(blocked, ready.length > 0 ? 'other job' : 'job')} ${are} for something else than nodes.`);
  }
  const running = there.filter(({ isRunning }) => isRunning);
  if (running.length > 0) {
    const held = new Set(running.flatMap(({ nodeList }) => hostNames(nodeList))).size;
    const ends = running.flatMap(({ endMs }) => (endMs === null || endMs <= nowMs ? [] : [endMs]));
    const first =
      ends.length === 0 ? '' : `; the first of their time limits is in ${formatDuration(Math.min(...ends) - nowMs)}`;
    const verb = running.length === 1 ? 'runs' : 'run';
    sentences.push(`${count(running.length, 'job')} ${verb} there, on ${count(held, 'node')}${first}.`);
  }
  return sentences;
}

/** The tiers of those partitions and of all that have a node in common with one of them. */
function tiersAround(names: readonly string[], partitions: readonly SlurmPartition[]): Map<string, number> {
  const own = partitions.filter(({ name }) => names.includes(name));
  const nodes = new Set(own.flatMap(({ nodeNames }) => nodeNames));
  const near = partitions.filter(({ name, nodeNames }) => {
    return names.includes(name) || nodeNames.some((nodeName) => nodes.has(nodeName));
  });
  return new Map(near.map(({ name, priorityTier }) => [name, priorityTier]));
}

function jobs(entries: readonly QueuedJob[]): number {
  return entries.reduce((sum, { tasks }) => sum + tasks, 0);
}

/** The first of the numbers that differs decides. */
function compare(a: readonly number[], b: readonly number[]): number {
  const at = a.findIndex((value, index) => value !== b[index]);
  return at < 0 ? 0 : (a[at] ?? 0) - (b[at] ?? 0);
}
