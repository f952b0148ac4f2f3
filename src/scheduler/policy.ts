export const SCHEDULER_TYPES = ['builtin', 'backfill'] as const;

/** Slurm's `SchedulerType`, without its `sched/`. */
export type SchedulerType = (typeof SCHEDULER_TYPES)[number];

/** The policy, in the words of `slurm.conf` and its `SchedulerParameters`. */
export interface SchedulerOptions {
  /**
   * `builtin`: the first job that does not fit blocks all behind it. `backfill` (the default, as in Slurm): jobs behind it may start where
   * that does not delay the jobs that have a reservation.
   */
  schedulerType?: SchedulerType;
  /** How many jobs a cycle starts in turn at most; what is left over starts in a cycle right after it. Default 100. */
  defaultQueueDepth?: number;
  /** How many jobs, from the first that does not fit, are tried for backfill in one cycle. Default 500. */
  bfMaxJobTest?: number;
  /** How many jobs, in the order of the queue, get a reservation. 1 (the default) is EASY backfill; more is conservative for the first so many. */
  bfMaxJobReserve?: number;
  /** A reservation that would begin later than this is not made, except the first: that job is never passed over. Default a day. */
  bfWindowSeconds?: number;
}

export type Policy = Required<SchedulerOptions>;

/** Slurm's defaults where it has one. Throws a RangeError for a limit that is not an integer > 0. */
export function completePolicy(options: SchedulerOptions): Policy {
  const policy: Policy = {
    schedulerType: 'backfill',
    defaultQueueDepth: 100,
    bfMaxJobTest: 500,
    bfMaxJobReserve: 1,
    bfWindowSeconds: 86_400,
    ...options,
  };
  for (const name of ['defaultQueueDepth', 'bfMaxJobTest', 'bfMaxJobReserve', 'bfWindowSeconds'] as const) {
    const value = policy[name];
    if (!Number.isSafeInteger(value) || value < 1)
      throw new RangeError(`${name}: expected an integer > 0, got ${value}`);
  }
  return policy;
}
