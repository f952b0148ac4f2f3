import type { PendingReason } from '../scheduler/pending-reason.ts';
import type { Component, Outcome, AttemptState } from './types.ts';

/**
 * What a run came to. `inputs` is what was given or drawn before anything was scheduled, `predictions` what followed from it. Spans are in
 * seconds, shares in [0, 1]; device time is GPU-hours, or CPU-hours on a cluster without GPUs (`inputs.cluster.unit`), and all of it is of
 * the measured span, from the end of the warm-up to the end of the run. Definitions: docs/reference/measures.md.
 */
export interface TwinReport {
  inputs: ReportInputs;
  predictions: ReportPredictions;
  series: ReportSeries;
  timeline: NodeTimeline;
}

/** What a cluster is counted in. */
export type DeviceUnit = 'gpu' | 'cpu';

/** Devices that a job asks for, `from` to `to` with both; `to` null: or more. */
export interface SizeClass {
  label: string;
  from: number;
  to: number | null;
}

export interface ReportInputs {
  cluster: { nodes: number; devices: number; unit: DeviceUnit };
  /** The run was to end then; null: once every job had. */
  horizonSeconds: number | null;
  /** Left out of every measure; its jobs too. */
  warmupSeconds: number;
  /** Of the formulas; null where not given. */
  failuresPerNodeDay: number | null;
  jobs: {
    submitted: number;
    /** That ran or waited at instant 0 already; in none of the figures here. */
    atStart: number;
    /**
     * What the next two are of: the measured span; where the run ends with its last job, from the first submission to the last, since how long the
     * queue takes to empty is no input. The measured span as well where all came at once.
     */
    arrivalSeconds: number;
    perDay: number;
    /** Undisturbed device time of what was submitted over the capacity of `arrivalSeconds`. */
    offeredLoad: number;
    outcomes: Record<Outcome, number>;
    /** To be cancelled by their users at some time. */
    toBeCancelled: number;
    checkpointing: number;
    bySize: SizeShare[];
  };
  incidents: {
    count: number;
    falsePositives: number;
    /** Real ones, a node of the cluster and day: one that takes down several nodes counts for each. */
    perNodeDay: number;
    byComponent: { component: Component; count: number; nodes: number }[];
  };
}

/** Jobs as submitted in `inputs` (hours: undisturbed), attempts as run in `predictions`. */
export interface SizeShare {
  size: SizeClass;
  count: number;
  countShare: number;
  deviceHours: number;
  deviceTimeShare: number;
}

export interface ReportPredictions {
  measuredSeconds: number;
  jobs: {
    started: number;
    ended: number;
    /** Of those that ended. */
    neverStarted: number;
    pendingAtEnd: number;
    runningAtEnd: number;
    /** What those wait for that wait at the end, in Slurm's words (`squeue -o %r`); the most frequent first. */
    pendingReasons: { reason: PendingReason; jobs: number }[];
  };
  attempts: number;
  /** Allocated over in service. */
  utilization: number;
  /** Allocated over all there is. */
  occupancy: number;
  /** Productive over all there is. */
  goodput: number;
  /** Productive over allocated, attempts that still run left out. */
  productiveShare: number;
  deviceTime: DeviceTime;
  waits: WaitTables;
  attemptStates: StateShare[];
  bySize: SizeShare[];
  sizeShares: SizeThresholds;
  ettr: EttrReport;
  failures: FailureReport;
  losses: Loss[];
  preemption: PreemptionReport;
  fragmentation: { meanDevices: number; shareOfIdle: number };
  queue: { meanJobs: number; maxJobs: number; meanDevices: number };
  /** Null where the power of a node is not known. */
  energy: EnergyReport | null;
  /** Null without lemon detection. */
  lemons: LemonReport | null;
}

/** Hours. `allocated = productive + lost + overhead + unfinished` and `capacity = allocated + idle + drained + down`, but for the residuals. */
export interface DeviceTime {
  capacity: number;
  allocated: number;
  productive: number;
  lost: number;
  /** Restarts, stalls of checkpoints, dying after the signal. */
  overhead: number;
  /** Of attempts that ran when the run ended: what of it will have been productive is not known. */
  unfinished: number;
  idle: number;
  /** Free on nodes that drain or are drained. */
  drained: number;
  down: number;
  /** Left minus right of the equations above, each side counted on its own: 0 unless the run, or the counting, is wrong. */
  residualAllocated: number;
  residualCapacity: number;
}

export interface Distribution {
  count: number;
  mean: number;
  median: number;
  p90: number;
  p99: number;
  max: number;
}

export interface WaitFigures {
  /** From submission to the first start. Null where no job started. */
  waitSeconds: Distribution | null;
  /** Of jobs that ended after they ran; `max(1, (wait + run) / max(run, 10 s))`. */
  boundedSlowdown: Distribution | null;
  /** Jobs that have not started when the run ends, in none of the figures above, and how long they have waited by then. Null: there is none. */
  notStarted: { count: number; meanSeconds: number } | null;
}

export interface WaitTables {
  all: WaitFigures;
  bySize: ({ size: SizeClass } & WaitFigures)[];
  byQos: ({ qos: string } & WaitFigures)[];
}

export interface StateShare {
  state: AttemptState;
  attempts: number;
  share: number;
  deviceHours: number;
  deviceTimeShare: number;
  /** Of RSC-1's jobs as published; null where the paper gives none. */
  publishedShare: number | null;
}

/** Attempts within one 8-GPU node, and large ones. */
export interface SizeThresholds {
  single: { countShare: number; deviceTimeShare: number };
  atMost8: { countShare: number; deviceTimeShare: number };
  atLeast256: { countShare: number; deviceTimeShare: number };
  atLeast4096: { countShare: number; deviceTimeShare: number };
}

export interface EttrReport {
  /** Jobs on nodes for this long at least count. */
  scheduledSecondsMin: number;
  all: EttrFigures | null;
  bySize: ({ size: SizeClass } & EttrFigures)[];
}

export interface EttrFigures {
  jobs: number;
  /** Productive time of all these jobs over their time on nodes and in the queue. */
  ettr: number;
  /** The same without the wait before the first start. */
  ettrOnceStarted: number;
  /** Of the jobs' own ratios. */
  perJob: { mean: number; p10: number; median: number };
  /** Null where no job of these writes checkpoints or no failure rate is given. */
  formula: EttrFormula | null;
}

/**
 * The planner's expectation for the mean of those jobs that write checkpoints at one interval, were never preempted and did not run into their time limit: what
 * it does not model is left out on both sides.
 */
export interface EttrFormula {
  /** Of jobs of this productive time: they pay for their first start too. */
  ettr: number;
  /** The same at the rate of `failures.rateOfLarge`, as the paper takes r_f; null where that is not known. */
  ettrAtRateOfLarge: number | null;
  /** Of a run without end. */
  ettrLongRun: number;
  /** Measured as `ettrOnceStarted`, over these jobs alone. */
  measured: number;
  jobs: number;
  nodes: number;
  mttfSeconds: number;
  restartSeconds: number;
  /** Mean from a failure until its attempt was over, a prediction of the run. */
  noticingSeconds: number;
  checkpointIntervalSeconds: number;
  checkpointWriteSeconds: number;
  /** Mean wait after a failure, itself a prediction of the run. */
  requeueWaitSeconds: number;
  /** Mean of a job. */
  productiveSeconds: number;
  /** Of these jobs: a failure ended them for good. */
  stoppedShare: number;
}

export interface FailureReport {
  /** Attempts that a failure ended, real ones and those of checks that were wrong. */
  attemptsFailed: number;
  attemptsStoppedByFalsePositives: number;
  bySize: MttfFigures[];
  /** Jobs of more than 128 devices, as the paper counts r_f. */
  rateOfLarge: FailureRate;
  /** 1 / (N r_f) with this rate for 16,384 devices, whether or not there is such a job. */
  mttf16384Hours: number | null;
  /** Of 512 devices and more. */
  large: {
    attempts: number;
    attemptsFailed: number;
    attemptFailureShare: number | null;
    jobs: number;
    jobsFailedOnce: number;
    jobFailureShare: number | null;
  };
}

export interface MttfFigures {
  size: SizeClass;
  failures: number;
  /** So many that come one by one would scatter as much: fewer, since one broken node or switch ends several attempts. */
  independentFailures: number;
  attemptHours: number;
  /** Over time: node-hours over attempt-hours. */
  meanNodes: number;
  /** Attempt-hours over failures; null without a failure. */
  mttfHours: number | null;
  /** 90 % interval, exact for a Poisson count of `independentFailures`; `high` null: no failure was seen. */
  intervalHours: { low: number; high: number | null };
  /** 1 / (N r_f); null where no rate is given. */
  theoryHours: number | null;
}

export interface FailureRate {
  failures: number;
  nodeDays: number;
  perThousandNodeDays: number | null;
  /** 90 % interval. */
  interval: { low: number; high: number } | null;
}

/** What ended an attempt before its job was done. */
export type LossCause = Component | 'false_positive' | 'preemption' | 'timeout' | 'user_failure' | 'cancel' | 'requeue';

/** Causes that occurred, the largest loss first. */
export interface Loss {
  cause: LossCause;
  attempts: number;
  /** Time in attempts that ended so. */
  deviceHours: number;
  /** Work of these that was not kept. */
  lostHours: number;
  overheadHours: number;
}

export interface PreemptionReport {
  preemptions: number;
  lostHours: number;
  /** By jobs that were back in the queue after a failure. */
  afterFailure: number;
  /** By jobs that had been preempted by these, and so on. */
  afterThose: number;
  /** Work lost by the attempts of the last two. */
  secondOrderLostHours: number;
  /** Work lost by attempts that a failure ended. */
  firstOrderLostHours: number;
  /** Second order over both; null where nothing was lost. */
  secondOrderShare: number | null;
  /** Jobs that failures put back most often, the worst first. */
  crashLoops: CrashLoop[];
}

export interface CrashLoop {
  jobId: number;
  devices: number;
  /** Attempts that failures ended. */
  failures: number;
  /** Attempts of others that made room for it after a failure. */
  preemptions: number;
  /** Devices of these attempts together. */
  preemptedDevices: number;
}

export interface EnergyReport {
  megawattHours: number;
  meanKilowatts: number;
  kilowattHoursPerProductiveHour: number | null;
  nodeWattsBusy: number;
  nodeWattsIdle: number;
  powerUsageEffectiveness: number;
}

/** How good the detector was, against lemons it does not see. */
export interface LemonReport {
  nodesFlagged: number;
  lemons: number;
  lemonsFlagged: number;
  precision: number | null;
  recall: number | null;
}

/** Means over equal spans from the start of the run, warm-up included; the last one may be cut by the end of the run. */
export interface ReportSeries {
  bucketSeconds: number;
  /** Begin of each. */
  startSeconds: number[];
  /** Devices. These seven add up to the cluster. */
  productive: number[];
  lost: number[];
  overhead: number[];
  unfinished: number[];
  idle: number[];
  drained: number[];
  down: number[];
  /** Of `idle`: on nodes that are not wholly free. */
  fragmented: number[];
  pendingJobs: number[];
  runningJobs: number[];
  /** What the pending jobs ask for. */
  pendingDevices: number[];
}

export const TIMELINE_STATES = ['idle', 'down', 'drained', '1-8', '9-64', '65-255', '256-1023', '1024+'] as const;
/** A node's state; while it is allocated, the devices of the job that has most of it. */
export type TimelineState = (typeof TIMELINE_STATES)[number];

/** A grid of nodes and time, each cell in the state that had most of it. */
export interface NodeTimeline {
  columnSeconds: number;
  columns: number;
  rows: TimelineRow[];
}

export interface TimelineRow {
  /** One node, or neighbours: by index, with both. */
  firstNode: number;
  lastNode: number;
  label: string;
  /** Runs of equal cells: column where it begins, index in TIMELINE_STATES, column, index, ... */
  runs: number[];
  /** Where some of its nodes were out of service, even if most were not: column where a run of equal cells begins, nodes in the mean to tenths, ... */
  outOfService: number[];
}

/** Mean waits of the same jobs, as recorded and in a run. */
export interface RecordedWait {
  jobs: number;
  recordedMeanSeconds: number;
  meanSeconds: number;
  /** (run - recorded) / recorded; null where nobody waited. */
  difference: number | null;
}

export interface RecordedWaits extends RecordedWait {
  byPartition: readonly (RecordedWait & { name: string })[];
  byQos: readonly (RecordedWait & { name: string })[];
}
