// What the answers to a look cost a real Slurm with many jobs of others: CPU seconds of squeue and of slurmctld. README.md says how to read it.
// node bench/slurm-look/real.ts [--others 10000]   (as root; submits for minutes)
import { execFile, execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { parseArgs, promisify } from 'node:util';
import { LINES, OURS } from '../../src/backend/slurm/mirror/own-rows.ts';
import { definite } from '../../src/lib/assert.ts';
import { readProcesses } from '../../test/support/processes.ts';
import { ensureSlurm, type SlurmCluster, startSlurm } from '../../test/support/slurm-cluster.ts';

const run = promisify(execFile);
const CLIENTS = 4;
const OWN = 5;
/** Of `/proc/PID/stat`, on Linux. */
const TICKS_PER_SECOND = 100;
const { values } = parseArgs({ options: { others: { type: 'string', default: '10000' } } });
const others = Number(values.others);

const QUESTIONS = {
  'JSON, `--me`': OURS,
  'JSON, `--user`': [...OURS.filter((word) => word !== '--me'), '--user=root'],
  'lines, `--me`': LINES,
  'lines of all users': LINES.filter((word) => word !== '--me'),
} as const;

/** Held jobs, so that nothing is scheduled meanwhile. */
async function submit(slurm: SlurmCluster, count: number, words: readonly string[]): Promise<void> {
  let left = count;
  const args = ['--parsable', '--hold', '--output=/dev/null', '--chdir=/', '--time=1', ...words, '--wrap=true'];
  const client = async () => {
    while (left > 0) {
      left -= 1;
      await run('sbatch', args, { env: slurm.env });
      if (process.stderr.isTTY) process.stderr.write(`\r${count - left} of ${count} submitted`);
    }
  };
  await Promise.all(Array.from({ length: CLIENTS }, client));
}

/** CPU seconds so far. */
function cpuOf(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8')
    .replace(/^.*\) /, '')
    .split(' ');
  return (Number(fields[11]) + Number(fields[12])) / TICKS_PER_SECOND;
}

/** Of a squeue: its CPU seconds, by the shell's `times`, and how much it printed. */
function ask(slurm: SlurmCluster, words: readonly string[]): { seconds: number; bytes: number } {
  const script = 'squeue "$@" | wc -c; times';
  const text = execFileSync('/bin/sh', ['-c', script, 'sh', ...words], { env: slurm.env, encoding: 'utf8' });
  const [bytes = '', , children = ''] = text.trim().split('\n');
  const seconds = [...children.matchAll(/(\d+)m([\d.]+)s/g)].reduce(
    (sum, [, m, s]) => sum + Number(m) * 60 + Number(s),
    0,
  );
  return { seconds, bytes: Number(bytes) };
}

if (!ensureSlurm()) throw new Error('Slurm is not installed, and could not be');
const slurm = await startSlurm({ nodes: 1, cpusPerNode: 1, confLines: ['MaxJobCount=100000'] });
try {
  await submit(slurm, others, ['--uid=games']);
  await submit(slurm, OWN, []);
  const controller = definite(
    readProcesses().find(({ command }) => command.includes('slurmctld') && command.includes(slurm.folder)),
    'slurmctld runs',
  );
  console.log(`Slurm ${slurm.version}: ${others} jobs of others, ${OWN} of our own`);
  console.log('| asked | slurmctld, CPU s | squeue, CPU s | answer, kB |\n| --- | --- | --- | --- |');
  for (const [what, words] of Object.entries(QUESTIONS)) {
    const before = cpuOf(controller.pid);
    const { seconds, bytes } = ask(slurm, words);
    const row = [what, (cpuOf(controller.pid) - before).toFixed(2), seconds.toFixed(2), (bytes / 1000).toFixed(1)];
    console.log(`| ${row.join(' | ')} |`);
  }
} finally {
  await slurm.stop();
}
