import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { readJobsCsv } from '../../src/formats/jobs-csv.ts';
import { parseSlurmConf, type SlurmConf } from '../../src/formats/slurm-conf.ts';
import { SLURM_CADENCE, SLURM_LIMIT_STEP_MS } from '../../src/formats/slurm-times.ts';
import { runTwin } from '../../src/twin/engine.ts';
import { traceJobs } from '../../src/twin/trace-source.ts';
import type { Observer } from '../../src/twin/types.ts';
import { type ControllerLog, readControllerLog } from './controller-log.ts';
import { epochOf, folderOf, plainCsv, type RecordedRow, readRecordedRows } from './recording.ts';

export interface ComparedStarts {
  jobs: number;
  realMeanWaitSeconds: number;
  twinMeanWaitSeconds: number;
  /** (twin - real) / real. */
  meanWaitDifference: number;
  medianStartDifferenceSeconds: number;
  /** Until then, after the first submission, each job started within a second of when it did; the last start where all did. */
  sameUntilSeconds: number;
  /** Attempts that ended before their job did: preempted ones. */
  realExtraAttempts: number;
  twinExtraAttempts: number;
  /** Instants and nodes at which the twin gave out more GPUs than there are. */
  overAllocations: number;
  /** Of every job the last, in seconds from the first submission on. */
  starts: readonly { job: string; realSeconds: number; twinSeconds: number }[];
}

export interface CompareOptions {
  /**
   * `log`: jobs are submitted at the millisecond at which they were, to a controller that was started when the recorded one was. `records`: to the
   * second, as in a trace of Slurm's accounting, to one that is as old as the default's.
   */
  inputs: 'log' | 'records';
  /** The controller was started so much earlier. */
  nudgeSeconds: number;
}

/**
 * A recorded run and the same workload in the twin, with nodes and policy of the run's own slurm.conf: what `orrery sim --trace --slurm-conf`
 * makes of it. Starts are a job's last.
 */
export function compareRecording(
  name: string,
  { inputs = 'log', nudgeSeconds = 0 }: Partial<CompareOptions> = {},
): ComparedStarts {
  const { rows, conf, log } = loadRecording(name);
  const cadence = { ...SLURM_CADENCE, ...conf.policy.cadence, originSeconds: epochOf(rows) };
  if (inputs === 'log') {
    cadence.controllerAgeSeconds = log.firstAgeSeconds;
    if (log.loopDelaySeconds !== null) cadence.loopDelaySeconds = log.loopDelaySeconds;
  }
  cadence.controllerAgeSeconds += nudgeSeconds;
  const policy = { ...conf.policy, cadence };
  const trace = readJobsCsv(plainCsv(rows, inputs === 'log' ? log.submitMs : undefined), `${name}.csv`);
  const { source, refused, nameOf } = traceJobs(trace.rows, {
    nodes: conf.nodes,
    policy,
    isExclusive: conf.isWholeNode,
    exclusivePartitions: conf.exclusivePartitions,
    isMemoryConsumed: conf.isMemoryConsumed,
    defaultAsk: conf.defaultAsk,
    limitStepMs: SLURM_LIMIT_STEP_MS,
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

interface LoadedRecording {
  rows: readonly RecordedRow[];
  conf: SlurmConf;
  log: ControllerLog;
}

const loaded = new Map<string, LoadedRecording>();

function loadRecording(name: string): LoadedRecording {
  const before = loaded.get(name);
  if (before !== undefined) return before;
  const folder = folderOf(name);
  const text = (file: string) => ({ name: file, text: readFileSync(join(folder, file), 'utf8') });
  const hasDumps = existsSync(join(folder, 'qos.txt'));
  const recording = {
    rows: readRecordedRows(text('jobs.csv').text),
    conf: parseSlurmConf({
      conf: text('slurm.conf'),
      ...(hasDumps && { qos: text('qos.txt'), associations: text('associations.txt') }),
    }),
    log: readControllerLog(gunzipSync(readFileSync(join(folder, 'passes.log.gz'))).toString()),
  };
  loaded.set(name, recording);
  return recording;
}

function comparedStarts(rows: readonly RecordedRow[], watch: StartWatch): ComparedStarts {
  const first = rows.filter(({ attempt }) => attempt === 1);
  const epochSeconds = epochOf(rows);
  const lastRow = new Map(rows.map((row) => [row.job, row]));
  const starts = first.map(({ job, submitSeconds }) => {
    const startedMs = watch.startMs.get(job);
    const last = lastRow.get(job);
    if (startedMs === undefined || last === undefined) throw new Error(`job ${job} never started in the twin`);
    const both = { realSeconds: last.startSeconds - epochSeconds, twinSeconds: Math.floor(startedMs / 1000) };
    return { job, submitSeconds: submitSeconds - epochSeconds, ...both };
  });
  const realMean = mean(starts.map(({ realSeconds, submitSeconds }) => realSeconds - submitSeconds));
  const twinMean = mean(starts.map(({ twinSeconds, submitSeconds }) => twinSeconds - submitSeconds));
  const differences = starts.map(({ realSeconds, twinSeconds }) => Math.abs(realSeconds - twinSeconds));
  return {
    jobs: first.length,
    realMeanWaitSeconds: realMean,
    twinMeanWaitSeconds: twinMean,
    meanWaitDifference: (twinMean - realMean) / realMean,
    medianStartDifferenceSeconds: differences.toSorted((a, b) => a - b)[Math.floor(differences.length / 2)] ?? 0,
    sameUntilSeconds: sameUntil(starts),
    realExtraAttempts: rows.length - first.length,
    twinExtraAttempts: watch.attempts - first.length,
    overAllocations: watch.overAllocations,
    starts: starts.map(({ job, realSeconds, twinSeconds }) => ({ job, realSeconds, twinSeconds })),
  };
}

function sameUntil(starts: readonly { realSeconds: number; twinSeconds: number }[]): number {
  const apart = starts.filter(({ realSeconds, twinSeconds }) => Math.abs(realSeconds - twinSeconds) > 1);
  if (apart.length === 0) return Math.max(...starts.map(({ realSeconds }) => realSeconds));
  return Math.min(...apart.map(({ realSeconds, twinSeconds }) => Math.min(realSeconds, twinSeconds)));
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

/** The controller was started so much earlier, the timers of all else with it: its passes meet the jobs at other instants, as by chance. */
const NUDGES: readonly number[] = [0, -0.4, -0.3, -0.2, -0.1, 0.1, 0.2, 0.3, 0.4, 0.5];

const compared = new Map<string, readonly ComparedStarts[]>();

/** The same run a few times over: first as it was, then as by another chance. */
export function compareOften(name: string, inputs: CompareOptions['inputs'] = 'log'): readonly ComparedStarts[] {
  const key = `${inputs} ${name}`;
  const runs = compared.get(key) ?? NUDGES.map((nudgeSeconds) => compareRecording(name, { inputs, nudgeSeconds }));
  compared.set(key, runs);
  return runs;
}

/** Real runs of one workload, and what the twin makes of them. */
export interface ComparedWorkload {
  runs: number;
  realMeanWaitsSeconds: readonly number[];
  /** Of each real run some, by chance. */
  twinMeanWaitsSeconds: readonly number[];
  /** Of the means of these. */
  meanWaitDifference: number;
  /**
   * Standard error of the difference. As few real runs say little of how far they are apart, they are taken to be as far apart as the twin's are, if
   * they do not happen to be farther.
   */
  standardError: number;
}

/** Recordings of the same workload are called alike, up to a last letter. */
export function workloadOf(name: string): string {
  return name.replace(/(?<=\d)[a-z]$/, '');
}

/** Recordings of the same case are called alike, up to the seed. */
export function kindOf(name: string): string {
  return workloadOf(name).replace(/-\d+$/, '');
}

/** Of some recordings the mean difference, and its standard error: what is left where chance evens out. */
export function meanDifference(names: readonly string[]): { mean: number; standardError: number } {
  const differences = names.map((name) => compareOften(name)[0]?.meanWaitDifference ?? Number.NaN);
  return { mean: mean(differences), standardError: Math.sqrt(varianceOf(differences) / differences.length) };
}

export function compareWorkload(names: readonly string[]): ComparedWorkload {
  const often = names.map((name) => compareOften(name));
  const real = often.map(([run]) => run?.realMeanWaitSeconds ?? Number.NaN);
  const twin = often.flatMap((runs) => runs.map(({ twinMeanWaitSeconds }) => twinMeanWaitSeconds));
  const variance = varianceOf(twin);
  const realVariance = Math.max(variance, real.length > 1 ? varianceOf(real) : 0);
  return {
    runs: names.length,
    realMeanWaitsSeconds: real,
    twinMeanWaitsSeconds: twin,
    meanWaitDifference: mean(twin) / mean(real) - 1,
    standardError: Math.sqrt(realVariance / real.length + variance / twin.length) / mean(real),
  };
}

function varianceOf(values: readonly number[]): number {
  const center = mean(values);
  return values.reduce((sum, value) => sum + (value - center) ** 2, 0) / (values.length - 1);
}

const percent = (share: number) => `${(share * 100).toFixed(1)} %`;
const seconds = (value: number) => value.toFixed(1);
const spreadOf = (values: readonly number[]) =>
  `${(mean(values) * 100).toFixed(1)} ± ${(Math.sqrt(varianceOf(values)) * 100).toFixed(1)} %`;

function recordingRow(name: string): string {
  const runs = compareOften(name);
  const [run] = runs;
  if (run === undefined) throw new Error('there are no runs');
  const differences = (some: readonly ComparedStarts[]) => some.map((one) => one.meanWaitDifference);
  const cells = [
    basename(name),
    seconds(run.realMeanWaitSeconds),
    seconds(run.twinMeanWaitSeconds),
    percent(run.meanWaitDifference),
    spreadOf(differences(runs)),
    spreadOf(differences(compareOften(name, 'records'))),
    `${run.medianStartDifferenceSeconds} s`,
    `${run.sameUntilSeconds} s`,
    `${run.realExtraAttempts} / ${run.twinExtraAttempts}`,
    Math.max(...runs.map(({ overAllocations }) => overAllocations)),
  ];
  return `| ${cells.join(' | ')} |`;
}

function workloadRow(workload: string, names: readonly string[]): string {
  const { realMeanWaitsSeconds, twinMeanWaitsSeconds, meanWaitDifference, standardError } = compareWorkload(names);
  const cells = [
    basename(workload),
    realMeanWaitsSeconds.map(seconds).join(', '),
    seconds(mean(realMeanWaitsSeconds)),
    `${seconds(mean(twinMeanWaitsSeconds))} ± ${seconds(Math.sqrt(varianceOf(twinMeanWaitsSeconds)))}`,
    percent(meanWaitDifference),
    percent(standardError),
  ];
  return `| ${cells.join(' | ')} |`;
}

if (process.argv[1] === import.meta.filename) {
  const names = process.argv.length > 2 ? process.argv.slice(2) : readdirSync(folderOf('.')).toSorted();
  process.stdout.write(
    '| recording | mean wait, s | twin | difference | by other chances | from records alone | median start difference | same until | requeues | over-allocated |\n' +
      '| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |\n',
  );
  for (const name of names) process.stdout.write(`${recordingRow(name)}\n`);
  process.stdout.write(
    '\n| workload | real mean waits, s | mean | twin | difference | standard error |\n| --- | --- | --- | --- | --- | --- |\n',
  );
  for (const [workload, runs] of Map.groupBy(names, workloadOf)) {
    if (runs.length > 1) process.stdout.write(`${workloadRow(workload, runs)}\n`);
  }
  process.stdout.write('\n| case | recordings | mean difference | standard error |\n| --- | --- | --- | --- |\n');
  for (const [kind, runs] of Map.groupBy(names, kindOf)) {
    const { mean: difference, standardError } = meanDifference(runs);
    if (runs.length > 1) {
      const cells = [basename(kind), runs.length, percent(difference), percent(standardError)];
      process.stdout.write(`| ${cells.join(' | ')} |\n`);
    }
  }
}
