import type { JournalRecord } from '../contract/journal.ts';
import { assert, definite } from '../lib/assert.ts';
import type { SchedulerEvent } from '../scheduler/types.ts';
import type { AttemptRow, JobEntry, JobRow } from './job-row.ts';
import { waitRuleOf } from './waits.ts';

type EventOf<Kind extends SchedulerEvent['kind']> = Extract<SchedulerEvent, { kind: Kind }>;

/** What the reducer asks beside the job's own row. */
export interface Surroundings {
  /** The partitions that the job names, as it was submitted; null: the default one. */
  partitionOf(job: JobRow): string | null;
  /** Since when nothing that the job waits for keeps it, milliseconds since the epoch; null while something does. */
  metMs(job: JobRow): number | null;
}

/** The row of a job that was just accepted. `seq` is the journal record's. */
export function acceptJob(event: EventOf<'JobSubmitted'>, record: JournalRecord, seq: number): JobEntry {
  const { job } = event;
  const { spec } = definite(record.accepted, `job ${job.jobId} was journalled without what was submitted`);
  return {
    job: {
      jobId: job.jobId,
      acceptedSeq: seq,
      name: spec.name ?? 'job',
      account: job.account ?? spec.account ?? 'default',
      qos: job.qos ?? spec.qos,
      user: job.user ?? 'default',
      partition: job.partition ?? null,
      array: job.array?.taskId === undefined ? null : { id: job.array.id, taskId: job.array.taskId },
      nodes: job.nodes,
      gpusPerNode: job.perNode.gpus,
      cpusPerNode: job.perNode.cpus,
      dependencies: job.dependencies.map((dependency) => dependency.jobId),
      waitRule: waitRuleOf(job),
      submitMs: job.submitMs,
      state: 'PENDING',
      isEnded: false,
      exitCode: null,
      attempt: 0,
      requeues: 0,
      isHeld: job.isHeld,
      nodeList: [],
      startMs: null,
      endMs: null,
      queuedSinceMs: job.isHeld ? null : Math.max(event.atMs, job.beginMs ?? 0),
      queuedMs: 0,
    },
    attempt: null,
  };
}

/**
 * Brings a job's row, and that of its current attempt, up to date with one event. Changes them in place. A job's row shows an end state
 * only from JobEnded on: between an attempt's end and the decision about the job it is COMPLETING.
 */
export function reduceJob(entry: JobEntry, event: SchedulerEvent, message: string | null, around: Surroundings): void {
  const { job } = entry;
  switch (event.kind) {
    case 'JobSubmitted':
      assert(job.isEnded, `job ${job.jobId} was submitted twice`);
      job.isEnded = false;
      job.exitCode = null;
      job.endMs = null;
      job.requeues = 0;
      job.partition = event.job.partition ?? null;
      return enqueue(job, event.job.isHeld, event.atMs);
    case 'JobHeld':
      job.isHeld = true;
      return leaveQueue(job, event.atMs, around);
    case 'JobReleased':
      if (job.state === 'PENDING') return enqueue(job, false, event.atMs);
      job.isHeld = false;
      return undefined;
    case 'AttemptStarting':
      job.partition = event.partition ?? job.partition;
      entry.attempt = allocate(job, event);
      return leaveQueue(job, event.atMs, around);
    case 'AttemptEnding':
      job.state = 'COMPLETING';
      if (entry.attempt) entry.attempt.state = 'COMPLETING';
      return undefined;
    case 'AttemptEnded':
      job.state = 'COMPLETING';
      return endAttempt(entry, event.attempt, {
        state: event.state,
        endMs: event.atMs,
        exitCode: event.exitCode,
        message,
      });
    case 'LaunchFailed':
      endAttempt(entry, event.attempt, {
        state: 'FAILED',
        endMs: event.atMs,
        exitCode: null,
        message: message ?? event.message,
      });
      job.partition = around.partitionOf(job);
      return enqueue(job, !event.isRetryable, event.atMs);
    case 'JobRequeued':
      job.requeues = event.requeues;
      job.partition = event.partition ?? job.partition;
      return enqueue(job, event.isHeld, event.atMs);
    case 'JobEnded':
      leaveQueue(job, event.atMs, around);
      job.state = event.state;
      job.isEnded = true;
      job.exitCode = event.exitCode;
      job.endMs = event.atMs;
      return undefined;
    default:
      return undefined;
  }
}

/** Milliseconds of eligible waiting up to `nowMs`: in the queue, not held, dependencies ended. */
export function eligibleMs(job: JobRow, nowMs: number, around: Surroundings): number {
  if (job.queuedSinceMs === null) return job.queuedMs;
  const dependenciesMs = job.dependencies.length === 0 ? 0 : around.metMs(job);
  if (dependenciesMs === null) return job.queuedMs;
  return job.queuedMs + Math.max(0, nowMs - Math.max(job.queuedSinceMs, dependenciesMs));
}

function enqueue(job: JobRow, isHeld: boolean, atMs: number): void {
  job.state = 'PENDING';
  job.nodeList = [];
  job.isHeld = isHeld;
  job.queuedSinceMs = isHeld ? null : (job.queuedSinceMs ?? atMs);
}

function leaveQueue(job: JobRow, atMs: number, around: Surroundings): void {
  job.queuedMs = eligibleMs(job, atMs, around);
  job.queuedSinceMs = null;
}

function allocate(job: JobRow, { attempt, placement, atMs }: EventOf<'AttemptStarting'>): AttemptRow {
  const nodeList = placement.map((allocation) => allocation.nodeName);
  job.state = 'RUNNING';
  job.attempt = attempt;
  job.nodeList = nodeList;
  job.startMs = atMs;
  return {
    jobId: job.jobId,
    attempt,
    nodeList,
    cpus: placement.reduce((sum, allocation) => sum + allocation.resources.cpus, 0),
    gpus: placement.reduce((sum, allocation) => sum + allocation.resources.gpus, 0),
    startMs: atMs,
    state: 'RUNNING',
    endMs: null,
    exitCode: null,
    message: null,
  };
}

function endAttempt(
  { job, attempt }: JobEntry,
  attemptNumber: number,
  end: Pick<AttemptRow, 'state' | 'endMs' | 'exitCode' | 'message'>,
): void {
  assert(
    attempt?.attempt === attemptNumber,
    `attempt ${attemptNumber} of job ${job.jobId} ended and was never started`,
  );
  Object.assign(attempt, end);
}
