import { describe, expect, it } from 'vitest';
import { type Debian13, makeDebian13 } from './support/debian-13.ts';

// What was written for the Slurm of this machine has to hold on the one of a later Debian as well: other JSON, other words, other habits.
const debian: Debian13 | null = makeDebian13();

async function inside(argv: readonly string[]): Promise<{ status: number; output: string }> {
  if (debian === null) throw new Error('there is no Debian 13');
  return debian.run(argv, { ORRERY_TEST_SUITES: 'slow', NO_COLOR: '1' });
}

describe.skipIf(debian === null)('on Slurm 24.11', () => {
  it('is another Slurm', async () => {
    expect((await inside(['slurmctld', '-V'])).output.trim()).toMatch(/^slurm(?:-wlm)? 24\.11\./);
  });

  it.each(['backend-slurm', 'slurm-daemon'])('%s', { timeout: 900_000 }, async (suite) => {
    const { status, output } = await inside(['vitest', 'run', `test/${suite}.slow.test.ts`]);
    if (status !== 0) throw new Error(output);
    expect(output).toMatch(/Tests .*passed/);
    expect(output).not.toMatch(/Tests .*skipped/);
  });
});
