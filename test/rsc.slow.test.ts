import { beforeAll, describe, expect, it } from 'vitest';
import { pooledBySize } from '../bench/rsc/pooled-ettr.ts';
import {
  ETTR_WITHIN,
  GIVEN,
  GIVEN_WITHOUT_LEMONS,
  isWithin,
  PREDICTED,
  PREDICTED_WITHOUT_LEMONS,
} from '../bench/rsc/published.ts';
import { rsc1, rsc1WithoutLemons, variants } from '../bench/rsc/variants.ts';
import { startSimulation } from '../src/cli/sim/simulation.ts';
import type { ScenarioFields } from '../src/formats/scenario-file.ts';
import type { TwinReport } from '../src/twin/report.ts';

/** Eleven months, as in the paper: fewer have too few of the largest jobs. */
const DAYS = 330;
let plain: TwinReport;
let watched: TwinReport;
let alike: TwinReport;

beforeAll(async () => {
  const run = async (fields: ScenarioFields) => (await startSimulation({ fields, jobsOut: null }).result).report;
  const { even, remove } = variants();
  try {
    [plain, watched] = await Promise.all([run(rsc1(DAYS)), run(rsc1WithoutLemons(DAYS))]);
    alike = await run({ ...rsc1(DAYS), ...even.fields });
  } finally {
    remove();
  }
}, 1_200_000);

describe('RSC-1 in the twin', () => {
  it.each(GIVEN)('keeps what it was given: $name', (figure) => {
    expect([figure.predicted(plain), isWithin(figure, figure.predicted(plain))]).toEqual([expect.any(Number), true]);
  });

  it.each(PREDICTED)('predicts what was published: $name', (figure) => {
    expect([figure.predicted(plain), isWithin(figure, figure.predicted(plain))]).toEqual([expect.any(Number), true]);
  });

  it.each(PREDICTED_WITHOUT_LEMONS)('predicts what draining lemons does: $name', (figure) => {
    expect([figure.predicted(watched), isWithin(figure, figure.predicted(watched))]).toEqual([
      expect.any(Number),
      true,
    ]);
  });

  it('has the ETTR of the formula at the rate that large jobs saw, within 5 %, up to 8,192 GPUs', () => {
    const sizes = pooledBySize([plain], 'seen');
    expect(sizes.at(-1)?.label).toBe('4096-8191');
    expect(sizes.filter(({ pooled }) => !(Math.abs(pooled.apart) < ETTR_WITHIN))).toEqual([]);
  });

  it.each(GIVEN_WITHOUT_LEMONS)('keeps, where all nodes fail alike: $name', (figure) => {
    expect([figure.predicted(alike), isWithin(figure, figure.predicted(alike))]).toEqual([expect.any(Number), true]);
  });

  it.each(['seen', 'given'] as const)('has it, where all nodes fail alike, at the rate %s', (rate) => {
    const sizes = pooledBySize([alike], rate);
    expect(sizes.at(-1)?.label).toBe('4096-8191');
    expect(sizes.filter(({ pooled }) => !(Math.abs(pooled.apart) < ETTR_WITHIN))).toEqual([]);
  });

  it('loses nothing in counting: allocated is productive, lost, overhead and unfinished; the rest is idle or out of service', () => {
    const { residualAllocated, residualCapacity, capacity } = plain.predictions.deviceTime;
    expect(Math.abs(residualAllocated) / capacity).toBeLessThan(1e-9);
    expect(Math.abs(residualCapacity) / capacity).toBeLessThan(1e-9);
  });
});
