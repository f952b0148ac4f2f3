import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { parseSlurmConf, type SlurmConf } from '../../src/formats/slurm-conf.ts';
import { ConservativePasses } from '../../src/scheduler/conservative.ts';
import type { DecisionSink } from '../../src/scheduler/core-types.ts';
import { Ledger } from '../../src/scheduler/ledger.ts';
import { holdNodes } from '../../src/scheduler/placement.ts';
import { completePolicy } from '../../src/scheduler/policy.ts';
import { Preemption } from '../../src/scheduler/preempting.ts';
import type { JobRequest } from '../../src/scheduler/types.ts';
import { type ControllerLog, isClean, type LoggedPass, readControllerLog } from './controller-log.ts';
import { folderOf, type RecordedRow, readRecordedRows } from './recording.ts';

export interface ReplayedPasses {
  passes: number;
  /** Jobs that were looked at, pass by pass, and of how many the twin says the same: same nodes, same start to a second. */
  plans: number;
  same: number;
  /** The same of clean passes alone. */
  clean: { passes: number; plans: number; same: number };
  /** The first few of which it does not. */
  differences: string[];
  /** What a pass took over how many nodes it looked at, in the median. */
  nodeTestMicroseconds: number;
}

const SHOWN_MAX = 10;

/** By then a job that ended has left nothing to clean up on its nodes, mostly: on a machine that plays all of them. */
const CLEAN_MS = 20;

/** A recording as its passes are made again. */
export interface LoggedRun {
  conf: SlurmConf;
  rows: ReadonlyMap<number, RecordedRow>;
  submitMs: ReadonlyMap<number, number>;
  log: ControllerLog;
}

export function readLoggedRun(name: string): LoggedRun {
  const folder = folderOf(name);
  const text = (file: string) => readFileSync(join(folder, file), 'utf8');
  const rows = new Map(readRecordedRows(text('jobs.csv')).map((row) => [Number(row.job), row]));
  const dump = (file: string) => ({ name: file, text: text(file) });
  const conf = parseSlurmConf({
    conf: dump('slurm.conf'),
    ...(existsSync(join(folder, 'qos.txt')) && { qos: dump('qos.txt'), associations: dump('associations.txt') }),
  });
  const log = readControllerLog(gunzipSync(readFileSync(join(folder, 'passes.log.gz'))).toString());
  return { conf, rows, submitMs: log.submitMs, log };
}

/** Every pass of backfill of a recorded controller, made again by the twin in the state that the controller was in. */
export function replayPasses(name: string): ReplayedPasses {
  const run = readLoggedRun(name);
  let plans = 0;
  const clean = { passes: 0, plans: 0, same: 0 };
  const differences: string[] = [];
  const costs: number[] = [];
  const { passes } = run.log;
  for (const pass of passes) {
    const { planned, nodeTests } = replay(pass, run);
    // A pass that is cut off has not finished with the last.
    const finished = pass.isComplete ? pass.plans : pass.plans.slice(0, -1);
    const differedBefore = differences.length;
    for (const { jobId, start, nodeIndices } of finished) {
      const twin = planned.get(jobId);
      const twinStart = twin?.start;
      const isSameStart =
        start === twinStart ||
        (start !== null && twinStart !== undefined && twinStart !== null && Math.abs(start - twinStart) <= 1000);
      if (isSameStart && nodeIndices.join() === (twin?.nodeIndices.join() ?? '')) continue;
      differences.push(
        `pass at ${pass.beginMs}, job ${jobId}: ${start} on ${nodeIndices.join()}, in the twin ${twinStart} on ${twin?.nodeIndices.join()}`,
      );
    }
    plans += finished.length;
    if (isClean(pass, CLEAN_MS)) {
      clean.passes += 1;
      clean.plans += finished.length;
      clean.same += finished.length - (differences.length - differedBefore);
    }
    if (pass.isComplete && nodeTests > 1000) costs.push(pass.tookMicroseconds / nodeTests);
  }
  const nodeTestMicroseconds = costs.toSorted((a, b) => a - b)[Math.floor(costs.length / 2)] ?? 0;
  const same = plans - differences.length;
  return {
    passes: passes.length,
    plans,
    same,
    clean,
    differences: differences.slice(0, SHOWN_MAX),
    nodeTestMicroseconds,
  };
}

/** The twin in the state that a controller was in: its policy, what holds nodes, and who waits with which priority. */
export function stateOf(
  pass: Pick<LoggedPass, 'running' | 'completing'>,
  waiting: readonly { jobId: number; priority: number }[],
  { conf, rows, submitMs }: LoggedRun,
) {
  // Without weights a priority is the job's own: here what the log says that it was.
  const policy = completePolicy({ ...conf.policy, priority: { type: 'multifactor' }, cadence: null });
  const ledger = new Ledger(policy);
  for (const node of conf.nodes) ledger.pool.add(node);
  const submit = (jobId: number, priority: number) =>
    ledger.submit(requestOf(jobId, priority, rows.get(jobId)), 0, submitMs.get(jobId) ?? 0);
  for (const { jobId, nodeIndices, startMs } of pass.running.toSorted((a, b) => a.startMs - b.startMs)) {
    const job = submit(jobId, 0);
    ledger.start(job, 1, holdNodes(ledger.pool, job, nodeIndices), startMs);
  }
  // As far as they still hold nodes.
  for (const { jobId, nodeIndices, startMs } of pass.completing) {
    const job = ledger.submit({ ...requestOf(-jobId, 0, rows.get(jobId)), nodes: nodeIndices.length }, 0, 0);
    ledger.start(job, 1, holdNodes(ledger.pool, job, nodeIndices), startMs);
    ledger.markEnding(job, 'CANCELLED');
  }
  return { policy, ledger, waiting: waiting.map(({ jobId, priority }) => submit(jobId, priority)) };
}

function replay(pass: LoggedPass, run: LoggedRun) {
  // Those behind the last that the controller looked at do not matter.
  const { policy, ledger, waiting } = stateOf(pass, pass.plans, run);
  const planned = new Map<number, { start: number | null; nodeIndices: readonly number[] }>();
  const passes = new ConservativePasses(ledger, policy, () => true);
  passes.onPlanned = (job, start, nodeIndices) => planned.set(job.request.jobId, { start, nodeIndices });
  if (policy.preempt.type !== 'none') {
    const preemption = new Preemption(ledger, policy, () => true);
    for (const job of waiting) preemption.roomMade(job, pass.roomMadeMs.get(job.request.jobId) ?? -Infinity);
    passes.preempt = {
      candidates: (job) => preemption.candidates(job, pass.firstTestMs),
      makeRoom: (job, usable) => preemption.makeRoom(job, usable, pass.firstTestMs, IGNORED),
    };
  }
  passes.beginBackfill(pass.firstTestMs);
  passes.resume(
    pass.firstTestMs,
    () => false,
    (job, nodeIndices) => {
      ledger.start(job, 1, holdNodes(ledger.pool, job, nodeIndices), pass.firstTestMs);
    },
  );
  return { planned, nodeTests: passes.testedNodes };
}

const IGNORED: DecisionSink = { startAttempt() {}, endAttempt() {}, requeueJob() {}, endJob() {} };

function requestOf(jobId: number, priority: number, row: RecordedRow | undefined): JobRequest {
  if (row === undefined) throw new Error(`job ${jobId} is not in the recording`);
  return {
    jobId,
    submitMs: 0,
    priority,
    nodes: row.nodes,
    perNode: { cpus: 1, memoryBytes: 0, gpus: row.gpusPerNode },
    gpuType: null,
    exclusive: false,
    timeLimitMs: row.limitSeconds * 1000,
    excludedNodes: [],
    maxRequeues: 0,
    dependencies: [],
    isHeld: false,
    ...(row.qos !== null && { qos: row.qos }),
    ...(row.user !== null && { user: row.user }),
    ...(row.account !== null && { account: row.account }),
    ...(row.partition !== null && { partition: row.partition }),
  };
}

if (process.argv[1] === import.meta.filename) {
  const names = process.argv.slice(2);
  const replays = names.map((name) => replayPasses(name));
  const say = (name: string, what: Pick<ReplayedPasses, 'passes' | 'plans' | 'same'>) =>
    process.stdout.write(
      `${name}: ${what.passes} passes looked at ${what.plans} jobs; the twin says the same of ${what.same} (${((what.same / what.plans) * 100).toFixed(2)} %)\n`,
    );
  const sum = (of: (replay: ReplayedPasses) => number) => replays.reduce((total, replay) => total + of(replay), 0);
  for (const [index, replay] of replays.entries()) {
    say(`${names[index]}, ${replay.nodeTestMicroseconds.toFixed(0)} microseconds a node`, replay);
    process.stdout.write(replay.differences.map((line) => `  ${line}\n`).join(''));
  }
  const [passes, plans, same] = [sum((one) => one.passes), sum((one) => one.plans), sum((one) => one.same)];
  say('all', { passes, plans, same });
  say('of them clean', {
    passes: sum(({ clean }) => clean.passes),
    plans: sum(({ clean }) => clean.plans),
    same: sum(({ clean }) => clean.same),
  });
}
