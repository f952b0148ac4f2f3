import { notValidated } from '../../planner/coverage.ts';
import { Estimator } from '../../planner/estimator.ts';
import { stepFlops } from '../../planner/flops.ts';
import { whatLimits } from '../../planner/limits.ts';
import type { Parallelism } from '../../planner/parallelism.ts';
import { predictionInterval } from '../../planner/prediction-interval.ts';
import { type Candidate, type Choice, type Pruned, search } from '../../planner/search.ts';
import { type Change, gpusToFit, smallestChanges } from '../../planner/smallest-change.ts';
import type { MemoryBreakdown, StepBreakdown } from '../../planner/step-cost.ts';
import { type TrainingTime, trainingTime } from '../../planner/training-time.ts';
import { publishedRuns } from './published-runs.ts';
import { gpusOf, type PlanRequest, trainingNodesOf } from './request.ts';

const SECONDS_PER_DAY = 86_400;

/** One layout with what it gives. */
export interface PlannedLayout {
  parallelism: Parallelism;
  iterationSeconds: number;
  tokensPerSecondPerGpu: number;
  mfu: number;
  hfu: number;
  memoryBytesPerGpu: number;
  /** Steps alone, without failures. */
  days: number;
  /** What tells it from the others. */
  why: string;
}

/** The layout to train with, and all that follows from it. */
export interface BestLayout extends PlannedLayout {
  tokensPerSecond: number;
  /** Ends of the 80 % prediction interval. */
  iterationSecondsInterval: [low: number, high: number];
  memoryBytesInterval: [low: number, high: number];
  /** With failures, restarts and checkpoints. */
  expectedDays: number;
  expectedDaysInterval: [low: number, high: number];
  ettr: number;
  gpuHours: number;
  energyKwh: number | null;
  cost: number | null;
  training: TrainingTime;
  breakdown: StepBreakdown;
  memoryBreakdown: MemoryBreakdown;
  /** Bytes of a GPU of each pipeline stage. */
  memoryBytesByStage: number[];
  fullestStage: number;
  hostMemoryBytesPerGpu: number;
  /** What a step spends its time on, the largest share first. */
  limits: string[];
  /** What no published run backs. */
  notValidated: string[];
}

export interface SearchReport {
  spaceSize: number;
  evaluated: number;
  pruned: number;
  prunedBy: Pruned;
  seconds: number;
  configurationsPerSecond: number;
}

export interface PlanReport {
  model: { name: string; parameters: number };
  cluster: { name: string; gpus: number };
  gpus: number;
  nodes: number;
  stack: string;
  tokens: number;
  sequenceLength: number;
  globalBatch: number;
  tokensPerStep: number;
  memoryBytesPerGpuMax: number;
  /** Whether `best` fits the GPU's memory; if not it is the layout that needs least. */
  fits: boolean;
  best: BestLayout;
  alternatives: PlannedLayout[];
  /** Layouts of which none is both faster and smaller. */
  front: Pick<PlannedLayout, 'parallelism' | 'iterationSeconds' | 'memoryBytesPerGpu'>[];
  /** Empty where it fits: else the layouts that fit with the fewest of the fixed fields changed. */
  changes: { fields: string[]; layout: PlannedLayout }[];
  /** The GPUs it would take to fit as asked for; null where it fits, or where no number of the cluster's does. */
  gpusToFit: number | null;
  search: SearchReport;
}

/** Searches the layouts of a request and tells what the best gives. */
export async function makePlan(request: PlanRequest): Promise<PlanReport> {
  const { cluster, model, machine, workload, efficiency, tokens } = request;
  const startMs = performance.now();
  const found = search(request);
  const seconds = (performance.now() - startMs) / 1000;
  const [first, ...others] = found.best;
  if (first === undefined) throw new Error(`no layout of ${machine.gpus} GPUs`);
  const changes = found.fits ? [] : smallestChanges(request);
  const { state, memory, time } = found.pruned;
  return {
    model: { name: model.name, parameters: model.parameters.total },
    cluster: { name: cluster.name, gpus: gpusOf(cluster) },
    gpus: machine.gpus,
    nodes: Math.ceil(machine.gpus / machine.gpusPerNode),
    stack: efficiency.stack.stack,
    tokens,
    ...workload,
    tokensPerStep: tokensPerStep(request),
    memoryBytesPerGpuMax: machine.gpu.memoryBytes,
    fits: found.fits,
    best: await describeBest(request, first),
    alternatives: others.map((choice) => describe(request, choice, choice.why)),
    front: found.front.map(({ parallelism, cost }) => ({
      parallelism,
      iterationSeconds: cost.iterationSeconds,
      memoryBytesPerGpu: cost.memoryBytes,
    })),
    changes: changes.map((change) => ({
      fields: [...change.fields],
      layout: describe(request, change, changeText(change, first)),
    })),
    gpusToFit: found.fits ? null : gpusToFit(request, gpusOf(cluster)),
    search: {
      spaceSize: found.spaceSize,
      evaluated: found.evaluated,
      pruned: state + memory + time,
      prunedBy: found.pruned,
      seconds,
      configurationsPerSecond: found.evaluated / seconds,
    },
  };
}

function tokensPerStep({ workload }: PlanRequest): number {
  return workload.globalBatch * workload.sequenceLength;
}

function describe(request: PlanRequest, { parallelism, cost }: Candidate, why: string): PlannedLayout {
  const { model, machine, workload, tokens } = request;
  const { iterationSeconds } = cost;
  const flops = stepFlops(model, workload, parallelism.recompute, request.efficiency.stack.flashAttention);
  const peakFlops = iterationSeconds * machine.gpus * machine.gpu.peakFlops;
  return {
    parallelism,
    iterationSeconds,
    tokensPerSecondPerGpu: tokensPerStep(request) / (iterationSeconds * machine.gpus),
    mfu: flops.model / peakFlops,
    hfu: flops.hardware / peakFlops,
    memoryBytesPerGpu: cost.memoryBytes,
    days: (Math.ceil(tokens / tokensPerStep(request)) * iterationSeconds) / SECONDS_PER_DAY,
    why,
  };
}

/** How long the whole run takes with steps of this length. */
export function timeOf(request: PlanRequest, iterationSeconds: number): TrainingTime {
  const { cluster, model, machine, tokens, checkpointIntervalSeconds, costPerGpuHour } = request;
  const storage = cluster.storage.flatMap(({ bytesPerSecond }) => bytesPerSecond ?? []);
  return trainingTime({
    iterationSeconds,
    tokensPerStep: tokensPerStep(request),
    tokens,
    gpus: machine.gpus,
    gpusPerNode: machine.gpusPerNode,
    parameters: model.parameters.total,
    vocab: model.vocab,
    storageBytesPerSecond: storage.length === 0 ? null : Math.max(...storage),
    failuresPerNodeDay: cluster.failuresPerNodeDay,
    checkpointIntervalSeconds,
    costPerGpuHour,
    nodeWattsMax: trainingNodesOf(cluster)?.powerWattsMax ?? null,
    gpuWattsMax: machine.gpu.powerWattsMax,
  });
}

async function describeBest(request: PlanRequest, choice: Choice): Promise<BestLayout> {
  const { efficiency, model, machine, workload } = request;
  const { cost, parallelism } = choice;
  const { stack } = efficiency.stack;
  const training = timeOf(request, cost.iterationSeconds);
  const unbacked = notValidated(
    { model, machine, workload, stack, parallelism },
    await publishedRuns(efficiency, machine.gpu.name),
  );
  const isValidated = unbacked.length === 0;
  const interval = predictionInterval(efficiency, 'time', cost.iterationSeconds, isValidated);
  const [fastest, slowest] = interval.map((seconds) => timeOf(request, seconds).expectedSeconds / SECONDS_PER_DAY);
  const layout = describe(request, choice, choice.why);
  return {
    ...layout,
    tokensPerSecond: layout.tokensPerSecondPerGpu * machine.gpus,
    iterationSecondsInterval: interval,
    memoryBytesInterval: predictionInterval(efficiency, 'memory', cost.memoryBytes, isValidated),
    expectedDays: training.expectedSeconds / SECONDS_PER_DAY,
    expectedDaysInterval: [fastest ?? 0, slowest ?? 0],
    ettr: training.ettr,
    gpuHours: training.gpuHours,
    energyKwh: training.energyKwh,
    cost: training.cost,
    training,
    breakdown: { ...cost.seconds },
    memoryBreakdown: { ...cost.memory },
    memoryBytesByStage: new Estimator(model, machine, workload, efficiency)
      .memoryByStage(parallelism)
      .map((parts) => Object.values(parts).reduce((sum: number, bytes: number) => sum + bytes, 0)),
    fullestStage: cost.fullestStage,
    hostMemoryBytesPerGpu: cost.hostMemoryBytes,
    limits: whatLimits(cost.seconds, cost.iterationSeconds, computeShareOfPeak(request, choice)),
    notValidated: unbacked,
  };
}

/** Of the GPUs' peak, what GEMMs and attention of the layers reach while they run; the slowest stage stands for all. */
function computeShareOfPeak({ model, machine, workload }: PlanRequest, { cost }: Candidate): number {
  const flops = stepFlops({ ...model, vocab: 0 }, workload, 'none').model;
  return flops / (cost.seconds.compute * machine.gpus * machine.gpu.peakFlops);
}

function changeText(change: Change, unfit: Candidate): string {
  return change.fields
    .map((field) => `${field} ${String(change.parallelism[field])} instead of ${String(unfit.parallelism[field])}`)
    .join(', ');
}
