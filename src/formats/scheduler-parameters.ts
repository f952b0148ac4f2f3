import type { SchedulerOptions } from '../scheduler/policy.ts';

type NumberField =
  | 'bfIntervalSeconds'
  | 'bfResolutionSeconds'
  | 'bfMaxJobTest'
  | 'bfWindowSeconds'
  | 'bfMaxJobUser'
  | 'bfMaxJobPart'
  | 'bfMaxJobUserPart'
  | 'bfMaxJobAssoc'
  | 'bfMaxJobStart'
  | 'schedMaxJobStart'
  | 'bfJobPartCountReserve'
  | 'bfMinAgeReserveSeconds'
  | 'bfMinPrioReserve'
  | 'partitionJobDepth'
  | 'defaultQueueDepth';

interface Parameter {
  field: NumberField;
  /** Of the field in the parameter's unit. */
  factor: number;
  min: number;
}

const MINUTE = 60;

/** Numbers of Slurm's `SchedulerParameters` that the policy has, by their name there (slurm.conf(5)). */
export const APPLIED_PARAMETERS = {
  bf_interval: { field: 'bfIntervalSeconds', factor: 1, min: 0 },
  bf_max_job_test: { field: 'bfMaxJobTest', factor: 1, min: 1 },
  bf_resolution: { field: 'bfResolutionSeconds', factor: 1, min: 1 },
  bf_window: { field: 'bfWindowSeconds', factor: MINUTE, min: 1 },
  default_queue_depth: { field: 'defaultQueueDepth', factor: 1, min: 1 },
  bf_job_part_count_reserve: { field: 'bfJobPartCountReserve', factor: 1, min: 0 },
  bf_max_job_assoc: { field: 'bfMaxJobAssoc', factor: 1, min: 0 },
  bf_max_job_part: { field: 'bfMaxJobPart', factor: 1, min: 0 },
  bf_max_job_start: { field: 'bfMaxJobStart', factor: 1, min: 0 },
  bf_max_job_user: { field: 'bfMaxJobUser', factor: 1, min: 0 },
  bf_max_job_user_part: { field: 'bfMaxJobUserPart', factor: 1, min: 0 },
  bf_min_age_reserve: { field: 'bfMinAgeReserveSeconds', factor: 1, min: 0 },
  bf_min_prio_reserve: { field: 'bfMinPrioReserve', factor: 1, min: 0 },
  partition_job_depth: { field: 'partitionJobDepth', factor: 1, min: 0 },
  sched_max_job_start: { field: 'schedMaxJobStart', factor: 1, min: 0 },
} as const satisfies Record<string, Parameter>;

export type AppliedParameter = keyof typeof APPLIED_PARAMETERS;

const OWN_CYCLE = 'a cycle runs whenever something changed, and at no other time';
const NO_TIME = 'passes of the main scheduler take no time';
const NO_LOCKS = 'the twin holds no locks that a pass of backfill would have to give up';

/** Others that Slurm has, and why they change nothing here. */
export const IGNORED_PARAMETERS = {
  batch_sched_delay: OWN_CYCLE,
  bf_busy_nodes: 'placement is by leaf switch, not by when nodes become free',
  bf_continue: NO_LOCKS,
  bf_max_job_array_resv: 'each task of an array has a reservation of its own',
  bf_max_time: 'a cycle takes no time',
  bf_yield_interval: NO_LOCKS,
  bf_yield_sleep: NO_LOCKS,
  build_queue_timeout: NO_TIME,
  defer: 'no job is tried at its submission: each waits for a pass, as with it',
  max_rpc_cnt: 'the twin has no RPC load',
  max_sched_time: NO_TIME,
  nohold_on_prolog_fail: 'no prolog fails in the twin',
  sched_interval: OWN_CYCLE,
  sched_min_interval: 'nothing but batch_sched_delay keeps passes apart',
} as const;

export type IgnoredParameter = keyof typeof IGNORED_PARAMETERS;

export function isAppliedParameter(name: string): name is AppliedParameter {
  return Object.hasOwn(APPLIED_PARAMETERS, name);
}

export function isIgnoredParameter(name: string): name is IgnoredParameter {
  return Object.hasOwn(IGNORED_PARAMETERS, name);
}

/** The policy's field for a parameter, in seconds where it is a time. */
export function parameterOption(name: AppliedParameter, value: number): SchedulerOptions {
  const { field, factor } = APPLIED_PARAMETERS[name];
  return { [field]: value * factor };
}
