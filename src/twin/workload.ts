import type { Resources } from '../cluster/node.ts';
import { empty } from '../lib/empty.ts';
import { normalQuantile } from '../lib/normal.ts';
import { type Random, streamOf, WeightedChoice } from '../lib/random.ts';
import { Stratified } from '../lib/stratified.ts';
import { ZERO_MS } from '../lib/zero-ms.ts';
import type { Dependency } from '../scheduler/types.ts';
import { Arrivals } from './arrivals.ts';
import { checkpointingWithin, workWithin } from './attempt-progress.ts';
import { fitRunLength, meanChainJobs, type RunLength } from './run-length.ts';
import type { Checkpointing, JobSource, Outcome, TwinJob } from './types.ts';
import type { EndShares, SizeClass, WorkloadSpec } from './workload-spec.ts';

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;

/** A job of more than this share of the GPUs might never start once a few nodes are down, so it is made smaller and longer. */
const CLUSTER_SHARE_MAX = 0.9;

/** A job that is short of time would have needed this many times its limit. It makes no difference: it ends at its limit. */
const SHORT_OF_TIME = 2;

/** Time limits are in minutes, as Slurm's are. */
const LIMIT_STEP_MS = 60_000;

/**
 * What is published is the mix of many months. Sizes, and how long the runs of a size last, are therefore drawn so that every so many have
 * the mix: the months of one seed then differ as those of a year do in the order of jobs, and hardly in what they add up to.
 */
const SIZE_STRATA = 65_536;
const DURATION_STRATA = [64, 2, 2, 2, 2, 2] as const;

const NONE: readonly never[] = [];

export interface WorkloadOptions {
  days: number;
  seed: number;
  /** Arrivals are multiplied by this. Default 1. */
  load?: number;
  /** Arrivals grow evenly to 1 + growth times what they are at first. Default 0. */
  growth?: number;
  /** GPUs of the cluster that the jobs go to: none asks for more than nine tenths of them. */
  clusterGpus: number;
  /** Default 8. */
  gpusPerNode?: number;
}

/**
 * The jobs of a synthetic workload, drawn one at a time. Same specification, same options, same jobs; each property has its own stream, so
 * with another `load` or cluster the n-th job stays what it is. Throws a RangeError for figures that cannot be together.
 */
export function createWorkload(spec: WorkloadSpec, options: WorkloadOptions): JobSource {
  return new SyntheticJobs(spec, options);
}

/** GPU time asked for as a share of what the cluster has: above 1, queues grow without end. */
export function offeredLoad(spec: WorkloadSpec, options: { clusterGpus: number; load?: number }): number {
  return (spec.gpuHoursPerDay * (options.load ?? 1)) / (24 * options.clusterGpus);
}

/**
 * How long the runs of a size last. GPU time and number of jobs give the mean; jobs that fail, run out of memory or are cancelled do so
 * anywhere in what they were to run, so that it is longer by half their share.
 */
function runLengthOf(spec: WorkloadSpec, size: SizeClass): RunLength {
  const { completed, failed, cancelled, timeout, outOfMemory } = spec.ends;
  const cutShort = (failed + cancelled + outOfMemory) / (completed + failed + cancelled + timeout + outOfMemory);
  const hours = (spec.gpuHoursPerDay * size.gpuTimeShare) / (spec.jobsPerDay * size.jobShare * size.gpus);
  return fitRunLength((hours * HOUR_MS) / (1 - cutShort / 2), {
    logDeviation: size.durationDeviation,
    jobMs: spec.chainJobMs,
    jobsMax: size.chainJobsMax,
  });
}

const ENDS = ['completed', 'failed', 'cancelled', 'timeout', 'outOfMemory'] as const satisfies (keyof EndShares)[];

const OUTCOMES: Record<keyof EndShares, Outcome> = {
  completed: 'COMPLETED',
  failed: 'FAILED',
  cancelled: 'CANCELLED',
  timeout: 'COMPLETED',
  outOfMemory: 'OUT_OF_MEMORY',
};

interface User {
  readonly name: string;
  readonly account: string;
}

/** A size as it is drawn. */
interface DrawnSize {
  readonly length: RunLength;
  readonly durations: Stratified;
  readonly nodes: number;
  readonly perNode: Resources;
  readonly isWholeNodes: boolean;
  /** How much longer its jobs run because the cluster is too small for them. */
  readonly stretch: number;
  readonly checkpointShare: number;
  readonly runShare: number;
  readonly qos: WeightedChoice<string>;
}

class SyntheticJobs implements JobSource {
  readonly countEstimate: number;
  readonly endMsEstimate: number;
  readonly #spec: WorkloadSpec;
  readonly #sizes: WeightedChoice<DrawnSize>;
  readonly #ends: WeightedChoice<keyof EndShares>;
  readonly #users: WeightedChoice<User>;
  readonly #arrivals: Arrivals;
  readonly #streams: Record<'outcomes' | 'limits' | 'users' | 'qos' | 'checkpoints', Random>;
  readonly #sizeUniforms: Stratified;
  /** The rest of the chain that was drawn last. */
  readonly #chain: TwinJob[] = [];
  #chainNext = 0;
  #jobs = 0;

  constructor(spec: WorkloadSpec, options: WorkloadOptions) {
    const { days, seed, load = 1, growth = 0, gpusPerNode = 8 } = options;
    if (!(gpusPerNode >= 1 && options.clusterGpus >= gpusPerNode)) {
      throw new RangeError(`expected a cluster with GPUs, got ${options.clusterGpus}, ${gpusPerNode} a node`);
    }
    this.#spec = spec;
    this.endMsEstimate = Math.round(days * DAY_MS);
    this.countEstimate = Math.round(spec.jobsPerDay * load * days * (1 + growth / 2));
    const gpusMax = Math.floor((options.clusterGpus * CLUSTER_SHARE_MAX) / gpusPerNode) * gpusPerNode;
    const sizes = spec.sizes.map((size) => drawnSize(spec, size, Math.max(gpusMax, gpusPerNode), gpusPerNode, seed));
    const runsPerJob =
      sizes.reduce((sum, size) => sum + size.runShare, 0) / spec.sizes.reduce((sum, size) => sum + size.jobShare, 0);
    this.#sizes = new WeightedChoice(sizes, (size) => size.runShare);
    this.#ends = new WeightedChoice(ENDS, (end) => spec.ends[end]);
    this.#users = new WeightedChoice(namedUsers(spec), (_, index) => (index + 1) ** -spec.userExponent);
    this.#arrivals = new Arrivals(streamOf(seed, 'arrivals'), {
      perDay: spec.jobsPerDay * load * runsPerJob,
      hourWeights: spec.hourWeights,
      dayWeights: spec.dayWeights,
      growth,
      endMs: this.endMsEstimate,
    });
    this.#sizeUniforms = new Stratified(streamOf(seed, 'sizes'), SIZE_STRATA);
    this.#streams = {
      outcomes: streamOf(seed, 'outcomes'),
      limits: streamOf(seed, 'limits'),
      users: streamOf(seed, 'users'),
      qos: streamOf(seed, 'qos'),
      checkpoints: streamOf(seed, 'checkpoints'),
    };
  }

  next(): TwinJob | null {
    const linked = this.#chain[this.#chainNext];
    if (linked !== undefined) {
      this.#chainNext += 1;
      return linked;
    }
    const submitMs = this.#arrivals.next();
    return submitMs === null ? null : this.#drawRun(submitMs);
  }

  /** Draws a run; all but its first job wait in `#chain`. */
  #drawRun(submitMs: number): TwinJob {
    const streams = this.#streams;
    const size = this.#sizes.draw(this.#sizeUniforms);
    const { logMean, logDeviation, jobMs, jobsMax } = size.length;
    const durationMs = Math.exp(logMean + logDeviation * normalQuantile(size.durations.nextUniform()));
    let leftMs = Math.min(durationMs, jobMs * jobsMax);
    const user = this.#users.draw(streams.users);
    const qos = size.qos.draw(streams.qos);
    const checkpointing = this.#drawCheckpointing(size.checkpointShare);
    empty(this.#chain);
    this.#chainNext = 0;
    let first: TwinJob | null = null;
    do {
      const plannedMs = Math.min(Math.min(leftMs, jobMs) * size.stretch, jobMs);
      const dependencies = first === null ? NONE : [{ condition: 'afterany' as const, jobId: this.#jobs }];
      const job = this.#drawJob(submitMs, size, plannedMs, user, qos, checkpointing, dependencies);
      if (first === null) first = job;
      else this.#chain.push(job);
      leftMs -= jobMs;
    } while (leftMs > 0);
    return first;
  }

  #drawJob(
    submitMs: number,
    size: DrawnSize,
    plannedMs: number,
    user: User,
    qos: string,
    checkpointing: Checkpointing | null,
    dependencies: readonly Dependency[],
  ): TwinJob {
    const { outcomes, limits } = this.#streams;
    const end = this.#ends.draw(outcomes);
    const fraction = outcomes.nextUniform();
    const use = this.#spec.limitUseMin + (1 - this.#spec.limitUseMin) * limits.nextUniform();
    const isShortOfTime = end === 'timeout';
    const timeLimitMs = isShortOfTime
      ? Math.max(Math.round(plannedMs / LIMIT_STEP_MS), 1) * LIMIT_STEP_MS
      : limitFor(this.#spec.limitsMs, plannedMs / use);
    const elapsedMs =
      end === 'completed' ? plannedMs : isShortOfTime ? timeLimitMs * SHORT_OF_TIME : plannedMs * fraction;
    const kept = checkpointingWithin(elapsedMs, checkpointing);
    this.#jobs += 1;
    const job = {
      request: {
        jobId: this.#jobs,
        submitMs: ZERO_MS,
        priority: 0,
        nodes: size.nodes,
        perNode: size.perNode,
        gpuType: null,
        exclusive: size.isWholeNodes,
        timeLimitMs,
        excludedNodes: NONE,
        maxRequeues: this.#spec.requeuesMax,
        dependencies,
        isHeld: false,
        user: user.name,
        account: user.account,
        qos,
      },
      workMs: Math.max(Math.round(workWithin(elapsedMs, kept)), 1),
      outcome: OUTCOMES[end],
      cancelAfterMs: null,
      checkpointing: kept,
    };
    job.request.submitMs = submitMs;
    return job;
  }

  #drawCheckpointing(share: number): Checkpointing | null {
    const { intervalMs, writeMs, isBlocking, restartMsMin, restartMsMax } = this.#spec.checkpointing;
    const random = this.#streams.checkpoints;
    const isKept = random.nextUniform() < share;
    const restartMs = Math.round(restartMsMin + (restartMsMax - restartMsMin) * random.nextUniform());
    return isKept ? { intervalMs, writeMs, isBlocking, restartMs } : null;
  }
}

function drawnSize(spec: WorkloadSpec, size: SizeClass, gpusMax: number, gpusPerNode: number, seed: number): DrawnSize {
  const gpus = Math.min(size.gpus, gpusMax);
  const nodes = Math.ceil(gpus / gpusPerNode);
  const gpusOnNode = Math.min(gpus, gpusPerNode);
  const length = runLengthOf(spec, size);
  return {
    length,
    durations: new Stratified(streamOf(seed, `durations of ${size.gpus}`), ...DURATION_STRATA),
    nodes,
    perNode: {
      cpus: gpusOnNode * spec.cpusPerGpu,
      memoryBytes: gpusOnNode * spec.memoryBytesPerGpu,
      gpus: gpusOnNode,
    },
    isWholeNodes: gpusOnNode === gpusPerNode,
    stretch: size.gpus / gpus,
    checkpointShare: size.checkpointShare,
    // Shares are those of jobs, and what arrives is runs.
    runShare: size.jobShare / meanChainJobs(length),
    qos: new WeightedChoice(Object.keys(size.qos), (name) => size.qos[name] ?? 0),
  };
}

/** The shortest of `limitsMs` that is long enough, else the longest. */
function limitFor(limitsMs: readonly number[], neededMs: number): number {
  let longest = 0;
  for (const limitMs of limitsMs) {
    if (limitMs >= neededMs) return limitMs;
    longest = limitMs;
  }
  return longest;
}

/** Each in one account, in turn, so that accounts differ in size as their users do. */
function namedUsers({ users, accounts }: WorkloadSpec): User[] {
  return Array.from({ length: users }, (_, index) => ({
    name: numbered('user', index, users),
    account: numbered('project', index % accounts, accounts),
  }));
}

function numbered(word: string, index: number, count: number): string {
  return `${word}-${String(index + 1).padStart(String(count).length, '0')}`;
}
