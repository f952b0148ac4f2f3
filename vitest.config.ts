import { configDefaults, defineConfig } from 'vitest/config';

const SLOW = '**/*.slow.test.ts';
const suites = process.env['ORRERY_TEST_SUITES'] ?? 'quick';

// The suites start real processes (supervisors, daemons, PyTorch ranks) and share the machine with them; the slow ones also rebuild
// `dist/`, so they go one by one.
export default defineConfig({
  test: {
    include: suites === 'slow' ? [SLOW] : ['{src,test,workloads,bench}/**/*.test.ts'],
    exclude: [...configDefaults.exclude, ...(suites === 'quick' ? [SLOW] : [])],
    maxWorkers: suites === 'quick' ? 2 : 1,
    testTimeout: 60_000,
    hookTimeout: 60_000,
  },
});
