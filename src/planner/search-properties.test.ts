import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { STACKS } from './efficiency.ts';
import { Estimator } from './estimator.ts';
import { stepFlops } from './flops.ts';
import { LayoutSpace } from './layout-space.ts';
import type { Machine } from './machine.ts';
import type { Parallelism } from './parallelism.ts';
import { dgxA100, efficiency, experts, gpt } from './planner.test-support.ts';
import { type SearchRequest, search } from './search.ts';
import type { StepCost } from './step-cost.ts';

const RUNS = { numRuns: 60 };
/** As fitted, and with all hidden that can be. */
const CONSTANTS = STACKS.flatMap((stack) => [efficiency(stack), efficiency(stack, { dataParallelOverlap: 1 })]);

const models = fc.oneof(
  fc
    .record({
      layers: fc.integer({ min: 1, max: 40 }),
      headDim: fc.constantFrom(64, 80, 128),
      heads: fc.constantFrom(4, 6, 16, 24, 64),
      kvHeads: fc.constantFrom(1, 2),
      isGrouped: fc.boolean(),
      isGated: fc.boolean(),
      hasTiedEmbeddings: fc.boolean(),
      vocab: fc.constantFrom(0, 32_000, 250_880),
    })
    .map(({ layers, headDim, heads, kvHeads, isGrouped, ...rest }) =>
      gpt('any', layers, heads * headDim, heads, { ...rest, kvHeads: isGrouped ? kvHeads : heads }),
    ),
  fc
    .record({
      layers: fc.integer({ min: 2, max: 30 }),
      count: fc.constantFrom(4, 16, 60),
      perToken: fc.integer({ min: 1, max: 4 }),
    })
    .map(({ layers, count, perToken }) =>
      gpt('sparse', layers, 2048, 16, { isGated: true, moe: experts(count, perToken, 1408, 1) }),
    ),
);

const machines = fc
  .record({
    gpus: fc.constantFrom(1, 2, 6, 8, 16, 30, 64),
    gpusPerNode: fc.constantFrom(1, 2, 4, 8),
    networkBytesPerSecondPerGpu: fc.double({ min: 1e8, max: 1e11, noNaN: true }),
    nvlink: fc.double({ min: 1e9, max: 1e12, noNaN: true }),
    memoryBytesPerSecond: fc.double({ min: 1e11, max: 1e13, noNaN: true }),
    memoryGigabytes: fc.constantFrom(8, 16, 40, 80),
    nodesPerLeaf: fc.constantFrom(1, 2, 20, Number.POSITIVE_INFINITY),
    oversubscription: fc.constantFrom(1, 2, 7),
    hostMemoryBytesPerGpu: fc.constantFrom(null, 64e9),
  })
  .map(({ nvlink, memoryBytesPerSecond, memoryGigabytes, ...rest }): Machine => {
    const { gpu } = dgxA100(1);
    const memoryBytes = memoryGigabytes * 2 ** 30;
    return {
      ...rest,
      gpu: { ...gpu, memoryBytes, memoryBytesPerSecond, nvlinkBytesPerSecond: nvlink },
    };
  });

const requests = fc
  .record({
    model: models,
    machine: machines,
    share: fc.constantFrom(1, 2, 3, 8, 12),
    sequenceLength: fc.constantFrom(512, 2048, 8192),
    constants: fc.constantFrom(...CONSTANTS),
  })
  .map(
    ({ model, machine, share, sequenceLength, constants }): SearchRequest => ({
      model,
      machine,
      workload: { sequenceLength, globalBatch: share * machine.gpus },
      efficiency: constants,
      best: 1,
    }),
  );

const factors = fc.double({ min: 1, max: 50, noNaN: true });

const QUICKER: readonly [string, (machine: Machine, factor: number) => Machine][] = [
  [
    'NVLink',
    (machine, factor) => ({
      ...machine,
      gpu: { ...machine.gpu, nvlinkBytesPerSecond: factor * machine.gpu.nvlinkBytesPerSecond },
    }),
  ],
  [
    'network',
    (machine, factor) => ({
      ...machine,
      networkBytesPerSecondPerGpu: factor * machine.networkBytesPerSecondPerGpu,
    }),
  ],
  [
    'memory',
    (machine, factor) => ({
      ...machine,
      gpu: { ...machine.gpu, memoryBytesPerSecond: factor * machine.gpu.memoryBytesPerSecond },
    }),
  ],
  ['spine', (machine, factor) => ({ ...machine, oversubscription: Math.max(1, machine.oversubscription / factor) })],
];

describe('the search', () => {
  it('finds a layout with more memory where it finds one with less, and none slower', () => {
    fc.assert(
      fc.property(requests, factors, (request, factor) => {
        const { memoryBytes } = request.machine.gpu;
        const less = search({ ...request, memoryBytes });
        const more = search({ ...request, memoryBytes: factor * memoryBytes });
        fc.pre(less.fits);
        expect(more.fits).toBe(true);
        expect(more.best[0]?.cost.iterationSeconds).toBeLessThanOrEqual(less.best[0]?.cost.iterationSeconds ?? 0);
      }),
      RUNS,
    );
  });

  it.each(QUICKER)('finds none slower with more bandwidth: %s', (_, quicken) => {
    fc.assert(
      fc.property(requests, factors, (request, factor) => {
        const slow = search(request);
        const quick = search({ ...request, machine: quicken(request.machine, factor) });
        fc.pre(slow.fits);
        expect(quick.fits).toBe(true);
        const limit = (slow.best[0]?.cost.iterationSeconds ?? 0) * (1 + 1e-12);
        expect(quick.best[0]?.cost.iterationSeconds).toBeLessThanOrEqual(limit);
      }),
      RUNS,
    );
  });
});

describe('every layout', () => {
  /** Some layouts of the request's space, spread over all of it, with which `isWrong` finds fault. */
  function faulty(request: SearchRequest, isWrong: (layout: Parallelism, cost: StepCost) => boolean): Parallelism[] {
    const { model, machine, workload, efficiency: constants } = request;
    const estimator = new Estimator(model, machine, workload, constants);
    const space = new LayoutSpace(model, machine, workload, constants.stack.stack);
    const stride = Math.max(1, Math.floor(space.size / 200));
    const sample = [...space.layouts()].filter((_, index) => index % stride === 0);
    return sample.filter((layout) => isWrong(layout, estimator.evaluate(layout)));
  }

  it.each(QUICKER)('is no slower with more bandwidth, and needs the same memory: %s', (_, quicken) => {
    fc.assert(
      fc.property(requests, factors, (request, factor) => {
        const { model, machine, workload, efficiency: constants } = request;
        const quick = new Estimator(model, quicken(machine, factor), workload, constants);
        const slower = faulty(request, (layout, { iterationSeconds, memoryBytes }) => {
          const after = quick.evaluate(layout);
          return after.iterationSeconds > iterationSeconds * (1 + 1e-12) || after.memoryBytes !== memoryBytes;
        });
        expect(slower).toEqual([]);
      }),
      RUNS,
    );
  });

  it('is no slower with more bandwidth where another stage comes to set the pace', () => {
    // Stages of 1, 2, 2 and 1 layers, the last with the head: slow collectives make the middle the longest, fast ones the last.
    const model = gpt('uneven', 6, 4096, 32, { vocab: 100_352 });
    const layout: Parallelism = {
      tp: 8,
      pp: 4,
      dp: 2,
      cp: 1,
      ep: 1,
      microBatch: 1,
      interleave: 1,
      recompute: 'none',
      sequenceParallel: true,
      zero: 1,
      offload: false,
    };
    const workload = { sequenceLength: 2048, globalBatch: 16 };
    const constants = efficiency('megatron-core', { dataParallelOverlap: 1 });
    const { gpu, ...machine } = dgxA100(64, { networkBytesPerSecondPerGpu: 1e9 });
    const seconds: number[] = [];
    const pacedByHead = new Set<boolean>();
    for (let nvlinkBytesPerSecond = 2e9; nvlinkBytesPerSecond < 1e12; nvlinkBytesPerSecond *= 1.002) {
      const estimator = new Estimator(
        model,
        { ...machine, gpu: { ...gpu, nvlinkBytesPerSecond } },
        workload,
        constants,
      );
      const cost = estimator.evaluate(layout);
      seconds.push(cost.iterationSeconds);
      pacedByHead.add(cost.seconds.embedding > 0);
    }
    expect([...pacedByHead]).toEqual([false, true]);
    expect(seconds.filter((value, index) => value > (seconds[index - 1] ?? Infinity))).toEqual([]);
  });

  it('takes the time that its arithmetic takes at the peak, at least', () => {
    fc.assert(
      fc.property(requests, (request) => {
        const { model, machine, workload } = request;
        const beyond = faulty(request, ({ recompute }, { iterationSeconds }) => {
          const { hardware } = stepFlops(model, workload, recompute);
          return iterationSeconds * machine.gpus * machine.gpu.peakFlops < hardware;
        });
        expect(beyond).toEqual([]);
      }),
      RUNS,
    );
  });

  it('has parts that sum to the whole, none negative', () => {
    fc.assert(
      fc.property(requests, (request) => {
        const isSum = (parts: readonly number[], whole: number) =>
          Math.min(...parts) >= 0 && Math.abs(parts.reduce((total, part) => total + part, 0) / whole - 1) < 1e-9;
        const wrong = faulty(
          request,
          (_, { iterationSeconds, seconds, memoryBytes, memory }) =>
            !isSum(Object.values(seconds), iterationSeconds) || !isSum(Object.values(memory), memoryBytes),
        );
        expect(wrong).toEqual([]);
      }),
      RUNS,
    );
  });
});
