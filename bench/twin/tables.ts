import type { EasySpeed, MeanWaits } from './easy-speed.ts';
import { PEERS } from './peers.ts';
import type { RscSpeed } from './rsc-speed.ts';
import type { ScalePoint } from './scale.ts';

/** A cost per job beyond this times the least of its table is not flat. */
const FLAT_RATIO = 1.5;

const n = (value: number) => value.toLocaleString('en', { maximumFractionDigits: value < 100 ? 1 : 0 });
const megabytes = (bytes: number) => `${n(bytes / 1e6)} MB`;

function printTable(rows: readonly (readonly string[])[]): void {
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  for (const row of rows) {
    const cells = row.map((cell, column) =>
      column === 0 ? cell.padEnd(widths[column] ?? 0) : cell.padStart(widths[column] ?? 0),
    );
    console.log(`  ${cells.join('  ')}`.trimEnd());
  }
}

export function printEasy(speed: EasySpeed, waits: readonly MeanWaits[], rounds: number): void {
  const { jobs, coldPerSecond, warmPerSecond, plainPerSecond, command } = speed;
  console.log(`EASY on 2,000 nodes, ${n(jobs)} jobs: jobs a CPU second, and how many times those of others ours are`);
  printTable([
    ['', 'jobs/s', 'ours / theirs'],
    ['engine, first run in a process', n(coldPerSecond), ''],
    [`engine, median of ${rounds} more`, n(warmPerSecond), ''],
    ['plain EASY, counts nodes, places none', n(plainPerSecond), n(warmPerSecond / plainPerSecond)],
    ...PEERS.map(({ name, version, jobsPerCpuSecond }) => [
      `${name} ${version}, not run here`,
      n(jobsPerCpuSecond),
      n(warmPerSecond / jobsPerCpuSecond),
    ]),
  ]);
  const { wallSeconds, cpuSeconds, peakBytes } = command;
  console.log(
    `  the command, from start to report: ${n(wallSeconds)} s, ${n(cpuSeconds)} CPU s, ${megabytes(peakBytes)}`,
  );
  console.log('mean waits in seconds');
  const row = (name: string, of: (wait: MeanWaits) => number | undefined) => [
    name,
    ...waits.map((wait) => {
      const value = of(wait);
      return value === undefined ? '-' : n(value);
    }),
  ];
  printTable([
    ['', ...waits.map(({ trace }) => trace)],
    row('engine, bf_max_job_test=500', ({ seconds }) => seconds),
    row('engine, all that wait are tried', ({ unlimitedSeconds }) => unlimitedSeconds),
    row('plain EASY, by requested times', ({ plainSeconds }) => plainSeconds),
    row('plain EASY, by true run times', ({ leakySeconds }) => leakySeconds),
    ...PEERS.map(({ name, meanWaitSeconds }) => row(name, ({ trace }) => meanWaitSeconds[trace])),
  ]);
}

export function printRsc(runs: readonly RscSpeed[], days: number): void {
  console.log(`RSC, ${days} days, the command from start to report`);
  const sum = (of: (run: RscSpeed) => number) => runs.reduce((total, run) => total + of(run), 0);
  printTable([
    ['', 'GPUs', 'jobs', 'wall s', 'CPU s', 'jobs/CPU s', 'peak', 'utilisation', 'state hash'],
    ...runs.map(({ workload, gpus, jobs, wallSeconds, cpuSeconds, peakBytes, utilization, stateHash }) => [
      workload,
      n(gpus),
      n(jobs),
      n(wallSeconds),
      n(cpuSeconds),
      n(jobs / cpuSeconds),
      megabytes(peakBytes),
      `${n(100 * utilization)} %`,
      stateHash,
    ]),
    [
      'together',
      n(sum(({ gpus }) => gpus)),
      n(sum(({ jobs }) => jobs)),
      n(sum(({ wallSeconds }) => wallSeconds)),
      n(sum(({ cpuSeconds }) => cpuSeconds)),
      n(sum(({ jobs }) => jobs) / sum(({ cpuSeconds }) => cpuSeconds)),
      '',
      '',
      '',
    ],
  ]);
}

export function printScale(sizes: readonly ScalePoint[], depths: readonly ScalePoint[]): void {
  console.log('EASY, load 0.95, by size of the cluster; gangs grow with it, up to a quarter of its nodes');
  const bySize = costsOf(sizes, ({ jobsPerCpuSecond }) => 1e6 / jobsPerCpuSecond);
  const byNode = costsOf(sizes, ({ jobsPerCpuSecond, nodesMean }) => 1e6 / (jobsPerCpuSecond * nodesMean));
  printTable([
    ['GPUs', 'jobs waiting', 'nodes/job', 'jobs/CPU s', 'us/job', '', 'us/node of a job', ''],
    ...sizes.map(({ gpus, queueDepthMean, nodesMean, jobsPerCpuSecond }, index) => [
      n(gpus),
      n(queueDepthMean),
      n(nodesMean),
      n(jobsPerCpuSecond),
      ...(bySize[index] ?? []),
      ...(byNode[index] ?? []),
    ]),
  ]);
  console.log('EASY, load 1, 16,000 GPUs, by jobs that wait when the clock begins to run');
  const byDepth = costsOf(depths, ({ jobsPerCpuSecond }) => 1e6 / jobsPerCpuSecond);
  printTable([
    ['jobs waiting', 'nodes/job', 'jobs/CPU s', 'us/job', ''],
    ...depths.map(({ queueDepthMean, nodesMean, jobsPerCpuSecond }, index) => [
      n(queueDepthMean),
      n(nodesMean),
      n(jobsPerCpuSecond),
      ...(byDepth[index] ?? []),
    ]),
  ]);
}

/** Each cost, with a word where it is not flat. */
function costsOf(points: readonly ScalePoint[], costOf: (point: ScalePoint) => number): string[][] {
  const costs = points.map(costOf);
  const least = Math.min(...costs);
  return costs.map((cost) => [n(cost), cost > FLAT_RATIO * least ? `${n(cost / least)} times the least` : '']);
}
