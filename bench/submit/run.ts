import { type ChildProcess, execFileSync, spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { cpus, tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { daemonFileSchema, jobListSchema } from '../../src/contract/api.ts';
import { createClient } from '../../src/contract/client.ts';
import { ensureSlurm, type SlurmCluster, startSlurm } from '../../test/support/slurm-cluster.ts';

/**
 * Submission side by side with a real Slurm on the same machine in one run, A B A B. Every job is held on both sides, so that what
 * is timed is acceptance alone. `node bench/submit/run.ts [--jobs 500] [--rounds 15]`; needs a build (`npm run build`).
 */
const root = dirname(dirname(dirname(fileURLToPath(import.meta.url))));
const orrery = join(root, 'bin', 'orrery.js');

function option(name: string, fallback: number): number {
  const at = process.argv.indexOf(`--${name}`);
  return at < 0 ? fallback : Number(process.argv[at + 1]);
}

const jobCount = option('jobs', 500);
const rounds = option('rounds', 15);
const PARALLEL = 8;
const ACK_SECONDS = 5;

const home = mkdtempSync(join(tmpdir(), 'orrery-bench-'));
const work = mkdtempSync(join(tmpdir(), 'orrery-bench-work-'));
const env = { ...process.env, ORRERY_HOME: home };

function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? Number.NaN;
}

function timeMs(work_: () => void): number {
  const startedAt = performance.now();
  work_();
  return performance.now() - startedAt;
}

function run(command: string, args: readonly string[], environment: NodeJS.ProcessEnv): string {
  return execFileSync(command, args, {
    env: environment,
    cwd: work,
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'pipe'],
  });
}

/** `total` runs of sbatch, `PARALLEL` at a time. */
async function parallelSbatch(total: number, slurm: SlurmCluster): Promise<void> {
  let left = total;
  const worker = async () => {
    while (left > 0) {
      left -= 1;
      const child: ChildProcess = spawn('/usr/bin/sbatch', ['-H', '-o', '/dev/null', '--wrap', 'true'], {
        env: slurm.env,
        stdio: 'ignore',
      });
      const code = await new Promise((done) => child.once('exit', done));
      if (code !== 0) throw new Error(`sbatch exited with ${String(code)}`);
    }
  };
  await Promise.all(Array.from({ length: PARALLEL }, worker));
}

/** Single-job requests, each acknowledged when it is on disk, `clients` at a time, for a few seconds; acknowledgements per second. */
async function acknowledgementsPerSecond(client: ReturnType<typeof createClient>, clients: number): Promise<number> {
  const endMs = performance.now() + ACK_SECONDS * 1000;
  let acknowledged = 0;
  const startedAt = performance.now();
  const worker = async () => {
    while (performance.now() < endMs) {
      await client.submit({ jobs: [{ command: ['true'], hold: true }] });
      acknowledged += 1;
    }
  };
  await Promise.all(Array.from({ length: clients }, worker));
  return acknowledged / ((performance.now() - startedAt) / 1000);
}

function row(name: string, ours: string, peer: string, ratio: string): void {
  process.stdout.write(`${name.padEnd(46)} ${ours.padStart(20)} ${peer.padStart(34)} ${ratio.padStart(14)}\n`);
}

if (!ensureSlurm()) {
  process.stderr.write(
    'skipped: no Slurm here and no right to install one (Debian packages slurmctld slurmd slurm-client munge)\n',
  );
  process.exit(0);
}
const slurm = await startSlurm({ nodes: 3, cpusPerNode: 2 });
run(process.execPath, [orrery, 'up', '--detach', '--port', '0', '--json'], env);
try {
  const { url } = daemonFileSchema.parse(JSON.parse(readFileSync(join(home, 'daemon.json'), 'utf8')));
  const client = createClient({ url, token: readFileSync(join(home, 'token'), 'utf8').trim() });

  const single: { ours: number[]; peer: number[] } = { ours: [], peer: [] };
  for (let round = 0; round <= rounds; round += 1) {
    const ours = timeMs(() => run(process.execPath, [orrery, 'run', '--hold', '--', 'true'], env));
    const peer = timeMs(() => run('/usr/bin/sbatch', ['-H', '-o', '/dev/null', '--wrap', 'true'], slurm.env));
    // The first round warms both up.
    if (round > 0) {
      single.ours.push(ours);
      single.peer.push(peer);
    }
  }

  const batch = join(work, 'jobs.ndjson');
  writeFileSync(batch, `${JSON.stringify({ command: ['true'], hold: true })}\n`.repeat(jobCount));
  const bulk: { ours: number[]; peer: number[]; array: number[] } = { ours: [], peer: [], array: [] };
  for (let round = 0; round < 3; round += 1) {
    bulk.ours.push(timeMs(() => run(process.execPath, [orrery, 'run', '--batch', batch], env)));
    const startedAt = performance.now();
    await parallelSbatch(jobCount, slurm);
    bulk.peer.push(performance.now() - startedAt);
    const array = ['-H', '-o', '/dev/null', `--array=1-${Math.min(jobCount, 1000)}`, '--wrap', 'true'];
    bulk.array.push(timeMs(() => run('/usr/bin/sbatch', array, slurm.env)));
  }

  const acks = { ours: await acknowledgementsPerSecond(client, 32), peer: 0 };
  const startedAt = performance.now();
  await parallelSbatch(jobCount, slurm);
  acks.peer = jobCount / ((performance.now() - startedAt) / 1000);

  const queued = (await client.jobs({})).length;
  if (queued < 10_000) {
    const missing = 10_000 - queued;
    await client.submit({ jobs: Array.from({ length: missing }, () => ({ command: ['true'], hold: true })) });
  }
  const token = readFileSync(join(home, 'token'), 'utf8').trim();
  const queueMs: number[] = [];
  let listed = 0;
  for (let round = 0; round < 11; round += 1) {
    const askedAt = performance.now();
    const response = await fetch(`${url}/api/v1/jobs`, { headers: { authorization: `Bearer ${token}` } });
    const text = await response.text();
    queueMs.push(performance.now() - askedAt);
    listed = jobListSchema.parse(JSON.parse(text)).jobs.length;
  }

  const perSecond = (milliseconds: number) => `${Math.round(jobCount / (milliseconds / 1000))} jobs/s`;
  process.stdout.write(`${slurm.version} and orrery on ${cpus().length} x ${cpus()[0]?.model ?? 'CPU'}; medians\n\n`);
  row('', 'orrery', 'Slurm', 'Slurm/orrery');
  const one = { ours: median(single.ours), peer: median(single.peer) };
  row(
    'one job, process start to id',
    `${one.ours.toFixed(0)} ms`,
    `${one.peer.toFixed(0)} ms (sbatch)`,
    (one.peer / one.ours).toFixed(2),
  );
  const many = { ours: median(bulk.ours), peer: median(bulk.peer), array: median(bulk.array) };
  const parallel = `${perSecond(many.peer)} (${PARALLEL} x sbatch)`;
  row(`${jobCount} different jobs`, `${perSecond(many.ours)} (--batch)`, parallel, (many.peer / many.ours).toFixed(2));
  row(
    `${jobCount} alike`,
    `${perSecond(many.ours)} (--batch)`,
    `${perSecond(many.array)} (one array)`,
    (many.array / many.ours).toFixed(2),
  );
  row(
    'acknowledged one by one, per second',
    `${acks.ours.toFixed(0)} (32 clients)`,
    `${acks.peer.toFixed(0)} (${PARALLEL} x sbatch)`,
    (acks.peer / acks.ours).toFixed(2),
  );
  row('  on disk when acknowledged', 'yes (fsync, FULL)', 'no (saved within 5 s)', '');
  row(`GET queue, ${listed} pending`, `${median(queueMs).toFixed(0)} ms`, '', '');
} finally {
  spawnSync(process.execPath, [orrery, 'down', '--cancel'], { env, stdio: 'ignore' });
  await slurm.stop();
  rmSync(home, { recursive: true, force: true });
  rmSync(work, { recursive: true, force: true });
}
