import { defineConfig } from 'vitest/config';

// Two workers: the suites start real processes (supervisors, daemons, PyTorch ranks) and share the machine with them.
export default defineConfig({
  test: {
    include: ['src/**/*.test.ts', 'test/**/*.test.ts', 'workloads/**/*.test.ts', 'bench/**/*.test.ts'],
    maxWorkers: 2,
    testTimeout: 60_000,
    hookTimeout: 60_000,
  },
});
