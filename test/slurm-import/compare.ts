import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { z } from 'zod';
import { importCluster } from '../../src/cli/slurm-import/import-cluster.ts';
import { loadScenario } from '../../src/cli/sim/load-scenario.ts';
import { ProgressBoard } from '../../src/cli/sim/run-progress.ts';
import { simulate } from '../../src/cli/sim/simulate.ts';
import { jobsCsvText, queueCsvText } from '../../src/formats/jobs-csv-text.ts';
import { readQueueCsv } from '../../src/formats/queue-csv.ts';
import { readSacctDump } from '../../src/formats/sacct-dump.ts';
import { parseCivilMs } from '../../src/formats/trace-row.ts';
import { laterJobs } from '../../src/twin/later-jobs.ts';
import type { RecordedWaits } from '../../src/twin/report.ts';
import type { TraceRow } from '../../src/twin/trace-row.ts';
import type { SiteRecord } from './record.ts';

/**
 * The twin goes on from an import, and is told only what nobody could foresee: when the next jobs are submitted, from the accounting of the whole
 * run, and how long jobs run. Returns the mean waits of the next jobs, the twin's beside Slurm's.
 */
export async function predictNext(
  imported: string,
  { after, runSeconds }: Omit<SiteRecord, 'log'>,
): Promise<RecordedWaits> {
  const folder = mkdtempSync(join(tmpdir(), 'orrery-next-'));
  try {
    const { queueTime = '', ...scenario } = await loadScenario(join(imported, 'now.yaml'));
    const { rows, open, originMs } = readSacctDump(after, 'after.txt');
    const exact = exactRuns(rows, runSeconds);
    const before = readQueueCsv(readFileSync(join(imported, 'queue.csv'), 'utf8'), 'queue.csv');
    const { queue, arrivals } = laterJobs(before, { rows: exact, open }, originMs ?? 0, parseCivilMs(queueTime) ?? 0);
    writeFileSync(join(folder, 'queue.csv'), queueCsvText(queue));
    writeFileSync(join(folder, 'next.csv'), jobsCsvText(arrivals));
    const fields = { ...scenario, queue: join(folder, 'queue.csv'), trace: join(folder, 'next.csv') };
    const { recorded } = await simulate({ fields, jobsOut: null }, new ProgressBoard());
    if (recorded === null) throw new Error('no job of the trace has a recorded start');
    return recorded;
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/**
 * How long the jobs ran, to a fraction of a second. Accounting knows whole seconds, which are right in the mean; how long each slept tells the fraction, but
 * for what Slurm takes to launch and to end it: a tenth of a second, and more where the machine does other things.
 */
function exactRuns(rows: readonly TraceRow[], runSeconds: SiteRecord['runSeconds']): TraceRow[] {
  const beyondMs = rows.flatMap(({ job, runMs }) => {
    const slept = runSeconds[job];
    return slept === undefined ? [] : [runMs - slept * 1000];
  });
  const meanBeyondMs = beyondMs.reduce((sum, ms) => sum + ms, 0) / beyondMs.length;
  return rows.map((row) => {
    const slept = runSeconds[row.job];
    return slept === undefined ? row : { ...row, runMs: Math.round(slept * 1000 + meanBeyondMs) };
  });
}

/** The same for what `record.ts` keeps. */
async function predictRecorded(recording: string): Promise<RecordedWaits> {
  const folder = mkdtempSync(join(tmpdir(), 'orrery-imported-'));
  try {
    const out = join(folder, 'out');
    await importCluster({ out, saved: join(recording, 'saved'), days: 1 });
    const runs = join(recording, 'runs.json');
    return await predictNext(out, {
      after: readFileSync(join(recording, 'after.txt'), 'utf8'),
      runSeconds: existsSync(runs)
        ? z.record(z.string(), z.number()).parse(JSON.parse(readFileSync(runs, 'utf8')))
        : {},
    });
  } finally {
    rmSync(folder, { recursive: true });
  }
}

export function waitTable(name: string, waits: RecordedWaits): string {
  const rows = [
    { label: 'all', ...waits },
    ...waits.byPartition.map((one) => ({ label: one.name, ...one })),
    ...waits.byQos.map((one) => ({ label: one.name, ...one })),
  ];
  return rows
    .map(({ label, jobs, recordedMeanSeconds, meanSeconds, difference }) => {
      const percent = difference === null ? '-' : `${(difference * 100).toFixed(1)} %`;
      return `| ${name} | ${label} | ${jobs} | ${recordedMeanSeconds.toFixed(1)} | ${meanSeconds.toFixed(1)} | ${percent} |`;
    })
    .join('\n');
}

if (process.argv[1] === import.meta.filename) {
  process.stdout.write(
    '| run | jobs of | number | mean wait, s | twin | difference |\n| --- | --- | --- | --- | --- | --- |\n',
  );
  for (const recording of process.argv.slice(2)) {
    process.stdout.write(`${waitTable(basename(recording), await predictRecorded(recording))}\n`);
  }
}
