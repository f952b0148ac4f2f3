import type { AccountPolicy, PreemptMode, QosPolicy, UserPolicy } from './qos-and-accounts.ts';

export const SCHEDULER_TYPES = ['builtin', 'backfill'] as const;

/** Slurm's `SchedulerType`, without its `sched/`. */
export type SchedulerType = (typeof SCHEDULER_TYPES)[number];

/** What a second of each counts in fair-share. */
export interface BillingWeights {
  cpu: number;
  gpu: number;
  /** Of memory. Default 0. */
  gibibyte?: number;
  /** Default 0. */
  node?: number;
}

/** `PriorityWeightTRES`: what asking for all of it that a partition has adds to the priority of a job there. Default 0. */
export interface TresWeights {
  cpu?: number;
  memory?: number;
  gpu?: number;
  node?: number;
}

export interface PartitionPolicy {
  name: string;
  /** Null: all nodes of the cluster. */
  nodes?: readonly string[] | null;
  isDefault?: boolean;
  /** Jobs of a higher tier come before all others, whatever their priority (`PriorityTier`). Default 1. */
  priorityTier?: number;
  /** `PriorityJobFactor`: scaled by the largest of all partitions, then weighted. Default 1. */
  priorityJobFactor?: number;
  /** `MinNodes` and `MaxNodes` of a job. Null: no limit. */
  minNodes?: number;
  maxNodes?: number | null;
  /** `MaxCPUsPerNode`: CPUs of a node that its jobs have together. Absent: all. */
  maxCpusPerNode?: number;
  /** `AllowAccounts` and `AllowQos`: whose jobs it takes; absent: everybody's. Accounts below one that is named are not named by that. */
  allowAccounts?: readonly string[];
  allowQos?: readonly string[];
  /** `DenyAccounts` and `DenyQos`: whose it does not take. Nothing beside the list of those that it takes, as in Slurm. */
  denyAccounts?: readonly string[];
  denyQos?: readonly string[];
  /** The QOS whose limits hold for its jobs besides those of their own, and before these (`QOS`). */
  qos?: string;
  /** `MaxTime`. Null: no limit. */
  maxTimeSeconds?: number | null;
  /** `DefaultTime`, for jobs without a limit of their own. Null: `maxTimeSeconds`. */
  defaultTimeSeconds?: number | null;
  /** `OverTimeLimit`, in the place of the policy's: its jobs may outrun their time limits by so much. Null: for ever. */
  overTimeSeconds?: number | null;
  /** With `preempt.type: partition_prio`, what becomes of a job of it that is preempted (`PreemptMode`). Null: as on the cluster. */
  preemptMode?: PreemptMode | null;
  /** With `preempt.type: partition_prio`, between the first signal to a preempted job of it and its end (`GraceTime`). */
  graceSeconds?: number;
  /** In the place of the policy's (`TRESBillingWeights`). */
  billingWeights?: BillingWeights;
}

/** So many are told apart: one bit each in a 31-bit mask. */
export const PARTITIONS_MAX = 31;

/** That of jobs which name none: the one marked as such, else the first; undefined where there are none. */
export function defaultPartition<T extends Pick<PartitionPolicy, 'isDefault'>>(
  partitions: readonly T[],
): T | undefined {
  return partitions.find(({ isDefault }) => isDefault === true) ?? partitions[0];
}

/** Finds the partition of jobs that name it; of those that name none, null, the default one. Undefined where there is none such. */
export function partitionFinder(
  partitions: readonly PartitionPolicy[],
): (name: string | null) => PartitionPolicy | undefined {
  const byName = new Map(partitions.map((partition) => [partition.name, partition]));
  const standard = defaultPartition(partitions);
  return (name) => (name === null ? standard : byName.get(name));
}

/** Slurm's `priority/multifactor`. A priority is the sum of weight times factor, each factor in [0, 1]. */
export interface PriorityPolicy {
  /** `basic`: the job's own `priority`, then first in, first out. */
  type: 'basic' | 'multifactor';
  weights: { age: number; fairshare: number; jobSize: number; partition: number; qos: number; tres?: TresWeights };
  /** Waiting longer than this counts no more (`PriorityMaxAge`). */
  maxAgeSeconds: number;
  /** Past use counts half after this (`PriorityDecayHalfLife`); 0: it never fades. */
  decayHalfLifeSeconds: number;
  /** How often factors are worked out anew (`PriorityCalcPeriod`). */
  calcPeriodSeconds: number;
  /** How long ago they were at instant 0, which the periods are counted from. */
  calcAgeSeconds: number;
  /** `PriorityFavorSmall`. */
  isSmallFavored: boolean;
  /** The size of a job counts the less the longer it may run (`PriorityFlags=SMALL_RELATIVE_TO_TIME`). */
  isSizeRelativeToTime: boolean;
  /**
   * What a second of a CPU and of a GPU counts in fair-share (`TRESBillingWeights`; Slurm's default is 1 for a CPU, nothing for a GPU).
   * Null: GPUs, or CPUs where the job has none.
   */
  billingWeights: BillingWeights | null;
  /** Of what a job has on a node, what weighs most counts, and not the sum (`PriorityFlags=MAX_TRES`). */
  isMostBilled: boolean;
  /** `fair_tree` is Slurm's default; `classic` is 2^(-use/share) (`PriorityFlags=NO_FAIR_TREE`). */
  fairshareAlgorithm: 'fair_tree' | 'classic';
}

export interface PreemptPolicy {
  /** `PreemptType`: by QOS or by partition tier. */
  type: 'none' | 'qos' | 'partition_prio';
  mode: PreemptMode;
  /** `PreemptExemptTime`. */
  exemptSeconds: number;
  /** `PreemptParameters=youngest_first`. */
  isYoungestFirst: boolean;
}

/** When passes through the queue are made, as by Slurm's controller (`SchedulerParameters` of the same names). */
export interface CadencePolicy {
  /** Between two passes that submissions and ends of jobs ask for (`batch_sched_delay`, 3). */
  batchSchedDelaySeconds: number;
  /** Between two passes through the whole queue (`sched_interval`, 60). */
  schedIntervalSeconds: number;
  /** Jobs are held to their time limits this often (30). */
  timeLimitCheckSeconds: number;
  /**
   * Share of jobs of which something is still to be cleaned up when the controller asks: their ends start a pass at once. 1: the ends of all
   * jobs do, as where an `Epilog` runs.
   */
  promptEndShare: number;
  /** How long the controller has run when the first job is submitted: what its passes are counted from. */
  controllerAgeSeconds: number;
  /** How long ago its last pass through the queue was then, without backfill; absent: as long. */
  mainAgeSeconds?: number;
  /** How long ago it last went through the whole queue then; absent: as long as it has run. */
  fullAgeSeconds?: number;
  /** How much later than its backfill the controller's loop begins: with a database, it registers there first. */
  loopDelaySeconds: number;
  /** Unix time of second 0, 0 where it is not known: slots of backfill and predicted starts go by the clock's full minutes. */
  originSeconds: number;
  /** A pass of backfill is cut off once so many seconds have begun since the one in which it started (`bf_max_time`, `bf_interval`). */
  bfMaxTimeSeconds: number;
  /** After so long it lets others have their turn, and is over if anything changed meanwhile (`bf_yield_interval`, 2). */
  bfYieldIntervalSeconds: number;
  /** How long others have their turn (`bf_yield_sleep`, 0.5). */
  bfYieldSleepSeconds: number;
  /** A pass goes on whatever changed meanwhile (`bf_continue`). */
  isBfContinued: boolean;
  /** What a pass of backfill needs each time it looks for a job's nodes, for each node that it looks at. 0: no time passes. */
  nodeTestMicroseconds: number;
}

/** Some nodes kept for some people for some time (`scontrol create reservation`). */
export interface NodeReservation {
  name: string;
  nodes: readonly string[];
  startMs: number;
  endMs: number;
  /** Who may use it; a job must also name it. Both empty: nobody (maintenance). */
  users: readonly string[];
  accounts: readonly string[];
}

/** The policy, in the words of `slurm.conf` and its `SchedulerParameters`. */
export interface SchedulerOptions {
  /**
   * `builtin`: the first job that does not fit blocks all behind it, in passes as Slurm makes them those of its partition. `backfill` (the default,
   * as in Slurm): jobs behind it may start where that does not delay the jobs that have a reservation.
   */
  schedulerType?: SchedulerType;
  /**
   * `easy`: the first job that does not fit has a reservation. `conservative`: every job looked at has one, of whole nodes, as in Slurm.
   * Default `easy`.
   */
  backfillType?: 'easy' | 'conservative';
  /** How many jobs a cycle starts in turn at most; what is left over starts in a cycle right after it. Default 100. */
  defaultQueueDepth?: number;
  /** Between two passes of backfill (`bf_interval`). Default 0: whenever something changed. */
  bfIntervalSeconds?: number;
  /** Conservative plans reckon in steps of this (`bf_resolution`). Default 60. */
  bfResolutionSeconds?: number;
  /** How many jobs, from the first that does not fit, are tried for backfill in one cycle. Default 500. */
  bfMaxJobTest?: number;
  /** How many jobs of a user, of a partition, of a user in a partition and of a user in an account a conservative pass looks at. Default 0: all. */
  bfMaxJobUser?: number;
  bfMaxJobPart?: number;
  bfMaxJobUserPart?: number;
  bfMaxJobAssoc?: number;
  /** How many jobs a conservative pass of backfill starts, and how many a pass of the main scheduler. Default 0: all. */
  bfMaxJobStart?: number;
  schedMaxJobStart?: number;
  /** For how many jobs of a partition a conservative pass makes reservations. Default 0: for all. */
  bfJobPartCountReserve?: number;
  /** A job that has waited less, or has a lower multifactor priority, starts where it can and has no reservation. Default 0. */
  bfMinAgeReserveSeconds?: number;
  bfMinPrioReserve?: number;
  /** How many jobs of a partition a pass of the main scheduler looks at (`partition_job_depth`). Default 0: all. */
  partitionJobDepth?: number;
  /** A reservation that would begin later than this is not made, except the first of EASY: that job is never passed over. Default a day. */
  bfWindowSeconds?: number;
  priority?: Partial<PriorityPolicy>;
  preempt?: Partial<PreemptPolicy>;
  qos?: readonly QosPolicy[];
  accounts?: readonly AccountPolicy[];
  users?: readonly UserPolicy[];
  partitions?: readonly PartitionPolicy[];
  /**
   * Limits on used minutes let jobs start only that can run to their end within them, and end none (`AccountingStorageEnforce=safe`). Default: whatever
   * may start until they are reached, and then all that runs is ended.
   */
  areLimitsSafe?: boolean;
  reservations?: readonly NodeReservation[];
  /**
   * `EnforcePartLimits`: a job beyond the limits of its partition is refused; of one that names several, with true (`ALL`) if it is beyond those of one,
   * with `any` only if it is beyond those of each. Default: it waits for ever, as in Slurm.
   */
  enforcePartLimits?: boolean | 'any';
  /**
   * How conservative backfill and Slurm's passes look for nodes: `cons_tres` (the default), or `linear`, which predicts a start after each end and not
   * after batches of them, and takes the emptiest leaves last.
   */
  selectType?: 'cons_tres' | 'linear';
  /** Jobs may outrun their time limits by so much (`OverTimeLimit`). Null: for ever. Default 0. */
  overTimeSeconds?: number | null;
  /** What conservative passes grant a job that has outrun its limit (`KillWait`). Default 30. */
  killWaitSeconds?: number;
  /** Passes at the times of Slurm's controller, for `conservative`. Null, the default: whenever something changed. */
  cadence?: CadencePolicy | null;
  /** A job that is requeued for whatever reason may start only this long after (Slurm: the life of its credential and a second). Default 0. */
  requeueDelaySeconds?: number;
  /** A job requeued by a failure waits this long, then twice as long each time. Default 0: it may start at once. */
  requeueBackoffSeconds?: number;
  /** Never longer than this. Default an hour. */
  requeueBackoffMaxSeconds?: number;
}

export type Policy = Required<Omit<SchedulerOptions, 'priority' | 'preempt'>> & {
  priority: PriorityPolicy;
  preempt: PreemptPolicy;
};

const COUNTS = ['defaultQueueDepth', 'bfMaxJobTest', 'bfWindowSeconds', 'bfResolutionSeconds'] as const;
/** What bounds Slurm's own passes; 0: nothing does. */
const PASS_LIMITS = [
  'bfMaxJobUser',
  'bfMaxJobPart',
  'bfMaxJobUserPart',
  'bfMaxJobAssoc',
  'bfMaxJobStart',
  'schedMaxJobStart',
  'bfJobPartCountReserve',
  'bfMinPrioReserve',
  'partitionJobDepth',
] as const;
const SPANS = [
  'bfIntervalSeconds',
  'bfMinAgeReserveSeconds',
  'killWaitSeconds',
  'requeueDelaySeconds',
  'requeueBackoffSeconds',
  'requeueBackoffMaxSeconds',
] as const;

/** Slurm's defaults where it has one. Throws a RangeError for a limit that is not an integer > 0. */
export function completePolicy(options: SchedulerOptions): Policy {
  const policy: Policy = {
    schedulerType: 'backfill',
    backfillType: 'easy',
    defaultQueueDepth: 100,
    bfIntervalSeconds: 0,
    bfResolutionSeconds: 60,
    bfMaxJobTest: 500,
    bfWindowSeconds: 86_400,
    bfMaxJobUser: 0,
    bfMaxJobPart: 0,
    bfMaxJobUserPart: 0,
    bfMaxJobAssoc: 0,
    bfMaxJobStart: 0,
    schedMaxJobStart: 0,
    bfJobPartCountReserve: 0,
    bfMinAgeReserveSeconds: 0,
    bfMinPrioReserve: 0,
    partitionJobDepth: 0,
    qos: [],
    accounts: [],
    users: [],
    partitions: [],
    areLimitsSafe: false,
    reservations: [],
    enforcePartLimits: false,
    selectType: 'cons_tres',
    overTimeSeconds: 0,
    killWaitSeconds: 30,
    cadence: null,
    requeueDelaySeconds: 0,
    requeueBackoffSeconds: 0,
    requeueBackoffMaxSeconds: 3600,
    ...options,
    priority: {
      type: 'basic',
      weights: { age: 0, fairshare: 0, jobSize: 0, partition: 0, qos: 0 },
      maxAgeSeconds: 7 * 86_400,
      decayHalfLifeSeconds: 7 * 86_400,
      calcPeriodSeconds: 300,
      calcAgeSeconds: 0,
      isSmallFavored: false,
      isSizeRelativeToTime: false,
      billingWeights: null,
      isMostBilled: false,
      fairshareAlgorithm: 'fair_tree',
      ...options.priority,
    },
    preempt: { type: 'none', mode: 'requeue', exemptSeconds: 0, isYoungestFirst: false, ...options.preempt },
  };
  for (const name of COUNTS) {
    const value = policy[name];
    if (!Number.isSafeInteger(value) || value < 1)
      throw new RangeError(`${name}: expected an integer > 0, got ${value}`);
  }
  for (const name of PASS_LIMITS) {
    const value = policy[name];
    if (!Number.isSafeInteger(value) || value < 0)
      throw new RangeError(`${name}: expected an integer >= 0, got ${value}`);
  }
  for (const name of SPANS) {
    const value = policy[name];
    if (!Number.isFinite(value) || value < 0) throw new RangeError(`${name}: expected seconds >= 0, got ${value}`);
  }
  return policy;
}
