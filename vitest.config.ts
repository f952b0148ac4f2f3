import { configDefaults, defineConfig } from 'vitest/config';

const TESTS = '{src,test,workloads,bench}/**/*.test.ts';
const SLOW = '**/*.slow.test.ts';
/** Suites that hold a real Slurm to the clock, keep every CPU busy or make `dist/` anew. */
const ALONE = [
  'test/fidelity/slurm.slow.test.ts',
  'test/slurm-import/site.slow.test.ts',
  'test/rsc.slow.test.ts',
  'test/start.slow.test.ts',
];
/** Some take several seconds of the CPU, of which there may be little. */
const QUICK_MS = { testTimeout: 120_000, hookTimeout: 120_000 };
/** Two clusters may start at the same time on two slow CPUs. */
const SLOW_MS = { testTimeout: 180_000, hookTimeout: 180_000 };

const { exclude } = configDefaults;
// The quick ones start real processes (supervisors, daemons, PyTorch ranks) and share the machine with them; the slow ones wait for Slurm most of the
// time, each for one of its own.
const groups = [
  { name: 'quick', include: [TESTS], exclude: [...exclude, SLOW], maxWorkers: 2, ...QUICK_MS },
  { name: 'slow', include: [SLOW], exclude: [...exclude, ...ALONE], maxWorkers: 2, ...SLOW_MS },
  { name: 'alone', include: ALONE, maxWorkers: 1, ...SLOW_MS },
];
const suites = process.env['ORRERY_TEST_SUITES'] ?? 'quick';
const chosen = groups.filter(({ name }) => suites === 'all' || (name === 'quick') === (suites === 'quick'));

export default defineConfig({
  test: {
    // By itself it gives up after a second.
    expect: { poll: { timeout: 30_000 } },
    projects: chosen.map((group, groupOrder) => ({ extends: true, test: { ...group, sequence: { groupOrder } } })),
  },
});
