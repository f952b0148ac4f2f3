import { hostsIn } from './node-list.ts';

/** What ran when a pass of backfill began: where, and since when. */
export interface RunningJob {
  jobId: number;
  nodeIndices: readonly number[];
  startMs: number;
}

/** What slurmctld made of a job in a pass. */
export interface LoggedPlan {
  jobId: number;
  priority: number;
  /** To the second; null: not in sight. */
  start: number | null;
  nodeIndices: readonly number[];
}

/** A pass of sched/backfill as slurmctld's log tells it (`DebugFlags=Backfill`). */
export interface LoggedPass {
  beginMs: number;
  running: readonly RunningJob[];
  /** Jobs that had ended on nodes that were still being cleaned up: those nodes. */
  completing: readonly RunningJob[];
  /** How long before it a job had ended last: its nodes may still have been cleaned up, of which the log tells only sometimes. */
  sinceEndMs: number;
  /** When others were preempted for a job last. */
  roomMadeMs: ReadonlyMap<number, number>;
  /** When it looked at its first job, and when it started its last: that one runs from the second of its own start. */
  firstTestMs: number;
  lastStartMs: number;
  /** Of each job that it looked at, in turn. */
  plans: LoggedPlan[];
  /** It came to the end of the queue. */
  isComplete: boolean;
  tookMicroseconds: number;
}

/** A pass of the main scheduler as the log tells it. */
export interface LoggedMainPass extends Pick<LoggedPass, 'beginMs' | 'running' | 'completing' | 'sinceEndMs'> {
  /** Through the whole queue. */
  isFull: boolean;
  /** Who waited then, with the priority that the log told last. */
  waiting: readonly { jobId: number; priority: number }[];
  starts: { jobId: number; nodeIndices: readonly number[] }[];
}

export interface ControllerLog {
  passes: LoggedPass[];
  /** None of logs that do not tell. */
  mainPasses: LoggedMainPass[];
  /** Of each job that ended, its allocation and how long until its end was noted. */
  held: { jobId: number; startMs: number; heldMs: number }[];
  /** How long the controller had run at the second of the first submission, and at the submission itself. */
  ageSeconds: number;
  firstAgeSeconds: number;
  /** By how much later than its backfill its loop began: from its first pass; null where passes of the main scheduler were not kept. */
  loopDelaySeconds: number | null;
  /** Of each job, when it was submitted: Unix time. */
  submitMs: ReadonlyMap<number, number>;
  /** Of each job that was preempted, when, and until all of its nodes were clean. */
  kills: { atMs: number; tookMs: number }[];
  /** When the main scheduler began a pass; of logs that do not tell, when one started jobs. */
  mainPassesMs: readonly number[];
  /** Jobs of which an epilog was reported, which starts a pass at once (`DebugFlags=Route`). */
  promptEnds: ReadonlySet<number>;
}

const USED =
  /Running as primary|Running job scheduler|slurm_rpc_submit_batch_job|sched: Allocate|preempted JobId|_start_job: Started|_job_complete: .* done|epilog_complete: node_name|_attempt_backfill: beginning|test for JobId|to start at|end of job queue|completed testing/;

/** The lines of a log that are read here. */
export function usedLines(log: string): string {
  return log
    .split('\n')
    .filter((line) => USED.test(line))
    .join('\n');
}

/** Within this time of a job's end its nodes are clean. */
const CLEANING_MS = 1000;

export function readControllerLog(log: string): ControllerLog {
  const epilogs = readEpilogs(log);
  const roomMadeMs = new Map<number, number>();
  let completing: { job: RunningJob; endMs: number }[] = [];
  let lastEndMs = -Infinity;
  const ended = (jobId: number, endMs: number) => {
    lastEndMs = endMs;
    const job = running.get(jobId);
    if (job !== undefined && epilogs.has(jobId)) completing.push({ job, endMs });
    running.delete(jobId);
  };
  /** On which of its nodes the epilog is yet to be reported. */
  const remaining = ({ job, endMs }: (typeof completing)[number], atMs: number): RunningJob => {
    const reports = epilogs.get(job.jobId) ?? [];
    const late = reports.filter((report) => report.atMs > atMs && report.atMs < endMs + CLEANING_MS);
    const nodeIndices = job.nodeIndices.filter((index) => late.some((report) => report.nodeIndex === index));
    return { ...job, nodeIndices };
  };
  const running = new Map<number, RunningJob>();
  const held: ControllerLog['held'] = [];
  const submitMs = new Map<number, number>();
  const kills: ControllerLog['kills'] = [];
  const mainPasses: LoggedMainPass[] = [];
  const mainStartsMs: number[] = [];
  const priorities = new Map<number, number>();
  let [beganMs, firstMs] = [0, 0];
  const passes: LoggedPass[] = [];
  let pass: LoggedPass | null = null;
  const stateAt = (atMs: number) => {
    completing = completing.filter(({ endMs }) => endMs + CLEANING_MS > atMs);
    const left = completing.map((one) => remaining(one, atMs)).filter(({ nodeIndices }) => nodeIndices.length > 0);
    return { beginMs: atMs, sinceEndMs: atMs - lastEndMs, running: [...running.values()], completing: left };
  };
  for (const line of log.split('\n')) {
    const [, time = '', text = ''] = /^\[(\S+)\] (.*)/.exec(line) ?? [];
    const atMs = Date.parse(`${time}Z`);
    const jobId = Number(/JobId=(\d+)/.exec(text)?.[1]);
    if (text.includes('Running as primary')) beganMs = atMs;
    else if (text.includes('slurm_rpc_submit_batch_job')) {
      firstMs ||= atMs;
      submitMs.set(jobId, atMs);
      priorities.set(jobId, Number(/InitPrio=(\d+)/.exec(text)?.[1]));
    } else if (text.includes('Running job scheduler')) {
      const waiting = [...priorities].map(([id, priority]) => ({ jobId: id, priority }));
      mainPasses.push({ ...stateAt(atMs), isFull: text.includes('full queue'), waiting, starts: [] });
    } else if (text.includes('preempted JobId')) {
      roomMadeMs.set(Number(/for JobId=(\d+)/.exec(text)?.[1]), atMs);
      ended(jobId, atMs);
      const reports = (epilogs.get(jobId) ?? []).map((report) => report.atMs - atMs);
      const tookMs = Math.max(...reports.filter((afterMs) => afterMs >= 0 && afterMs < CLEANING_MS));
      if (tookMs >= 0) kills.push({ atMs, tookMs });
    } else if (text.includes('sched: Allocate') || text.includes('_start_job: Started')) {
      const nodeIndices = hostsIn(/(?:NodeList=| on )(\S+)/.exec(text)?.[1] ?? '');
      running.set(jobId, { jobId, nodeIndices, startMs: atMs });
      priorities.delete(jobId);
      if (text.includes('sched: Allocate')) {
        mainStartsMs.push(atMs);
        mainPasses.at(-1)?.starts.push({ jobId, nodeIndices });
      }
      if (pass !== null) {
        pass.lastStartMs = atMs;
        planOf(pass, jobId, { start: pass.beginMs, nodeIndices });
      }
    } else if (/_job_complete: .* done/.test(text)) {
      const startMs = running.get(jobId)?.startMs;
      if (startMs !== undefined) held.push({ jobId, startMs, heldMs: atMs - startMs });
      ended(jobId, atMs);
    } else if (text.includes('_attempt_backfill: beginning')) {
      pass = {
        ...stateAt(atMs),
        roomMadeMs: new Map(roomMadeMs),
        firstTestMs: atMs,
        lastStartMs: -Infinity,
        plans: [],
        isComplete: false,
        tookMicroseconds: 0,
      };
    } else if (pass === null) {
      // Nothing of a pass.
    } else if (text.includes('test for JobId')) {
      const priority = Number(/Prio=(\d+)/.exec(text)?.[1]);
      priorities.set(jobId, priority);
      if (pass.plans.length === 0) pass.firstTestMs = atMs;
      pass.plans.push({ jobId, priority, start: null, nodeIndices: [] });
    } else if (text.includes('to start at')) {
      const [, start = '', nodes = ''] = /to start at (\S+), .* on nodes (\S+)/.exec(text) ?? [];
      planOf(pass, jobId, { start: Date.parse(`${start}Z`), nodeIndices: hostsIn(nodes) });
    } else if (text.includes('end of job queue')) pass.isComplete = true;
    else if (text.includes('completed testing')) {
      pass.tookMicroseconds = Number(/usec=(\d+)/.exec(text)?.[1]);
      passes.push(pass);
      pass = null;
    }
  }
  const ageSeconds = Math.floor(firstMs / 1000) - beganMs / 1000;
  const firstAgeSeconds = (firstMs - beganMs) / 1000;
  const mainPassesMs = mainPasses.map(({ beginMs }) => beginMs);
  const [firstMainMs = null] = mainPassesMs;
  return {
    passes,
    mainPasses,
    held,
    ageSeconds,
    firstAgeSeconds,
    loopDelaySeconds: firstMainMs === null ? null : ((firstMainMs - beganMs) % 1000) / 1000,
    submitMs,
    kills,
    mainPassesMs: mainPassesMs.length > 0 ? mainPassesMs : mainStartsMs,
    promptEnds: new Set(epilogs.keys()),
  };
}

/** The reports of epilogs, by job. */
function readEpilogs(log: string): Map<number, { atMs: number; nodeIndex: number }[]> {
  const epilogs = new Map<number, { atMs: number; nodeIndex: number }[]>();
  for (const [, time = '', node = '', id = ''] of log.matchAll(
    /^\[(\S+)\] .*epilog_complete: node_name = (\w+), JobId=(\d+)/gm,
  )) {
    const report = { atMs: Date.parse(`${time}Z`), nodeIndex: hostsIn(node)[0] ?? -1 };
    const reports = epilogs.get(Number(id));
    if (reports === undefined) epilogs.set(Number(id), [report]);
    else reports.push(report);
  }
  return epilogs;
}

/**
 * Whether the log tells all that the pass went by: no job had ended within `cleaningMs` before it, whose nodes may still have been cleaned up, and what
 * it started it started in the second that it was in when it looked at its first job.
 */
export function isClean({ sinceEndMs, firstTestMs, lastStartMs }: LoggedPass, cleaningMs: number): boolean {
  return sinceEndMs >= cleaningMs && Math.floor(lastStartMs / 1000) <= Math.floor(firstTestMs / 1000);
}

function planOf(pass: LoggedPass, jobId: number, plan: Pick<LoggedPlan, 'start' | 'nodeIndices'>): void {
  const last = pass.plans.at(-1);
  if (last?.jobId === jobId) Object.assign(last, plan);
}
