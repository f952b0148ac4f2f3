import { type SearchedNumber, patternSearch } from '../lib/pattern-search.ts';
import type { GpuEfficiency, IntervalWidth, Stack, StackConstant, StackEfficiency } from './efficiency.ts';
import type { PlannedGpu } from './machine.ts';
import { type MeasuredRun, predictRun } from './measured-run.ts';

/** A measured run with what its published figure means in seconds a step. */
export interface FitCase {
  run: MeasuredRun;
  gpu: PlannedGpu;
  measuredSeconds: number;
  /** Rows of a small source count for more, so that a large one does not drown them. */
  weight: number;
}

const A100: GpuEfficiency = { gemm: 1, attention: 1, memoryBandwidth: 1 };
/** Errors beyond count in proportion, below in their square. */
const HUBER_WIDTH = 0.1;

const range = (start: number, least: number, most: number): SearchedNumber => ({ start, least, most });

/** Where the search for each constant begins and what it may be; fractions below what any kernel or link was seen to reach. */
const RANGES: Partial<Record<StackConstant, SearchedNumber>> = {
  gemm: range(0.78, 0.4, 0.92),
  attention: range(0.3, 0.05, 0.8),
  elementwiseTraffic: range(1, 0.2, 4),
  softmaxTraffic: range(1, 0.3, 4),
  kernelGapSeconds: range(3e-6, 5e-7, 1e-4),
  hostLayerSeconds: range(0.9e-3, 5e-5, 4e-3),
  hostCollectiveSeconds: range(2e-5, 1e-6, 1e-3),
  hostUnfusedSoftmaxSeconds: range(3e-4, 1e-6, 3e-3),
  hostBackward: range(1.3, 0.8, 3),
  hostOverlapNorm: range(6, 1.5, 30),
  tensorParallelNvlink: range(0.7, 0.3, 1),
  tensorParallelNetwork: range(0.6, 0.1, 1),
  nvlinkLatencySeconds: range(1.5e-5, 1e-6, 3e-4),
  network: range(0.8, 0.2, 0.95),
  networkLatencySeconds: range(3e-5, 2e-6, 5e-4),
  pipelineOverlap: range(0, 0, 0.95),
  zeroPipelineSends: range(2, 1, 6),
  zeroPipelineSeconds: range(1e-2, 1e-4, 0.1),
  dataParallelOverlap: range(0.8, 0, 1),
  microBatchSeconds: range(1e-3, 1e-5, 5e-2),
  stepSeconds: range(5e-3, 1e-4, 0.3),
  optimizerTraffic: range(1.5, 0.7, 6),
};

const GPU_RANGES: Record<keyof GpuEfficiency, SearchedNumber> = {
  gemm: range(0.8, 0.3, 1.2),
  attention: range(0.7, 0.2, 1.2),
  memoryBandwidth: range(0.9, 0.4, 1.1),
};

/** How the constants of a stack are found. */
export interface FitPlan {
  stack: Stack;
  title: string;
  /** The stack whose constants are taken where none is fitted; null to begin from `STARTING_CONSTANTS`. */
  inherits: Stack | null;
  /** Set, not fitted: properties of the software. */
  set: Partial<StackEfficiency>;
  fitted: readonly StackConstant[];
  /** Constants of a third stack, for software that has parts of both. */
  takes: { from: Stack; constants: readonly StackConstant[] } | null;
  /** GPU types other than the A100 whose factors the rows of this stack give. */
  gpu: string | null;
}

/** What no row tells apart, with the reason: bytes are Megatron-LM's mixed precision (Korthikanti et al. 2022, section 4 and figure 1). */
const STARTING_CONSTANTS: Omit<StackEfficiency, 'stack' | 'title'> = {
  flashAttention: false,
  dropout: true,
  fusedSoftmaxHeads: 4,
  hostOverlapNorm: 6,
  gemm: 0.78,
  attention: 0.3,
  attentionBackward: 0.8,
  // Of the data sheet's figure, what a long copy reaches; traffic constants are relative to it.
  memoryBandwidth: 0.9,
  elementwiseTraffic: 1,
  softmaxTraffic: 1,
  kernelGapSeconds: 3e-6,
  hostLayerSeconds: 0.9e-3,
  hostCollectiveSeconds: 2e-5,
  hostUnfusedSoftmaxSeconds: 3e-4,
  hostBackward: 1.3,
  // All-reduce over the 8 GPUs of a DGX A100 was measured at 235 of 300 GB/s (ml-engineering, network).
  nvlink: 0.78,
  nvlinkLatencySeconds: 1.5e-5,
  network: 0.8,
  networkLatencySeconds: 3e-5,
  tensorParallelNvlink: 0.7,
  tensorParallelNetwork: 0.6,
  tensorParallelOverlap: 0,
  pipelineOverlap: 0,
  zeroPipelineSends: 0,
  zeroPipelineSeconds: 0,
  dataParallelOverlap: 0,
  microBatchSeconds: 1e-3,
  stepSeconds: 5e-3,
  optimizerTraffic: 1.5,
  weightBytes: 2,
  gradientBytes: 4,
  optimizerBytes: 12,
  gradientReduceBytes: 2,
  reserveBytes: 3e9,
  fragmentation: 1.1,
};

export const FIT_PLANS: readonly FitPlan[] = [
  {
    stack: 'megatron-deepspeed',
    title: 'Megatron-DeepSpeed, 2021-2022, fused kernels, no flash attention',
    inherits: null,
    set: {},
    fitted: [
      'gemm',
      'elementwiseTraffic',
      'softmaxTraffic',
      'kernelGapSeconds',
      'hostLayerSeconds',
      'hostCollectiveSeconds',
      'hostBackward',
      'hostUnfusedSoftmaxSeconds',
      'hostOverlapNorm',
      'tensorParallelNvlink',
      'tensorParallelNetwork',
      'nvlinkLatencySeconds',
      'network',
      'networkLatencySeconds',
      'pipelineOverlap',
      'zeroPipelineSends',
      'zeroPipelineSeconds',
      'microBatchSeconds',
      'stepSeconds',
      'optimizerTraffic',
    ],
    takes: null,
    gpu: null,
  },
  {
    stack: 'megatron-2021',
    title: 'Megatron-LM of Narayanan et al., SC21',
    inherits: 'megatron-deepspeed',
    set: { zeroPipelineSends: 0, zeroPipelineSeconds: 0, reserveBytes: 3e9 },
    fitted: ['gemm', 'tensorParallelNvlink'],
    takes: null,
    gpu: null,
  },
  {
    stack: 'megatron-2022',
    title: 'Megatron-LM of Korthikanti et al. 2022: sequence parallelism, selective recompute',
    inherits: 'megatron-deepspeed',
    set: { zeroPipelineSends: 0, zeroPipelineSeconds: 0, reserveBytes: 3e9 },
    fitted: ['gemm'],
    takes: null,
    gpu: null,
  },
  {
    stack: 'fsdp',
    title: 'PyTorch FSDP with flash attention (MosaicML llm-foundry, 2023)',
    inherits: null,
    set: {
      flashAttention: true,
      dropout: false,
      fusedSoftmaxHeads: 1,
      hostLayerSeconds: 3e-4,
      hostCollectiveSeconds: 0,
      // Sharded 32-bit weights, gradients and moments; two-byte copies are gathered a layer at a time.
      weightBytes: 4,
      gradientBytes: 4,
      optimizerBytes: 8,
      gradientReduceBytes: 4,
    },
    fitted: [
      'gemm',
      'attention',
      'elementwiseTraffic',
      'kernelGapSeconds',
      'hostLayerSeconds',
      'network',
      'dataParallelOverlap',
      'microBatchSeconds',
      'stepSeconds',
    ],
    takes: null,
    gpu: 'h100-80',
  },
  {
    stack: 'megatron-core',
    title: 'Megatron-LM with flash attention, 2023 on: parts of megatron-2022 and fsdp, no row of its own',
    inherits: 'megatron-2022',
    set: { flashAttention: true, dropout: false, fusedSoftmaxHeads: 1, hostUnfusedSoftmaxSeconds: 0 },
    fitted: [],
    takes: { from: 'fsdp', constants: ['attention', 'attentionBackward', 'dataParallelOverlap'] },
    gpu: null,
  },
];

/** Constants of a stack and, where its rows name another GPU than the A100, that GPU's factors. */
export interface Fitted {
  stack: StackEfficiency;
  gpus: ReadonlyMap<string, GpuEfficiency>;
}

const UNIT_INTERVAL: IntervalWidth = { low: 1, high: 1 };

/** What is held out together: runs of one model, whatever its layout. */
function modelKey({ run: { shape } }: FitCase): string {
  return `${shape.layers} x ${shape.hidden} x ${shape.heads}`;
}

/** Seconds of the case's step with these constants. */
export function predictedSeconds({ run, gpu }: FitCase, { stack, gpus }: Fitted): number {
  const efficiency = { stack, gpu: gpus.get(gpu.name) ?? A100, time: UNIT_INTERVAL, memory: UNIT_INTERVAL };
  return predictRun(run, gpu, efficiency).cost.iterationSeconds;
}

/**
 * Fits what the plan names on the cases. The mean of Huber's loss on the logarithm of predicted over measured time is least. `known` are factors of GPU
 * types that are taken as they are.
 */
export function fitStack(
  plan: FitPlan,
  cases: readonly FitCase[],
  inherited: StackEfficiency | null,
  known: ReadonlyMap<string, GpuEfficiency> = new Map(),
): Fitted {
  const { stack: name, title, set, fitted } = plan;
  const base = inherited ?? { stack: name, title, ...STARTING_CONSTANTS };
  const stack: StackEfficiency = { ...base, ...set, stack: name, title };
  const gpu: GpuEfficiency = { ...A100 };
  const gpus = new Map(plan.gpu === null ? known : [...known, [plan.gpu, gpu]]);
  const gpuConstants = plan.gpu === null ? [] : (['gemm', 'attention', 'memoryBandwidth'] as const);
  const numbers = [
    ...fitted.map((constant) => {
      const searched = RANGES[constant] ?? range(stack[constant], stack[constant] / 2, stack[constant] * 2);
      return inherited === null
        ? { ...searched, start: set[constant] ?? searched.start }
        : { ...searched, start: stack[constant] };
    }),
    ...gpuConstants.map((constant) => GPU_RANGES[constant]),
  ];
  const place = (values: readonly number[]) => {
    for (const [index, constant] of fitted.entries()) stack[constant] = values[index] ?? stack[constant];
    for (const [index, constant] of gpuConstants.entries()) gpu[constant] = values[fitted.length + index] ?? 1;
  };
  const weights = cases.reduce((sum, { weight }) => sum + weight, 0);
  const { values } = patternSearch(numbers, (tried) => {
    place(tried);
    let loss = 0;
    for (const fitCase of cases) {
      const error = Math.abs(Math.log(predictedSeconds(fitCase, { stack, gpus }) / fitCase.measuredSeconds));
      loss += fitCase.weight * (error < HUBER_WIDTH ? (error * error) / (2 * HUBER_WIDTH) : error - HUBER_WIDTH / 2);
    }
    return loss / weights;
  });
  place(values.map((value) => Number(value.toPrecision(4))));
  return { stack, gpus };
}

/** Bytes held by CUDA, NCCL and libraries: what measured peaks have more, in the mean, than the rest of the estimate. Null without such rows. */
export function fitReserve(cases: readonly Pick<FitCase, 'run' | 'gpu'>[], { stack, gpus }: Fitted): number | null {
  const reserves = cases.flatMap(({ run, gpu }) => {
    const gibibytes = run.measured.peak_memory_GiB;
    if (gibibytes === undefined) return [];
    const efficiency = { stack, gpu: gpus.get(gpu.name) ?? A100, time: UNIT_INTERVAL, memory: UNIT_INTERVAL };
    return [gibibytes * 2 ** 30 - (predictRun(run, gpu, efficiency).cost.memoryBytes - stack.reserveBytes)];
  });
  if (reserves.length === 0) return null;
  return Math.max(0, Math.round(reserves.reduce((sum, bytes) => sum + bytes, 0) / reserves.length / 1e8) * 1e8);
}

/** One row predicted by a fit that did not see its model. */
export interface HeldOut {
  fitCase: FitCase;
  predictedSeconds: number;
}

/** Fits on all models but one and predicts that one, for each. Progress is told by `onFold`. */
export function holdOutByModel(
  plan: FitPlan,
  cases: readonly FitCase[],
  inherited: StackEfficiency | null,
  onFold: (done: number, all: number) => void = () => {},
  known: ReadonlyMap<string, GpuEfficiency> = new Map(),
): HeldOut[] {
  const keys = [...new Set(cases.map(modelKey))];
  return keys.flatMap((key, index) => {
    onFold(index, keys.length);
    const fitted = fitStack(
      plan,
      cases.filter((fitCase) => modelKey(fitCase) !== key),
      inherited,
      known,
    );
    return cases
      .filter((fitCase) => modelKey(fitCase) === key)
      .map((fitCase) => ({ fitCase, predictedSeconds: predictedSeconds(fitCase, fitted) }));
  });
}

/** The tenth and ninetieth percentile of measured over predicted time, no narrower than `least` to either side: few rows say little of their spread. */
export function intervalOf(heldOut: readonly HeldOut[], least: number): IntervalWidth {
  const ratios = heldOut
    .map(({ fitCase, predictedSeconds: predicted }) => fitCase.measuredSeconds / predicted)
    .sort((a, b) => a - b);
  const quantile = (share: number) => {
    const place = share * (ratios.length - 1);
    const below = ratios[Math.floor(place)] ?? 1;
    const above = ratios[Math.ceil(place)] ?? 1;
    return below + (above - below) * (place - Math.floor(place));
  };
  return { low: Math.min(quantile(0.1), 1 - least), high: Math.max(quantile(0.9), 1 + least) };
}

/** In the order in which a user's rows are first asked for them: what differs most from one cluster's software to the next. */
const CALIBRATED: readonly StackConstant[] = [
  'gemm',
  'stepSeconds',
  'network',
  'elementwiseTraffic',
  'tensorParallelNvlink',
  'microBatchSeconds',
  'hostLayerSeconds',
  'dataParallelOverlap',
];

/** Rows that each constant needs: fewer would fit noise. */
const ROWS_PER_CONSTANT = 3;

/** How to fit a user's own stack to `rows` measured runs, beginning from a stack of the catalogue: one constant, and one more for every three rows. */
export function calibrationPlan(base: StackEfficiency, title: string, rows: number): FitPlan {
  const count = Math.max(1, Math.floor(rows / ROWS_PER_CONSTANT));
  return {
    stack: base.stack,
    title,
    inherits: base.stack,
    set: {},
    fitted: CALIBRATED.slice(0, count),
    takes: null,
    gpu: null,
  };
}
