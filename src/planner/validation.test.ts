import { describe, expect, it } from 'vitest';
import { createStepCost } from './step-cost.ts';
import type { MeasuredRun } from './measured-run.ts';
import { measuredRun } from './measured-run.test-support.ts';
import { efficiency } from './planner.test-support.ts';
import { type PredictedRun, validate } from './validation.ts';

const run = measuredRun();

/** A run said to take so long, whatever its layout; 80 sequences of 1,000 tokens on 8 GPUs, 8e15 FLOPs. */
function predicted(
  predictedSeconds: number,
  measured: MeasuredRun['measured'],
  changes: Partial<MeasuredRun> = {},
): PredictedRun {
  return {
    run: { ...run, ...changes, measured },
    prediction: {
      parallelism: { ...run.layout, microBatch: 1 },
      cost: { ...createStepCost(), iterationSeconds: predictedSeconds },
      flops: 8e15,
      predicted: {
        iteration_s: predictedSeconds,
        tflops_per_gpu: 1000 / predictedSeconds,
        tokens_per_s_per_gpu: 10_000 / predictedSeconds,
        peak_memory_GiB: 50,
      },
    },
    efficiency: { ...efficiency('fsdp'), time: { low: 0.9, high: 1.1 }, memory: { low: 0.95, high: 1.05 } },
    isValidated: true,
  };
}

describe('validate', () => {
  it('gives error and interval in the unit of the measure', () => {
    const { rows } = validate([predicted(2, { iteration_s: 1.6, tflops_per_gpu: 400, peak_memory_GiB: 51 })]);
    expect(rows).toEqual([
      {
        name: 'a',
        source: 'S',
        measure: 'iteration_s',
        measured: 1.6,
        predicted: 2,
        low: 1.8,
        high: 2.2,
        errorPercent: expect.closeTo(25, 9),
      },
      {
        name: 'a',
        source: 'S',
        measure: 'tflops_per_gpu',
        measured: 400,
        predicted: 500,
        low: expect.closeTo(454.545, 3),
        high: expect.closeTo(555.556, 3),
        errorPercent: 25,
      },
      expect.objectContaining({ measure: 'peak_memory_GiB', low: 47.5, high: 52.5 }),
    ]);
  });

  it('widens the interval where no published run backs a run', () => {
    const { rows } = validate([{ ...predicted(2, { iteration_s: 1.6, peak_memory_GiB: 51 }), isValidated: false }]);
    expect(rows).toMatchObject([
      { low: expect.closeTo(1.7, 9), high: expect.closeTo(2.3, 9) },
      { low: expect.closeTo(42.5, 9), high: expect.closeTo(57.5, 9) },
    ]);
  });

  it('keeps every source apart, whatever it is called', () => {
    const runs = ['__proto__', 'constructor'].map((source) => predicted(1, { iteration_s: 1 }, { source }));
    expect(Object.keys(validate(runs).bySource)).toEqual(['__proto__', 'constructor']);
  });

  it('sums up errors, and how many intervals held', () => {
    const { summary } = validate([
      predicted(1.05, { iteration_s: 1 }),
      predicted(0.7, { iteration_s: 1 }, { gpus: 16 }),
      predicted(1.1, { iteration_s: 1 }, { gpus: 24 }),
      predicted(1.2, { iteration_s: 1 }, { gpus: 32 }),
    ]);
    expect(summary).toMatchObject({
      rows: 4,
      mape: expect.closeTo((5 + 30 + 10 + 20) / 4, 9),
      medianApe: expect.closeTo(15, 9),
      maxApe: expect.closeTo(30, 9),
      biasPercent: expect.closeTo((5 - 30 + 10 + 20) / 4, 9),
      intervalCoverage: 0.5,
      regretPercent: null,
      pairwiseOrderAccuracy: null,
    });
  });

  it('charges the layout it would have picked with what it took more than the best measured', () => {
    const { summary } = validate([
      predicted(1, { iteration_s: 1.1 }),
      predicted(1.2, { iteration_s: 1 }),
      predicted(3, { iteration_s: 3 }),
      // 10,000 tokens/s a GPU are a second: another group, well chosen.
      predicted(1, { tokens_per_s_per_gpu: 10_000 }, { source: 'T' }),
      predicted(2, { tflops_per_gpu: 500 }, { source: 'T' }),
      // Memory is no time, and enters no group.
      predicted(0.1, { peak_memory_GiB: 50 }, { source: 'T' }),
    ]);
    expect(summary.regretPercent).toBeCloseTo((10 + 0) / 2, 9);
    expect(summary.pairwiseOrderAccuracy).toBeCloseTo(3 / 4, 9);
  });

  it('passes over pairs that are one as fast as the other', () => {
    const { summary } = validate([predicted(1, { iteration_s: 1.005 }), predicted(1.2, { iteration_s: 1 })]);
    expect(summary.pairwiseOrderAccuracy).toBeNull();
    expect(summary.regretPercent).toBeCloseTo(0.5, 9);
  });

  it('splits by source and by measure', () => {
    const { bySource, byMeasure } = validate([
      predicted(1.1, { iteration_s: 1, peak_memory_GiB: 40 }),
      predicted(0.9, { iteration_s: 1 }, { source: 'T' }),
    ]);
    expect(bySource['S']).toMatchObject({ rows: 2, mape: expect.closeTo(17.5, 9) });
    expect(bySource['T']).toMatchObject({ rows: 1, biasPercent: expect.closeTo(-10, 9) });
    expect(Object.keys(byMeasure)).toEqual(['iteration_s', 'peak_memory_GiB']);
    expect(byMeasure.iteration_s).toMatchObject({ rows: 2, biasPercent: expect.closeTo(0, 9) });
    expect(byMeasure.peak_memory_GiB).toMatchObject({ rows: 1, biasPercent: expect.closeTo(25, 9) });
  });
});
