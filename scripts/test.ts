import { spawnSync } from 'node:child_process';
import { ensurePython } from './setup-python.ts';

/**
 * Everything `npm test` does: type-check, lint, format, build, tests. `--all` adds the suites named `*.slow.test.ts`;
 * `--only-slow` runs nothing but those.
 */
const USAGE = 'usage: npm test [-- FILTER...] | npm run test:all [-- --only-slow]';
const args = process.argv.slice(2);
const flags = new Set(args.filter((arg) => arg.startsWith('--')));
const filters = args.filter((arg) => !arg.startsWith('--'));
for (const flag of flags) {
  if (flag !== '--all' && flag !== '--only-slow') {
    process.stderr.write(`unknown option ${flag}; ${USAGE}\n`);
    process.exit(2);
  }
}

function step(title: string, command: string, commandArgs: readonly string[], env: Record<string, string> = {}): void {
  process.stdout.write(`\n=== ${title}\n`);
  const startedAt = performance.now();
  const { status } = spawnSync(command, commandArgs, { stdio: 'inherit', env: { ...process.env, ...env } });
  process.stdout.write(
    `=== ${title}: ${status === 0 ? 'ok' : 'failed'} (${((performance.now() - startedAt) / 1000).toFixed(1)} s)\n`,
  );
  if (status !== 0) process.exit(1);
}

const python = await ensurePython();
const onlySlow = flags.has('--only-slow');
if (!onlySlow) {
  step('type-check', process.execPath, ['scripts/typecheck.ts']);
  step('lint', 'oxlint', ['--type-aware', '--deny-warnings']);
  step('format', 'biome', ['format', '.']);
}
step('build', process.execPath, ['scripts/build.ts']);
step('tests', 'vitest', ['run', '--reporter=default', '--reporter=./scripts/test-reporter.ts', ...filters], {
  ORRERY_PYTHON: python,
  ORRERY_TEST_SUITES: onlySlow ? 'slow' : flags.has('--all') ? 'all' : 'quick',
});
