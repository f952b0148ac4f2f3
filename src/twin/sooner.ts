import { type Entrant, excessFinder } from '../scheduler/partition-limits.ts';
import { partitionNames } from '../scheduler/partition-names.ts';
import { defaultPartition } from '../scheduler/policy.ts';
import { type ForecastOptions, forecastStarts } from './forecast.ts';
import type { RunTimes } from './run-times.ts';
import type { QueueRow, Snapshot } from './snapshot.ts';

/** What a user may ask for differently, and when the job would start then. */
export type SoonerStart =
  | { kind: 'time'; limitMs: number; medianMs: number }
  | { kind: 'partition'; partition: string; medianMs: number };

const MINUTE_MS = 60_000;
/** A limit within which so many of the job's like would have ended, and some room. */
const ENOUGH_QUANTILE = 0.95;
const ROOM_FACTOR = 1.1;
/** A limit shortened by less is not worth the risk. */
const SHORTENED_MAX = 0.7;
const PARTITIONS_MAX = 4;
/** Sooner by less is no news. */
const GAIN_MS_MIN = MINUTE_MS;
const GAIN_SHARE_MIN = 0.1;

/**
 * What would make a pending job start clearly sooner than `medianMs`, best first: a time limit that its like would keep to, or another partition that it
 * fits and which takes its account and QOS. Each is tried in the same futures as the job as it is.
 */
export function soonerStarts(
  snapshot: Snapshot,
  job: string,
  medianMs: number,
  options: Omit<ForecastOptions, 'jobs' | 'change'>,
): SoonerStart[] {
  const row = snapshot.queue.find((one) => one.job === job);
  if (row === undefined || row.nodeNames !== null) return [];
  // What comes later than that is not sooner.
  const horizonMs = Math.min(medianMs, options.horizonMs);
  const startOf = (change: (row: QueueRow) => QueueRow) =>
    forecastStarts(snapshot, { ...options, jobs: [job], change, horizonMs })[0]?.medianMs ?? Infinity;
  const found: SoonerStart[] = [];
  const limitMs = enoughMs(row, options.runTimes);
  if (limitMs !== null) found.push({ kind: 'time', limitMs, medianMs: startOf((one) => ({ ...one, limitMs })) });
  for (const partition of otherPartitions(snapshot, row)) {
    found.push({ kind: 'partition', partition, medianMs: startOf((one) => ({ ...one, partition })) });
  }
  const needed = Math.max(GAIN_MS_MIN, medianMs * GAIN_SHARE_MIN);
  return found.filter((one) => medianMs - one.medianMs >= needed).sort((a, b) => a.medianMs - b.medianMs);
}

/** Whole minutes, as Slurm has them; null where the job's limit is not much longer. */
function enoughMs(row: QueueRow, runTimes: RunTimes): number | null {
  if (row.limitMs === null) return null;
  const runMs = runTimes.expected(row, 0, ENOUGH_QUANTILE);
  const limitMs = Math.ceil((runMs * ROOM_FACTOR) / MINUTE_MS) * MINUTE_MS;
  return limitMs <= SHORTENED_MAX * row.limitMs ? limitMs : null;
}

function otherPartitions({ policy, nodes }: Snapshot, row: QueueRow): string[] {
  const { partitions = [] } = policy;
  const own = row.partition === null ? [defaultPartition(partitions)?.name] : partitionNames(row.partition);
  const sized: Entrant = { nodes: row.nodes, timeLimitMs: row.limitMs ?? Infinity };
  if (row.account !== null) sized.account = row.account;
  if (row.qos !== null) sized.qos = row.qos;
  const excessOf = excessFinder(policy.qos);
  const fitting = partitions.filter((partition) => {
    const size = partition.nodes?.length ?? nodes.length;
    return !own.includes(partition.name) && size >= row.nodes && excessOf(partition, sized) === null;
  });
  return fitting.slice(0, PARTITIONS_MAX).map(({ name }) => name);
}
