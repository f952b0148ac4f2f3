import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { collectSaved } from '../../src/backend/slurm/saved/collect.ts';
import { readSlurmSaved, snapshotOf } from '../../src/backend/slurm/saved/read-saved.ts';
import { readSacctDump } from '../../src/formats/sacct-dump.ts';
import { parseCivilMs } from '../../src/formats/trace-row.ts';
import { forecastStarts } from '../../src/twin/forecast.ts';
import { arrivalsOf } from '../../src/twin/past-arrivals.ts';
import { rowsFrom, runTimesOf } from '../../src/twin/snapshot.ts';
import { recordSite, saveTexts } from '../../test/slurm-import/record.ts';
import { ensureSlurmAccounting } from '../../test/support/slurm-cluster.ts';

const DRAWS = 50;
const HORIZON_MS = 3_600_000;
/** These clusters live for minutes. */
const ARRIVALS = { jobsMin: 50, spanMsMin: 60_000 };
/** As many jobs a second before the look as after it, and about as much work as the cluster can do. */
const STEADY_RUN = { before: 300, beforeSeconds: 120, after: 300, afterSeconds: 120, workSeconds: 250 };

/**
 * Of one job that waited when the cluster was looked at: seconds from then on, or the seconds until the last submission where that is sooner. Once nobody
 * submits anything more, jobs start that would have been overtaken, which a forecast for a cluster that goes on cannot know.
 */
interface Case {
  actual: number;
  low: number;
  median: number;
  high: number;
  /** `squeue`'s START_TIME; null where backfill has not planned it. */
  slurm: number | null;
}

/** Forecasts from what was saved in the midst of a recording, beside what happened. */
async function casesOf(recording: string): Promise<Case[]> {
  const { saved } = await collectSaved(join(recording, 'saved'));
  const imported = readSlurmSaved(saved);
  const { nowMs, queue, history } = imported;
  if (nowMs === null) throw new Error(`${recording}: nothing runs in squeue.txt`);
  const after = readSacctDump(readFileSync(join(recording, 'after.txt'), 'utf8'), 'after.txt');
  const shiftMs = (after.originMs ?? 0) - nowMs;
  const startOf = new Map(
    after.rows.map(({ job, actualStartMs }) => [job, actualStartMs === null ? null : actualStartMs + shiftMs]),
  );
  const lastSubmitMs = (after.rows.at(-1)?.submitMs ?? 0) + shiftMs;
  const planned = slurmEstimates(saved.squeue?.text ?? '', nowMs);
  // Times from now on, as those of the queue are.
  const past = rowsFrom(history?.rows ?? [], nowMs - (history?.originMs ?? 0));
  const runTimes = runTimesOf(past, queue);
  const forecasts = forecastStarts(snapshotOf(imported), {
    jobs: queue.filter(({ nodeNames }) => nodeNames === null).map(({ job }) => job),
    runTimes,
    arrivals: arrivalsOf(past, queue, runTimes, ARRIVALS),
    timing: imported.slurm.timing,
    draws: DRAWS,
    seed: 1,
    horizonMs: HORIZON_MS,
  });
  return forecasts.flatMap(({ job, lowMs, medianMs, highMs }) => {
    const actualMs = startOf.get(job) ?? null;
    if (actualMs === null) return [];
    const seconds = (ms: number) => Math.min(ms, lastSubmitMs) / 1000;
    const slurmMs = planned.get(job) ?? null;
    return [
      {
        actual: seconds(actualMs),
        low: seconds(lowMs),
        median: seconds(medianMs),
        high: seconds(highMs),
        slurm: slurmMs === null ? null : seconds(slurmMs),
      },
    ];
  });
}

/** START_TIME of jobs that wait, in ms from `nowMs` on. */
function slurmEstimates(squeue: string, nowMs: number): Map<string, number> {
  const [header = '', ...lines] = squeue.split('\n');
  const names = header.split('|').map((name) => name.trim());
  const at = (name: string) => names.indexOf(name);
  const found = new Map<string, number>();
  for (const line of lines) {
    const fields = line.split('|').map((field) => field.trim());
    const startMs = parseCivilMs(fields[at('START_TIME')] ?? '');
    if (fields[at('STATE')] !== 'PENDING' || startMs === undefined) continue;
    found.set(fields[at('JOBID')] ?? '', startMs - nowMs);
  }
  return found;
}

function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? Number.NaN;
}

/** One row: how far off whoever says it is. */
function row(name: string, who: string, cases: readonly Case[], estimateOf: (one: Case) => number): string {
  const errors = cases.map((one) => estimateOf(one) - one.actual);
  const sizes = errors.map(Math.abs);
  const mean = sizes.reduce((sum, size) => sum + size, 0) / sizes.length;
  const bias = errors.reduce((sum, error) => sum + error, 0) / errors.length;
  return `| ${[name, who, cases.length, mean.toFixed(1), median(sizes).toFixed(1), bias.toFixed(1)].join(' | ')} |`;
}

function report(name: string, cases: readonly Case[]): string[] {
  const planned = cases.filter(({ slurm }) => slurm !== null);
  const inside = cases.filter(({ actual, low, high }) => actual >= low - 1 && actual <= high + 1).length;
  const waits = cases.map(({ actual }) => actual);
  return [
    `${name}: ${cases.length} jobs waited; they started ${median(waits).toFixed(0)} s later in the median. The interval held ${((100 * inside) / cases.length).toFixed(0)} % of the starts (meant: 80 %).`,
    '',
    '| of | by | jobs | mean error, s | median error, s | bias, s |',
    '| --- | --- | --- | --- | --- | --- |',
    row('all that waited', 'the twin', cases, (one) => one.median),
    row('those Slurm has planned', 'the twin', planned, (one) => one.median),
    row('those Slurm has planned', 'Slurm', planned, (one) => one.slurm ?? 0),
    '',
  ];
}

/** Five minutes of a real Slurm. */
async function record(seed: number): Promise<string> {
  if (!ensureSlurmAccounting()) throw new Error('Slurm is not installed and cannot be: name folders of recordings');
  const folder = mkdtempSync(join(tmpdir(), `orrery-forecast-${seed}-`));
  process.stderr.write(`recording five minutes of a real Slurm, seed ${seed}, in ${folder}\n`);
  const { after } = await recordSite({ ...STEADY_RUN, seed }, (slurm) => saveTexts(join(folder, 'saved'), slurm));
  writeFileSync(join(folder, 'after.txt'), after);
  return folder;
}

// Seeds to record, or folders of recordings that are there.
const words = process.argv.slice(2);
const all: Case[] = [];
for (const word of words.length === 0 ? ['1'] : words) {
  const cases = await casesOf(/^\d+$/.test(word) ? await record(Number(word)) : word);
  all.push(...cases);
  process.stdout.write(`${report(/^\d+$/.test(word) ? `seed ${word}` : basename(word), cases).join('\n')}\n`);
}
if (words.length > 1) process.stdout.write(`${report('all', all).join('\n')}\n`);
