import type { MeasuredRun } from './measured-run.ts';

/** A run of a small GPT on one node, a sequence a microbatch, nothing measured, unless told otherwise. */
export function measuredRun(changes: Partial<MeasuredRun> = {}): MeasuredRun {
  return {
    line: 2,
    name: 'a',
    source: 'S',
    gpu: 'a100-80',
    gpus: 8,
    gpusPerNode: 8,
    networkBytesPerSecondPerGpu: 25e9,
    nodesPerLeaf: Infinity,
    shape: runShape(8, 1024, 8),
    workload: { sequenceLength: 1000, globalBatch: 80 },
    microBatch: 1,
    layout: {
      tp: 1,
      pp: 1,
      dp: 8,
      cp: 1,
      ep: 1,
      interleave: 1,
      recompute: 'none',
      sequenceParallel: false,
      zero: 0,
      offload: false,
    },
    stack: 'fsdp',
    precision: 'bf16',
    flopsConvention: 'sc21',
    measured: {},
    ...changes,
  };
}

/** A GPT with an MLP of four times its width. */
export function runShape(
  layers: number,
  hidden: number,
  heads: number,
  changes: Partial<MeasuredRun['shape']> = {},
): MeasuredRun['shape'] {
  const ffn = 4 * hidden;
  return {
    layers,
    hidden,
    heads,
    kvHeads: heads,
    ffn,
    isGated: false,
    vocab: 51_200,
    positions: 'learned',
    ...changes,
  };
}
