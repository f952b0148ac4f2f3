import type { Precision } from '../cluster/cluster.ts';
import { divisorsOf } from '../lib/divisors.ts';
import type { Efficiency, Stack } from './efficiency.ts';
import { Estimator } from './estimator.ts';
import { stepFlops } from './flops.ts';
import type { Machine, PlannedGpu, StepWorkload } from './machine.ts';
import type { ModelShape } from './model.ts';
import { modelParameters, type ParameterRules } from './model-parameters.ts';
import type { Parallelism } from './parallelism.ts';
import type { PredictedQuantity } from './prediction-interval.ts';
import type { StepCost } from './step-cost.ts';

export const MEASURES = ['iteration_s', 'tflops_per_gpu', 'tokens_per_s_per_gpu', 'peak_memory_GiB'] as const;
/** A figure that people publish of a training run, in the unit of its name. */
export type Measure = (typeof MEASURES)[number];

/** What falls, rises or has nothing to do with the time of a step. */
export const MEASURED_QUANTITY: Readonly<Record<Measure, PredictedQuantity>> = {
  iteration_s: 'time',
  tflops_per_gpu: 'rate',
  tokens_per_s_per_gpu: 'rate',
  peak_memory_GiB: 'memory',
};

/** Which arithmetic a published FLOP/s counts: `sc21` is the model's, and what is done twice where recompute is full. */
export type FlopsConvention = 'sc21' | 'model' | 'hardware';

/** A decoder by its widths alone, as tables of published runs give it. */
export interface RunShape {
  layers: number;
  hidden: number;
  heads: number;
  kvHeads: number;
  ffn: number;
  isGated: boolean;
  vocab: number;
  positions: 'learned' | 'rotary';
}

/** A training run somebody measured. */
export interface MeasuredRun {
  /** In its file, from 1. */
  line: number;
  name: string;
  source: string;
  gpu: string;
  gpus: number;
  gpusPerNode: number;
  networkBytesPerSecondPerGpu: number;
  nodesPerLeaf: number;
  shape: RunShape;
  workload: StepWorkload;
  /** Null: not published. */
  microBatch: number | null;
  layout: Omit<Parallelism, 'microBatch'>;
  stack: Stack;
  precision: Precision;
  flopsConvention: FlopsConvention;
  measured: Readonly<Partial<Record<Measure, number>>>;
}

/** What the planner says of a measured run. */
export interface RunPrediction {
  parallelism: Parallelism;
  cost: StepCost;
  /** Of one step over all GPUs, by the run's own convention. */
  flops: number;
  predicted: Readonly<Record<Measure, number>>;
}

/**
 * The model of a run. Ungated it is a GPT: biases, layer norms, tied embeddings, 12 h^2 + 13 h parameters a layer where the MLP is four times as wide as
 * the model. Gated it is a LLaMA: neither biases nor ties, RMS norms.
 */
export function modelOfRun({ name, shape, workload }: Pick<MeasuredRun, 'name' | 'shape' | 'workload'>): ModelShape {
  const { layers, hidden, heads, kvHeads, ffn, isGated, vocab, positions } = shape;
  const { sequenceLength } = workload;
  const rules: ParameterRules = {
    normVectors: isGated ? 1 : 2,
    biases: { queryKeyValue: !isGated, attentionOutput: !isGated, mlp: !isGated },
    hasQueryKeyNorm: false,
    hasRouterBias: false,
    positions: positions === 'learned' ? sequenceLength : 0,
    otherInput: 0,
    otherLayer: 0,
    otherOutput: 0,
  };
  const decoder = {
    layers,
    hidden,
    heads,
    kvHeads,
    headDim: hidden / heads,
    ffn,
    isGated,
    vocab,
    sequenceLengthMax: sequenceLength,
    hasTiedEmbeddings: !isGated,
    moe: null,
    latentAttention: null,
  };
  return { name, ...decoder, parameters: modelParameters(decoder, rules) };
}

export function machineOfRun(run: MeasuredRun, gpu: PlannedGpu): Machine {
  const { gpus, gpusPerNode, networkBytesPerSecondPerGpu, nodesPerLeaf } = run;
  return {
    gpu,
    gpus,
    gpusPerNode,
    networkBytesPerSecondPerGpu,
    nodesPerLeaf,
    oversubscription: 1,
    hostMemoryBytesPerGpu: null,
  };
}

/**
 * Predicts a measured run. Where its microbatch was not published, it is the fastest that fits into the GPU's memory, as those who measured will have
 * chosen; where none fits, the least.
 */
export function predictRun(run: MeasuredRun, gpu: PlannedGpu, efficiency: Efficiency): RunPrediction {
  const model = modelOfRun(run);
  const estimator = new Estimator(model, machineOfRun(run, gpu), run.workload, efficiency);
  // Replicas whose shares were uneven had about the mean.
  const microBatches =
    run.microBatch === null ? divisorsOf(Math.floor(run.workload.globalBatch / run.layout.dp)) : [run.microBatch];
  let best: { parallelism: Parallelism; cost: StepCost } | undefined;
  for (const microBatch of microBatches) {
    const parallelism = { ...run.layout, microBatch };
    const cost = estimator.evaluate(parallelism);
    const isBetter =
      best === undefined || (cost.memoryBytes <= gpu.memoryBytes && cost.iterationSeconds < best.cost.iterationSeconds);
    if (isBetter) best = { parallelism, cost };
  }
  if (best === undefined) throw new RangeError(`no microbatch of ${run.name}`);
  const { cost, parallelism } = best;
  const flops = countedFlops(run, model);
  const tokens = run.workload.globalBatch * run.workload.sequenceLength;
  return {
    parallelism,
    cost,
    flops,
    predicted: {
      iteration_s: cost.iterationSeconds,
      tflops_per_gpu: flops / (cost.iterationSeconds * run.gpus * 1e12),
      tokens_per_s_per_gpu: tokens / (cost.iterationSeconds * run.gpus),
      peak_memory_GiB: cost.memoryBytes / 2 ** 30,
    },
  };
}

function countedFlops({ workload, layout, flopsConvention }: MeasuredRun, model: ModelShape): number {
  const { model: needed, hardware } = stepFlops(model, workload, layout.recompute);
  const isHardware = flopsConvention === 'hardware' || (flopsConvention === 'sc21' && layout.recompute === 'full');
  return isHardware ? hardware : needed;
}

/** Seconds a step took, from whichever measure gives it; null where only memory was measured. */
export function measuredIterationSeconds(run: MeasuredRun, { flops }: RunPrediction): number | null {
  const { iteration_s: seconds, tokens_per_s_per_gpu: tokensRate, tflops_per_gpu: teraflops } = run.measured;
  if (seconds !== undefined) return seconds;
  const { globalBatch, sequenceLength } = run.workload;
  if (tokensRate !== undefined) return (globalBatch * sequenceLength) / (tokensRate * run.gpus);
  return teraflops === undefined ? null : flops / (teraflops * 1e12 * run.gpus);
}
