import { describe, expect, it } from 'vitest';
import type { StackEfficiency } from './efficiency.ts';
import {
  calibrationPlan,
  type FitCase,
  fitReserve,
  fitStack,
  holdOutByModel,
  intervalOf,
  predictedSeconds,
} from './fitting.ts';
import { dgxA100, efficiency } from './planner.test-support.ts';
import type { MeasuredRun } from './measured-run.ts';

const { gpu } = dgxA100(8);
const base = efficiency('megatron-2022').stack;
const none = new Map<string, never>();

function run(layers: number, hidden: number, changes: Partial<MeasuredRun> = {}): MeasuredRun {
  return {
    line: 1,
    name: `${layers} x ${hidden}`,
    source: 'made up',
    gpu: 'a100-80',
    gpus: 16,
    gpusPerNode: 8,
    networkBytesPerSecondPerGpu: 25e9,
    nodesPerLeaf: Infinity,
    shape: {
      layers,
      hidden,
      heads: 32,
      kvHeads: 32,
      ffn: 4 * hidden,
      isGated: false,
      vocab: 51_200,
      positions: 'learned',
    },
    workload: { sequenceLength: 2048, globalBatch: 64 },
    microBatch: 2,
    layout: {
      tp: 2,
      pp: 1,
      dp: 8,
      cp: 1,
      ep: 1,
      interleave: 1,
      recompute: 'full',
      sequenceParallel: false,
      zero: 0,
      offload: false,
    },
    stack: 'megatron-2022',
    precision: 'bf16',
    flopsConvention: 'sc21',
    measured: {},
    ...changes,
  };
}

/** Runs as a machine with these constants would have measured them. */
function measuredWith(stack: StackEfficiency): FitCase[] {
  return [
    [12, 2048],
    [24, 2048],
    [24, 4096],
    [32, 4096],
    [40, 5120],
    [48, 6144],
  ].map(([layers = 0, hidden = 0]) => {
    const fitCase = { run: run(layers, hidden), gpu, measuredSeconds: 1, weight: 1 };
    return { ...fitCase, measuredSeconds: predictedSeconds(fitCase, { stack, gpus: none }) };
  });
}

describe('fitStack', () => {
  it('finds the constants that made the figures', () => {
    const cases = measuredWith({ ...base, gemm: 0.55, stepSeconds: 0.2 });
    const plan = calibrationPlan(base, 'mine', cases.length);
    expect(plan.fitted).toEqual(['gemm', 'stepSeconds']);
    const fitted = fitStack(plan, cases, base);
    expect(fitted.stack.gemm).toBeCloseTo(0.55, 2);
    expect(fitted.stack.stepSeconds).toBeCloseTo(0.2, 1);
    expect(fitted.stack.title).toBe('mine');
  });

  it('leaves alone what it is not asked for', () => {
    const cases = measuredWith({ ...base, gemm: 0.55 });
    const { gemm, title, ...others } = fitStack(calibrationPlan(base, 'mine', 1), cases, base).stack;
    expect(gemm).not.toBe(base.gemm);
    expect(title).toBe('mine');
    const { gemm: _, title: __, ...before } = base;
    expect(others).toEqual(before);
  });
});

describe('holdOutByModel', () => {
  it('predicts every row once, by a fit that has not seen its model', () => {
    const cases = measuredWith(base);
    // One model that was measured twice as slow as all others cannot be known from them.
    const odd = cases.map((fitCase, index) =>
      index === 3 ? { ...fitCase, measuredSeconds: 2 * fitCase.measuredSeconds } : fitCase,
    );
    const heldOut = holdOutByModel(calibrationPlan(base, 'mine', 1), odd, base);
    expect(heldOut.map(({ fitCase }) => fitCase)).toEqual(odd);
    const [, , , third] = heldOut;
    expect(third?.predictedSeconds).toBeCloseTo(cases[3]?.measuredSeconds ?? 0, 1);
  });
});

describe('intervalOf', () => {
  it('is the tenth and ninetieth percentile of measured over predicted', () => {
    const fitCase = { run: run(12, 2048), gpu, weight: 1 };
    const heldOut = Array.from({ length: 101 }, (_, index) => ({
      fitCase: { ...fitCase, measuredSeconds: 0.5 + index / 100 },
      predictedSeconds: 1,
    }));
    expect(intervalOf(heldOut, 0.05).low).toBeCloseTo(0.6, 9);
    expect(intervalOf(heldOut, 0.05).high).toBeCloseTo(1.4, 9);
    expect(intervalOf(heldOut.slice(50, 51), 0.05)).toEqual({ low: 0.95, high: 1.05 });
  });
});

describe('fitReserve', () => {
  it('is what measured peaks have more than the rest of the estimate', () => {
    const cases = measuredWith(base);
    const first = cases[0]?.run ?? run(1, 32);
    expect(fitReserve(cases, { stack: base, gpus: none })).toBeNull();
    const lean = fitReserve([{ run: { ...first, measured: { peak_memory_GiB: 40 } }, gpu }], {
      stack: base,
      gpus: none,
    });
    const rich = fitReserve([{ run: { ...first, measured: { peak_memory_GiB: 41 } }, gpu }], {
      stack: base,
      gpus: none,
    });
    expect((rich ?? 0) - (lean ?? 0)).toBeGreaterThan(0.9 * 2 ** 30);
  });
});
