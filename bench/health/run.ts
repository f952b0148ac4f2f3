import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';

/** How long the built command takes as a prolog and as a health check, from the start of its process to its end: medians as a table. */
const { values } = parseArgs({ options: { rounds: { type: 'string', default: '21' } } });
const rounds = Number(values.rounds);
const command = join(import.meta.dirname, '..', '..', 'bin', 'orrery.js');
const folder = mkdtempSync(join(tmpdir(), 'orrery-bench-'));
const site = join(folder, 'health.yaml');
writeFileSync(
  site,
  `
mounts: [{path: /dev/shm, type: tmpfs, writable: true}, {path: /proc}]
custom: [{name: site, command: ["true"], severity: high}]
`,
);

/** A kernel's log with an XID error of a program, as most nodes have one after some days. */
const tools = join(folder, 'tools');
mkdirSync(tools);
writeFileSync(join(tools, 'dmesg'), "#!/bin/sh\necho '[    1.0] NVRM: Xid (PCI:0000:dc:00): 31, pid=1'\n", {
  mode: 0o755,
});
const reports = join(folder, 'reports');
mkdirSync(reports);

const CASES: readonly (readonly [name: string, args: readonly string[], path?: string])[] = [
  ['`orrery version`, for comparison', ['version']],
  ['`--as prolog`', ['health', 'check', '--as', 'prolog']],
  ['`--as prolog`, a file with two mounts and a custom check', ['health', 'check', '--as', 'prolog', '--expect', site]],
  ['`--as prolog`, what a cluster file says', ['health', 'check', '--as', 'prolog', '--cluster', 'rsc-phase1']],
  ['`--as prolog`, an XID error in the log', ['health', 'check', '--as', 'prolog'], tools],
  ['the same, `--report`, told before', ['health', 'check', '--as', 'prolog', '--report', reports], tools],
  ['`--as epilog`: all checks', ['health', 'check', '--as', 'epilog', '--expect', site]],
];

/** User and system time of children that have ended, in milliseconds: what the kernel says of this process. */
function measure(args: readonly string[], path: string | undefined): { wallMs: number; cpuMs: number } {
  const startedAt = performance.now();
  const timed = spawnSync(
    '/bin/bash',
    ['-c', 'TIMEFORMAT="%U %S"; time "$@" >/dev/null 2>&1', 'bash', process.execPath, command, ...args],
    {
      encoding: 'utf8',
      env: {
        ...process.env,
        ...(path !== undefined && { PATH: `${path}:${process.env['PATH']}` }),
        LC_ALL: 'C',
        ORRERY_HOME: folder,
      },
    },
  );
  const wallMs = performance.now() - startedAt;
  const [user = NaN, system = NaN] = timed.stderr.trim().split(' ').map(Number);
  return { wallMs, cpuMs: 1000 * (user + system) };
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? NaN;
}

try {
  // In turn, so that what else the machine does falls on all of them alike.
  const measured = CASES.map(() => [] as { wallMs: number; cpuMs: number }[]);
  for (let round = 0; round <= rounds; round += 1) {
    for (const [index, [, args, path]] of CASES.entries()) {
      const once = measure(args, path);
      // The first round fills the caches.
      if (round > 0) measured[index]?.push(once);
    }
  }
  const lines = CASES.map(([name], index) => {
    const runs = measured[index] ?? [];
    return `| ${name} | ${median(runs.map(({ wallMs }) => wallMs)).toFixed(0)} ms | ${median(runs.map(({ cpuMs }) => cpuMs)).toFixed(0)} ms |`;
  });
  process.stdout.write(['| | wall | CPU |', '| --- | --- | --- |', ...lines, ''].join('\n'));
} finally {
  rmSync(folder, { recursive: true });
}
