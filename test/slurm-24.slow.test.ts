import { describe, expect, it } from 'vitest';
import { type Debian13, makeDebian13 } from './support/debian-13.ts';

// What was written for the Slurm of this machine has to hold on the one of a later Debian as well: other JSON, other words, other habits.
const debian: Debian13 | null = makeDebian13();

describe.skipIf(debian === null)('on Slurm 24.11', () => {
  it('is another Slurm', async () => {
    expect((await debian?.run(['slurmctld', '-V'], {}))?.output.trim()).toMatch(/^slurm(?:-wlm)? 24\.11\./);
  });

  it.each(['backend-slurm', 'slurm-daemon'])('%s', { timeout: 900_000 }, async (suite) => {
    const ran = await debian?.run(['vitest', 'run', `test/${suite}.slow.test.ts`], { ORRERY_TEST_SUITES: 'slow' });
    expect(ran?.status, ran?.output).toBe(0);
    expect(ran?.output).toMatch(/Tests .*passed/);
    expect(ran?.output).not.toMatch(/Tests .*skipped/);
  });
});
