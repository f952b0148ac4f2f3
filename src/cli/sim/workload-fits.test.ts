import { describe, expect, it } from 'vitest';
import { fitWorkloads } from './workload-fits.ts';

/** What the published figures cover. */
const DAYS = 330;

describe('the workloads of the catalogue', () => {
  it('have the published mix when they are drawn', async () => {
    const workloads = await fitWorkloads([], DAYS);
    expect(workloads.map(({ name }) => name)).toEqual(['rsc-1', 'rsc-2', 'rsc-phase1']);
    for (const { name, fit } of workloads) {
      expect(fit.length).toBeGreaterThan(8);
      const off = fit.filter(({ isWithin }) => !isWithin).map(({ figure, generated }) => [name, figure, generated]);
      expect(off).toEqual([]);
    }
  }, 180_000);

  it('are not read where there are none of the name', async () => {
    await expect(fitWorkloads(['rsc-3'], DAYS)).rejects.toThrow(/unknown workload "rsc-3": known are rsc-1/);
  });
});
