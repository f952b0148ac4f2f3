import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { importCluster } from '../../src/cli/slurm-import/import-cluster.ts';
import type { SimulationResult } from '../../src/cli/sim/simulate.ts';
import { readQueueCsv } from '../../src/formats/queue-csv.ts';
import { readSacctDump } from '../../src/formats/sacct-dump.ts';
import { parseCivilMs } from '../../src/formats/trace-row.ts';
import { waitTable } from './compare.ts';

const MAIN = join(import.meta.dirname, '..', '..', 'src', 'cli', 'main.ts');

/** What one command says of an import and the accounting of later: `orrery sim --scenario now.yaml --trace after.txt`. */
function predicted(imported: string, after: string, jobsOut: string): SimulationResult['recorded'] {
  const args = [
    MAIN,
    'sim',
    '--scenario',
    join(imported, 'now.yaml'),
    '--trace',
    after,
    '--json',
    '--jobs-out',
    jobsOut,
  ];
  const stdout = execFileSync(process.execPath, args, {
    encoding: 'utf8',
    maxBuffer: 1 << 27,
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  const { recorded }: Pick<SimulationResult, 'recorded'> = JSON.parse(stdout);
  return recorded;
}

/** By how many seconds jobs that came after the import started earlier or later, in the median. */
function medianStartDifference(imported: string, after: string, jobsOut: string): number {
  const text = (name: string) => readFileSync(join(imported, name), 'utf8');
  const queueMs = parseCivilMs(/queueTime: (\S+)/.exec(text('now.yaml'))?.[1] ?? '') ?? 0;
  const queued = new Set(readQueueCsv(text('queue.csv'), 'queue.csv').map(({ job }) => job));
  const starts = new Map<string, number>();
  for (const line of readFileSync(jobsOut, 'utf8').split('\n').slice(1)) {
    const [job = '', , start = '', , , , attempts] = line.split(',');
    if (start !== '' && attempts === '1') starts.set(job, Number(start));
  }
  const { rows, originMs } = readSacctDump(readFileSync(after, 'utf8'), 'after.txt');
  const differences = rows.flatMap(({ job, actualStartMs }) => {
    const start = starts.get(job);
    if (start === undefined || actualStartMs === null || queued.has(job)) return [];
    return [Math.abs(start - (actualStartMs + (originMs ?? 0) - queueMs) / 1000)];
  });
  return differences.toSorted((a, b) => a - b)[Math.floor(differences.length / 2)] ?? Number.NaN;
}

process.stdout.write(
  '| run | jobs of | number | mean wait, s | twin | difference |\n| --- | --- | --- | --- | --- | --- |\n',
);
const differences: number[] = [];
for (const recording of process.argv.slice(2)) {
  const scratch = mkdtempSync(join(tmpdir(), 'orrery-varied-'));
  const saved = join(scratch, 'out');
  await importCluster({ out: saved, saved: join(recording, 'saved'), days: 1 });
  const [after, jobsOut] = [join(recording, 'after.txt'), join(scratch, 'jobs.csv')];
  for (const [how, imported] of [
    ['', join(recording, 'out')],
    [' from text', saved],
  ] as const) {
    const recorded = predicted(imported, after, jobsOut);
    if (recorded === null) throw new Error(`${recording}: no job has a recorded start`);
    process.stdout.write(`${waitTable(`${basename(recording)}${how}`, recorded)}\n`);
    const seconds = medianStartDifference(imported, after, jobsOut);
    process.stderr.write(`${basename(recording)}${how}: starts differ by ${seconds} s in the median\n`);
    if (imported === saved && recorded.difference !== null) differences.push(recorded.difference);
  }
  rmSync(scratch, { recursive: true });
}
if (differences.length > 1) {
  const runs = differences.length;
  const mean = differences.reduce((sum, difference) => sum + difference, 0) / runs;
  const squares = differences.reduce((sum, difference) => sum + (difference - mean) ** 2, 0);
  const [said, error] = [mean, Math.sqrt(squares / (runs - 1) / runs)].map((share) => `${(share * 100).toFixed(1)} %`);
  process.stdout.write(`\nFrom text, mean difference of ${runs} runs: ${said}, standard error ${error}\n`);
}
