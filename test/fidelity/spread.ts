import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { epochOf, folderOf, readRecordedRows } from './recording.ts';

export interface Spread {
  meanWaitsSeconds: [number, number];
  medianStartDifferenceSeconds: number;
}

/** How far two recordings of the same workload are apart: what the real Slurm makes of chance. */
export function spreadOf(name: string, other: string): Spread {
  const [starts, others] = [startsOf(name), startsOf(other)];
  const differences = [...starts].map(([job, { startSeconds }]) =>
    Math.abs(startSeconds - (others.get(job)?.startSeconds ?? Number.NaN)),
  );
  const meanWait = (runs: typeof starts) =>
    [...runs.values()].reduce((sum, { waitSeconds }) => sum + waitSeconds, 0) / runs.size;
  return {
    meanWaitsSeconds: [meanWait(starts), meanWait(others)],
    medianStartDifferenceSeconds: differences.toSorted((a, b) => a - b)[Math.floor(differences.length / 2)] ?? 0,
  };
}

/** Last start of each job, after the first submission, and how long it waited for it. */
function startsOf(name: string): Map<string, { startSeconds: number; waitSeconds: number }> {
  const rows = readRecordedRows(readFileSync(join(folderOf(name), 'jobs.csv'), 'utf8'));
  const epochSeconds = epochOf(rows);
  const submitSeconds = new Map(rows.flatMap((row) => (row.attempt === 1 ? [[row.job, row.submitSeconds]] : [])));
  return new Map(
    rows.map(({ job, startSeconds }) => [
      job,
      { startSeconds: startSeconds - epochSeconds, waitSeconds: startSeconds - (submitSeconds.get(job) ?? Number.NaN) },
    ]),
  );
}

if (process.argv[1] === import.meta.filename) {
  const [name = '', ...others] = process.argv.slice(2);
  for (const other of others) {
    const { meanWaitsSeconds, medianStartDifferenceSeconds } = spreadOf(name, other);
    const waits = meanWaitsSeconds.map((seconds) => `${seconds.toFixed(1)} s`).join(' and ');
    process.stdout.write(
      `${name} and ${other}: mean waits ${waits}; median start difference ${medianStartDifferenceSeconds} s\n`,
    );
  }
}
