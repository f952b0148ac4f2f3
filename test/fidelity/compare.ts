import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseSlurmConf } from '../../src/formats/slurm-conf.ts';
import { SLURM_CADENCE } from '../../src/formats/slurm-times.ts';
import type { CadencePolicy } from '../../src/scheduler/policy.ts';
import { runTwin } from '../../src/twin/engine.ts';
import type { Timing } from '../../src/twin/scenario.ts';
import { type TraceRow, traceJobs } from '../../src/twin/trace-source.ts';
import type { Observer } from '../../src/twin/types.ts';
import { RECORDED, type RecordedRow, readRecordedRows } from './recording.ts';

/** Measured on the machine of the recordings (docs/reference/fidelity.md): `sleep 7` took 7.04 s from its allocation to its end. */
export const SLURM_TIMING: Timing = { launchMs: 20, completeMs: 20, killMs: 50 };

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
}

export interface ComparisonOptions {
  cadence?: Partial<CadencePolicy>;
  /** By how much the twin's clock is ahead: what the phase of its timers does. */
  shiftMs?: number;
}

/** A recorded run and the same workload in the twin, with nodes and policy of the run's own slurm.conf. Starts are a job's last. */
export function compareRecording(name: string, options: ComparisonOptions = {}): ComparedStarts {
  const folder = join(RECORDED, name);
  const text = (file: string) => ({ name: file, text: readFileSync(join(folder, file), 'utf8') });
  const rows = readRecordedRows(readFileSync(join(folder, 'jobs.csv'), 'utf8'));
  const hasAccounting = rows.some(({ account }) => account !== null);
  const conf = parseSlurmConf({
    conf: text('slurm.conf'),
    ...(hasAccounting ? { qos: text('qos.txt'), associations: text('associations.txt') } : {}),
  });
  const first = rows.filter(({ attempt }) => attempt === 1);
  const epochSeconds = Math.min(...first.map(({ submitSeconds }) => submitSeconds));
  const shiftMs = 60_000 + (options.shiftMs ?? 0);
  const traceRows = first.map((row, index) => traceRowOf(row, index, epochSeconds, shiftMs));
  const policy = { ...conf.policy, cadence: { ...SLURM_CADENCE, ...conf.policy.cadence, ...options.cadence } };
  const { source, refused, nameOf } = traceJobs(traceRows, { nodes: conf.nodes, policy, isMemoryConsumed: false });
  if (refused.length > 0) throw new Error(`the twin refuses job ${refused[0]?.job}: ${refused[0]?.reason}`);
  const watch = new StartWatch(nameOf, conf.nodes.length, 8);
  runTwin({
    nodes: conf.nodes,
    policy,
    timing: SLURM_TIMING,
    jobs: source,
    incidents: null,
    operator: null,
    observers: [watch],
    untilMs: null,
  });
  const lastRow = new Map(rows.map((row) => [row.job, row]));
  const real: number[] = [];
  const twin: number[] = [];
  const differences: number[] = [];
  const starts: any[] = [];
  for (const row of first) {
    const started = watch.startMs.get(row.job);
    const last = lastRow.get(row.job);
    if (started === undefined || last === undefined) throw new Error(`job ${row.job} never started in the twin`);
    const realWait = last.startSeconds - row.submitSeconds;
    const twinWait = Math.floor((started - shiftMs) / 1000) - (row.submitSeconds - epochSeconds);
    real.push(realWait);
    twin.push(twinWait);
    differences.push(Math.abs(realWait - twinWait));
    starts.push({ job: row.job, submit: row.submitSeconds - epochSeconds, real: last.startSeconds - epochSeconds, twin: Math.floor((started - shiftMs) / 1000), nodes: row.nodes, gpus: row.gpusPerNode, limit: row.limitSeconds, run: row.runtimeSeconds });
  }
  const [realMean, twinMean] = [mean(real), mean(twin)];
  return {
    ...((options as any).keepStarts ? { starts } : {}),
    jobs: first.length,
    realMeanWaitSeconds: realMean,
    twinMeanWaitSeconds: twinMean,
    meanWaitDifference: (twinMean - realMean) / realMean,
    medianStartDifferenceSeconds: differences.toSorted((a, b) => a - b)[Math.floor(differences.length / 2)] ?? 0,
    realExtraAttempts: rows.length - first.length,
    twinExtraAttempts: watch.attempts - first.length,
    overAllocations: watch.overAllocations,
  };
}

/** The instant of a submission within its second is not recorded: the middle. */
function traceRowOf(row: RecordedRow, index: number, epochSeconds: number, shiftMs: number): TraceRow {
  return {
    line: index + 2,
    job: row.job,
    submitMs: (row.submitSeconds - epochSeconds) * 1000 + 500 + shiftMs,
    eligibleMs: null,
    actualStartMs: null,
    nodes: row.nodes,
    gpusPerNode: row.gpusPerNode,
    cpusPerNode: 1,
    memoryBytesPerNode: 0,
    gpuType: null,
    isExclusive: false,
    runMs: row.runtimeSeconds * 1000,
    limitMs: row.limitSeconds * 1000,
    user: row.user,
    account: row.account,
    qos: row.qos,
    partition: null,
    priority: 0,
    after: row.after === null ? [] : [{ condition: 'afterok', job: row.after }],
    outcome: 'COMPLETED',
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

if (process.argv[1] === import.meta.filename) {
  for (const name of process.argv.slice(2)) {
    for (const shiftMs of [0, 190, 410, 630, 850]) {
      const { meanWaitDifference, medianStartDifferenceSeconds, ...rest } = compareRecording(name, { shiftMs });
      const { realMeanWaitSeconds, twinMeanWaitSeconds, realExtraAttempts, twinExtraAttempts, overAllocations } = rest;
      process.stdout.write(
        `${name} +${shiftMs} ms: wait ${realMeanWaitSeconds.toFixed(2)} s real, ${twinMeanWaitSeconds.toFixed(2)} s twin ` +
          `(${(meanWaitDifference * 100).toFixed(1)} %); median start difference ${medianStartDifferenceSeconds} s; ` +
          `requeues ${realExtraAttempts} / ${twinExtraAttempts}; over-allocations ${overAllocations}\n`,
      );
    }
  }
}
