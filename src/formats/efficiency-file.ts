import { stringify } from 'yaml';
import { z } from 'zod';
import type { GpuEfficiency, IntervalWidth, Stack, StackConstant, StackEfficiency } from '../planner/efficiency.ts';
import { parseYaml } from './yaml-file.ts';

const stackNames = [
  'megatron-2021',
  'megatron-2022',
  'megatron-deepspeed',
  'fsdp',
  'megatron-core',
] as const satisfies readonly Stack[];
const amount = z.number().nonnegative();
/** Of a peak, a bandwidth or a time: no software passes it. */
const share = z.number().nonnegative().max(1);
const width = z.strictObject({ low: z.number().positive(), high: z.number().positive() });

const constants = {
  fusedSoftmaxHeads: amount,
  hostOverlapNorm: amount,
  gemm: share,
  attention: share,
  attentionBackward: amount,
  memoryBandwidth: share,
  elementwiseTraffic: amount,
  softmaxTraffic: amount,
  kernelGapSeconds: amount,
  hostLayerSeconds: amount,
  hostCollectiveSeconds: amount,
  hostUnfusedSoftmaxSeconds: amount,
  hostBackward: amount,
  nvlink: share,
  nvlinkLatencySeconds: amount,
  network: share,
  networkLatencySeconds: amount,
  tensorParallelNvlink: share,
  tensorParallelNetwork: share,
  tensorParallelOverlap: share,
  pipelineOverlap: share,
  zeroPipelineSends: amount,
  zeroPipelineSeconds: amount,
  dataParallelOverlap: share,
  microBatchSeconds: amount,
  stepSeconds: amount,
  optimizerTraffic: amount,
  weightBytes: amount,
  gradientBytes: amount,
  optimizerBytes: amount,
  gradientReduceBytes: amount,
  reserveBytes: amount,
  fragmentation: amount,
} satisfies Record<StackConstant, z.ZodType>;

const stackFile = z.strictObject({
  stack: z.enum(stackNames),
  title: z.string().min(1),
  flashAttention: z.boolean(),
  dropout: z.boolean(),
  constants: z.strictObject(constants),
  interval: z.strictObject({ time: width, memory: width }),
  fit: z.strictObject({
    rows: z.array(z.string()),
    fitted: z.array(z.string()),
    inherited: z.string().nullable(),
    heldOut: z.string(),
  }),
});

const gpuFile = z.record(
  z.string(),
  z.strictObject({ gemm: amount, attention: amount, memoryBandwidth: amount, note: z.string() }),
);

export interface StackFile {
  stack: StackEfficiency;
  time: IntervalWidth;
  memory: IntervalWidth;
  /** How the constants came about: files of rows, which constants were fitted, whose others were taken, and the error on rows held out. */
  fit: { rows: readonly string[]; fitted: readonly string[]; inherited: string | null; heldOut: string };
}

/** The constants of one software stack. Throws ORR_BAD_FILE. */
export function parseStackFile(yaml: string, fileName: string): StackFile {
  const file = parseYaml(yaml, fileName, stackFile);
  const { stack, title, flashAttention, dropout } = file;
  return {
    stack: { stack, title, flashAttention, dropout, ...file.constants },
    time: file.interval.time,
    memory: file.interval.memory,
    fit: file.fit,
  };
}

/** The text of a stack's file, with one line of how it came about. */
export function stackFileText({ stack, time, memory, fit }: StackFile, origin: string): string {
  const { stack: name, title, flashAttention, dropout, ...numbers } = stack;
  const round = ({ low, high }: IntervalWidth) => ({ low: Number(low.toFixed(3)), high: Number(high.toFixed(3)) });
  const interval = { time: round(time), memory: round(memory) };
  const file = { stack: name, title, flashAttention, dropout, constants: numbers, interval, fit };
  return `# ${origin}\n${stringify(file, { lineWidth: 0 })}`;
}

/** Constants of GPU types relative to an A100, by GPU name. Throws ORR_BAD_FILE. */
export function parseGpuEfficiencyFile(yaml: string, fileName: string): Map<string, GpuEfficiency> {
  const file = parseYaml(yaml, fileName, gpuFile);
  return new Map(
    Object.entries(file).map(([name, { gemm, attention, memoryBandwidth }]) => [
      name,
      { gemm, attention, memoryBandwidth },
    ]),
  );
}
