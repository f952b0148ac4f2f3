/** Jobs of one size. Shares are fractions of one; those of all sizes add up to 1. */
export interface SizeClass {
  gpus: number;
  /** Of all jobs. */
  jobShare: number;
  /** Of the GPU time that all jobs ask for; how long its jobs run follows from it. */
  gpuTimeShare: number;
  /** Standard deviation of the natural logarithm of how long its runs last. */
  durationDeviation: number;
  /** A run that lasts longer than one job may goes on in another, at most this many in all. */
  chainJobsMax: number;
  /** How many of its jobs write checkpoints. */
  checkpointShare: number;
  /** QOS and how many of its jobs have it, in proportion. */
  qos: Readonly<Record<string, number>>;
}

/** How jobs end that neither a failure nor the scheduler ends, in proportion. */
export interface EndShares {
  completed: number;
  failed: number;
  cancelled: number;
  /** Asked for less time than they needed. */
  timeout: number;
  outOfMemory: number;
}

export interface CheckpointHabit {
  intervalMs: number;
  writeMs: number;
  isBlocking: boolean;
  /** Uniform between the two: the paper's u0. */
  restartMsMin: number;
  restartMsMax: number;
}

/** What a generator's fit is held against. */
export type Figure =
  | { kind: 'jobsPerDay' }
  /** GPU time asked for, undisturbed, as a share of what `clusterGpus` GPUs give. */
  | { kind: 'offeredLoad' }
  | { kind: 'jobShare'; gpusMin: number; gpusMax: number | null }
  | { kind: 'gpuTimeShare'; gpusMin: number; gpusMax: number | null }
  /** Of the jobs that nothing interferes with. */
  | { kind: 'endShare'; end: keyof EndShares }
  /** Size of the largest job. */
  | { kind: 'gpusMax' };

export interface PublishedFigure {
  figure: Figure;
  relation: 'about' | 'above' | 'below';
  value: number;
  source: string;
}

/** A synthetic workload: what is drawn, in which proportions. */
export interface WorkloadSpec {
  name: string;
  title: string;
  note: string | null;
  /** GPUs of the cluster it is made after. */
  clusterGpus: number;
  jobsPerDay: number;
  /** GPU time that its jobs ask for if nothing interferes with them. */
  gpuHoursPerDay: number;
  /** Arrivals by hour of day (24) and by day of week from Monday (7), in proportion. A run starts on a Monday at midnight. */
  hourWeights: readonly number[];
  dayWeights: readonly number[];
  sizes: readonly SizeClass[];
  ends: EndShares;
  /** Time limits that people ask for, ascending; the last is the longest allowed. */
  limitsMs: readonly number[];
  /** A job that is not short of time uses at least this fraction of what was asked for, before rounding up to the next limit. */
  limitUseMin: number;
  /** What one job of a chain runs before it stops by itself and leaves the rest to the next; below the longest limit. */
  chainJobMs: number;
  checkpointing: CheckpointHabit;
  users: number;
  accounts: number;
  /** The n-th user submits in proportion to n to the minus this. */
  userExponent: number;
  cpusPerGpu: number;
  memoryBytesPerGpu: number;
  /** How many failures may put a job back in the queue. */
  requeuesMax: number;
  published: readonly PublishedFigure[];
  /** Field and where its value is from. */
  sources: Readonly<Record<string, string>>;
}
