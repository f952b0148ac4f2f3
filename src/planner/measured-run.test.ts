import { describe, expect, it } from 'vitest';
import { measuredIterationSeconds, modelOfRun, predictRun } from './measured-run.ts';
import { measuredRun, runShape } from './measured-run.test-support.ts';
import { dgxA100, efficiency } from './planner.test-support.ts';

/** GPT-3 175B in the shape of Megatron-LM, as in SC'21. */
const run = measuredRun({
  gpus: 1024,
  shape: runShape(96, 12_288, 96),
  workload: { sequenceLength: 2048, globalBatch: 1536 },
  layout: { ...measuredRun().layout, tp: 8, pp: 8, dp: 16, recompute: 'full' },
  stack: 'megatron-2021',
  precision: 'fp16',
});
const { gpu } = dgxA100(1024);
const constants = efficiency('megatron-2021');

describe('modelOfRun', () => {
  it("counts a GPT's parameters as SC'21 does: 12 l h^2 (1 + 13/12h + (V+s)/12lh)", () => {
    const [l, h, v, s] = [96, 12_288, 51_200, 2048];
    const paper = 12 * l * h * h * (1 + 13 / (12 * h) + (v + s) / (12 * l * h));
    // The paper leaves out the final norm.
    expect(modelOfRun(run).parameters.total).toBeCloseTo(paper + 2 * h, 0);
  });

  it('counts LLaMA 7B exactly', () => {
    const changes = { ffn: 11_008, vocab: 32_000, isGated: true, positions: 'rotary' } as const;
    const llama = modelOfRun({ ...run, shape: runShape(32, 4096, 32, changes) });
    expect(llama.parameters.total).toBe(6_738_415_616);
  });

  it('counts Llama 2 70B with its grouped queries exactly', () => {
    const changes = { kvHeads: 8, ffn: 28_672, vocab: 32_000, isGated: true, positions: 'rotary' } as const;
    const llama = modelOfRun({ ...run, shape: runShape(80, 8192, 64, changes) });
    expect(llama.parameters.total).toBe(68_976_648_192);
  });
});

describe('predictRun', () => {
  it('gives the same time in every measure', () => {
    const prediction = predictRun(run, gpu, constants);
    const { iteration_s, tflops_per_gpu, tokens_per_s_per_gpu } = prediction.predicted;
    expect(iteration_s).toBe(prediction.cost.iterationSeconds);
    for (const measured of [{ iteration_s }, { tflops_per_gpu }, { tokens_per_s_per_gpu }]) {
      expect(measuredIterationSeconds({ ...run, measured }, prediction)).toBeCloseTo(iteration_s, 9);
    }
    expect(measuredIterationSeconds({ ...run, measured: { peak_memory_GiB: 1 } }, prediction)).toBeNull();
  });

  it('takes the mean share of replicas for a microbatch that was not published', () => {
    const odd = { ...run, microBatch: null, workload: { ...run.workload, globalBatch: run.layout.dp * 8 + 1 } };
    expect([1, 2, 4, 8]).toContain(predictRun(odd, gpu, constants).parallelism.microBatch);
  });

  it("counts FLOPs by the SC'21 formula where recompute is full", () => {
    const [l, h, v, s, b] = [96, 12_288, 51_200, 2048, 1536];
    const formula = 96 * b * s * l * h * h * (1 + s / (6 * h) + v / (16 * l * h));
    expect(predictRun(run, gpu, constants).flops / formula).toBeCloseTo(1, 9);
    const model = predictRun({ ...run, flopsConvention: 'model' }, gpu, constants).flops;
    expect(model / formula).toBeCloseTo(0.75, 2);
    const layout = { ...run.layout, recompute: 'selective' } as const;
    expect(predictRun({ ...run, layout }, gpu, constants).flops).toBe(model);
    const done = predictRun({ ...run, layout, flopsConvention: 'hardware' }, gpu, constants).flops;
    expect(done).toBeGreaterThan(model);
  });

  it('takes the fastest microbatch that fits where none was published', () => {
    const chosen = predictRun({ ...run, microBatch: null }, gpu, constants);
    expect(chosen.cost.memoryBytes).toBeLessThanOrEqual(gpu.memoryBytes);
    const all = [1, 2, 3, 4, 6, 8, 12, 16, 24, 32, 48, 96].map((microBatch) =>
      predictRun({ ...run, microBatch }, gpu, constants),
    );
    const fitting = all.filter(({ cost }) => cost.memoryBytes <= gpu.memoryBytes);
    expect(fitting.length).toBeGreaterThan(1);
    expect(chosen.cost.iterationSeconds).toBe(Math.min(...fitting.map(({ cost }) => cost.iterationSeconds)));
    const small = { ...gpu, memoryBytes: 1 };
    expect(predictRun({ ...run, microBatch: null }, small, constants).parallelism.microBatch).toBe(1);
  });
});
