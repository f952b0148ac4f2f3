import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { readJobsCsv } from '../../src/formats/jobs-csv.ts';
import { parseSlurmConf } from '../../src/formats/slurm-conf.ts';
import { traceOptionsOf } from '../../src/formats/slurm-job-rules.ts';
import { SLURM_CADENCE } from '../../src/formats/slurm-times.ts';
import type { CadencePolicy } from '../../src/scheduler/policy.ts';
import { runTwin } from '../../src/twin/engine.ts';
import { traceJobs } from '../../src/twin/trace-source.ts';
import type { Observer } from '../../src/twin/types.ts';
import { folderOf, plainCsv, type RecordedRow, readRecordedRows } from './recording.ts';

export interface ComparedStarts {
  jobs: number;
  realMeanWaitSeconds: number;
  twinMeanWaitSeconds: number;
  /** (twin - real) / real. */
  meanWaitDifference: number;
  medianStartDifferenceSeconds: number;
  /** Attempts that ended before their job did: preempted ones. */
  realExtraAttempts: number;
  twinExtraAttempts: number;
  /** Instants and nodes at which the twin gave out more GPUs than there are. */
  overAllocations: number;
  /** Of every job the last, in seconds from the first submission on. */
  starts: readonly { job: string; realSeconds: number; twinSeconds: number }[];
}

/**
 * A recorded run and the same workload in the twin, with nodes and policy of the run's own slurm.conf: what `orrery sim --trace --slurm-conf`
 * makes of it. Starts are a job's last. `cadence`: in the place of what the slurm.conf comes to.
 */
export function compareRecording(name: string, cadence: Partial<CadencePolicy> = {}): ComparedStarts {
  const folder = folderOf(name);
  const text = (file: string) => ({ name: file, text: readFileSync(join(folder, file), 'utf8') });
  const rows = readRecordedRows(text('jobs.csv').text);
  const hasDumps = existsSync(join(folder, 'qos.txt'));
  const conf = parseSlurmConf({
    conf: text('slurm.conf'),
    ...(hasDumps && { qos: text('qos.txt'), associations: text('associations.txt') }),
  });
  const policy = { ...conf.policy, cadence: { ...SLURM_CADENCE, ...conf.policy.cadence, ...cadence } };
  const trace = readJobsCsv(plainCsv(rows), `${name}.csv`);
  const { source, refused, nameOf } = traceJobs(trace.rows, {
    nodes: conf.nodes,
    policy,
    ...traceOptionsOf(conf.rules),
  });
  if (refused.length > 0) throw new Error(`the twin refuses job ${refused[0]?.job}: ${refused[0]?.reason}`);
  const watch = new StartWatch(nameOf, conf.nodes.length, conf.nodes[0]?.resources.gpus ?? 0);
  runTwin({
    nodes: conf.nodes,
    policy,
    timing: conf.timing,
    jobs: source,
    incidents: null,
    operator: null,
    observers: [watch],
    untilMs: null,
  });
  return comparedStarts(rows, watch);
}

function comparedStarts(rows: readonly RecordedRow[], watch: StartWatch): ComparedStarts {
  const first = rows.filter(({ attempt }) => attempt === 1);
  const epochSeconds = Math.min(...first.map(({ submitSeconds }) => submitSeconds));
  const lastRow = new Map(rows.map((row) => [row.job, row]));
  const compared = first.map(({ job, submitSeconds }) => {
    const startedMs = watch.startMs.get(job);
    const last = lastRow.get(job);
    if (startedMs === undefined || last === undefined) throw new Error(`job ${job} never started in the twin`);
    const starts = { realSeconds: last.startSeconds - epochSeconds, twinSeconds: Math.floor(startedMs / 1000) };
    return { job, submitSeconds: submitSeconds - epochSeconds, ...starts };
  });
  const realMean = mean(compared.map(({ realSeconds, submitSeconds }) => realSeconds - submitSeconds));
  const twinMean = mean(compared.map(({ twinSeconds, submitSeconds }) => twinSeconds - submitSeconds));
  const differences = compared.map(({ realSeconds, twinSeconds }) => Math.abs(realSeconds - twinSeconds));
  return {
    jobs: first.length,
    realMeanWaitSeconds: realMean,
    twinMeanWaitSeconds: twinMean,
    meanWaitDifference: (twinMean - realMean) / realMean,
    medianStartDifferenceSeconds: differences.toSorted((a, b) => a - b)[Math.floor(differences.length / 2)] ?? 0,
    realExtraAttempts: rows.length - first.length,
    twinExtraAttempts: watch.attempts - first.length,
    overAllocations: watch.overAllocations,
    starts: compared.map(({ job, realSeconds, twinSeconds }) => ({ job, realSeconds, twinSeconds })),
  };
}

/** Last start of every job, and whether a node ever gave out more GPUs than it has. */
class StartWatch implements Observer {
  readonly startMs = new Map<string, number>();
  attempts = 0;
  overAllocations = 0;
  readonly #nameOf: (jobId: number) => string;
  readonly #taken: number[];
  readonly #gpusPerNode: number;

  constructor(nameOf: (jobId: number) => string, nodes: number, gpusPerNode: number) {
    this.#nameOf = nameOf;
    this.#taken = Array.from({ length: nodes }, () => 0);
    this.#gpusPerNode = gpusPerNode;
  }

  attemptStarted: NonNullable<Observer['attemptStarted']> = (job, _attempt, allocation, _queuedMs, atMs) => {
    this.attempts += 1;
    this.startMs.set(this.#nameOf(job.request.jobId), atMs);
    for (const index of allocation.nodeIndices) {
      this.#taken[index] = (this.#taken[index] ?? 0) + allocation.gpusPerNode;
      if ((this.#taken[index] ?? 0) > this.#gpusPerNode) this.overAllocations += 1;
    }
  };

  attemptEnded: NonNullable<Observer['attemptEnded']> = ({ allocation }) => {
    for (const index of allocation.nodeIndices) {
      this.#taken[index] = (this.#taken[index] ?? 0) - allocation.gpusPerNode;
    }
  };
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

/** Ages of the controller, as good as the default's: its timers are not part of a workload, and recorded ones were as old. */
export const CONTROLLER_AGES: readonly number[] = [0.5, 0, 0.25, 0.75, 1];

function tableRow(name: string): string {
  const runs = CONTROLLER_AGES.map((controllerAgeSeconds) => compareRecording(name, { controllerAgeSeconds }));
  const [run] = runs;
  if (run === undefined) throw new Error('there are no ages');
  const percents = runs.map(({ meanWaitDifference }) => meanWaitDifference * 100);
  const cells = [
    name,
    run.realMeanWaitSeconds.toFixed(1),
    run.twinMeanWaitSeconds.toFixed(1),
    `${percents[0]?.toFixed(1)} %`,
    `${Math.min(...percents).toFixed(1)} to ${Math.max(...percents).toFixed(1)} %`,
    `${run.medianStartDifferenceSeconds} s`,
    `${run.realExtraAttempts} / ${run.twinExtraAttempts}`,
    Math.max(...runs.map(({ overAllocations }) => overAllocations)),
  ];
  return `| ${cells.join(' | ')} |`;
}

if (process.argv[1] === import.meta.filename) {
  const names = process.argv.length > 2 ? process.argv.slice(2) : readdirSync(folderOf('.')).toSorted();
  process.stdout.write(
    '| recording | mean wait, s | twin | difference | other ages | median start difference | requeues | over-allocated |\n' +
      '| --- | --- | --- | --- | --- | --- | --- | --- |\n',
  );
  for (const name of names) process.stdout.write(`${tableRow(name)}\n`);
}
