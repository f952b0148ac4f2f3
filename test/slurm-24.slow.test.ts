import { describe, expect, it } from 'vitest';
import { type Debian13, makeDebian13 } from './support/debian-13.ts';

// What was written for the Slurm of this machine has to hold on the one of a later Debian as well: other JSON, other words, other habits. Others run there
// when they are named: ORRERY_TEST_SUITES=slow ORRERY_24_SUITES=health-slurm,slurm-arrays,slurm-options,slurm-chaos vitest run test/slurm-24
const debian: Debian13 | null = makeDebian13();

async function inside(argv: readonly string[]): Promise<{ status: number; output: string }> {
  if (debian === null) throw new Error('there is no Debian 13');
  // `ORRERY_CHAOS_KILL_SLURMCTLD=yes` and the like.
  const chaos = Object.entries(process.env).filter(([name]) => name.startsWith('ORRERY_CHAOS_'));
  return debian.run(argv, { ORRERY_TEST_SUITES: 'slow', NO_COLOR: '1', ...Object.fromEntries(chaos) });
}

const SUITES = (process.env['ORRERY_24_SUITES'] ?? 'backend-slurm,slurm-daemon').split(',');

describe.skipIf(debian === null)('on Slurm 24.11', () => {
  it('is another Slurm', async () => {
    expect((await inside(['slurmctld', '-V'])).output.trim()).toMatch(/^slurm(?:-wlm)? 24\.11\./);
  });

  it.each(SUITES)('%s', { timeout: 1_800_000 }, async (suite) => {
    const { status, output } = await inside(['vitest', 'run', `test/${suite}.slow.test.ts`]);
    if (status !== 0) throw new Error(output);
    expect(output).toMatch(/Tests .*passed/);
    expect(output).not.toMatch(/Tests .*skipped/);
  });
});
