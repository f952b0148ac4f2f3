import { join } from 'node:path';
import { definite } from '../../src/lib/assert.ts';
import { type EasyJob, easyStarts, meanWait } from './leaky-easy.ts';
import { type MeasuredCommand, measureCommand } from './measured-command.ts';
import { readTraceRows, TRACE_NODES } from './trace.ts';
import { easyJobs, runTrace } from './trace-run.ts';

/** The one that other simulators were timed on. */
const TIMED = 's100k';
const TRACES = ['s10k', 'x10k', TIMED] as const;

export interface EasySpeed {
  jobs: number;
  /** Jobs per CPU second of the engine, the first time in the process and after that. */
  coldPerSecond: number;
  warmPerSecond: number;
  /** Of the plain EASY, likewise after its first time. */
  plainPerSecond: number;
  command: Omit<MeasuredCommand, 'stdout'>;
}

export interface MeanWaits {
  trace: string;
  /** With the scheduler's limit on jobs tried for backfill, and without. */
  seconds: number;
  unlimitedSeconds: number;
  /** Of the plain EASY, candidates judged by their requested times and by the true ones. */
  plainSeconds: number;
  leakySeconds: number;
}

export async function measureEasy(folder: string, rounds: number): Promise<EasySpeed> {
  const rows = readTraceRows(folder, TIMED);
  const jobs = easyJobs(rows);
  const perSecond: number[] = [];
  const plain: number[] = [];
  for (let round = 0; round <= rounds; round++) {
    const run = runTrace(rows);
    perSecond.push(run.jobs / run.cpuSeconds);
    const before = process.cpuUsage();
    easyStarts(jobs, TRACE_NODES, ({ limit }) => limit);
    const { user, system } = process.cpuUsage(before);
    plain.push(jobs.length / ((user + system) / 1e6));
  }
  const file = join(folder, `${TIMED}.swf.gz`);
  const { stdout: _, ...command } = await measureCommand(['sim', '--trace', file, '--set', `nodes=${TRACE_NODES}`]);
  return {
    jobs: rows.length,
    coldPerSecond: definite(perSecond[0], 'it ran'),
    warmPerSecond: median(perSecond.slice(1)),
    plainPerSecond: median(plain.slice(1)),
    command,
  };
}

export function measureWaits(folder: string): MeanWaits[] {
  return TRACES.map((trace) => {
    const rows = readTraceRows(folder, trace);
    const jobs = easyJobs(rows);
    const plainWait = (judge: (job: EasyJob) => number) => meanWait(jobs, easyStarts(jobs, TRACE_NODES, judge));
    return {
      trace,
      seconds: runTrace(rows).meanWaitSeconds,
      unlimitedSeconds: runTrace(rows, { bfMaxJobTest: rows.length }).meanWaitSeconds,
      plainSeconds: plainWait(({ limit }) => limit),
      leakySeconds: plainWait(({ run }) => run),
    };
  });
}

function median(values: readonly number[]): number {
  return definite(values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)], 'something was measured');
}
