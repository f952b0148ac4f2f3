import { formatDuration } from '../lib/units.ts';
import { count, refusal, wanted } from './admission.ts';
import type { Held, JobRecord } from './job-record.ts';
import type { Ledger } from './ledger.ts';
import { isInService, stateOf } from './node-record.ts';
import { countWithRoom, placeGang } from './placement.ts';
import { shadowOf } from './shadow.ts';
import type { PendingReason } from './types.ts';

/** Why the job is pending, in Slurm's words. Derived anew each time, so it is never stale. */
export function reasonOf(ledger: Ledger, job: JobRecord): PendingReason {
  if (job.phase !== 'pending') return 'None';
  if (job.hold !== null) return job.hold === 'user' ? 'JobHeldUser' : 'launch failed requeued held';
  if (job.waitsFor.length > 0) {
    const isBroken = job.waitsFor.some((dependency) => ledger.dependencies.isBroken(dependency));
    return isBroken ? 'DependencyNeverSatisfied' : 'Dependency';
  }
  if (job.timerIndex >= 0) return 'BeginTime';
  if (job.isOverTime) return 'PartitionTimeLimit';
  const blocked = job.demand === null ? null : ledger.kinds.limits.blockedBy(job.kind.limits, job.demand);
  if (blocked !== null) return blocked.reason;
  if (job.claimed !== null) return 'Resources';
  const { pool, queue } = ledger;
  if (pool.countCapable(job, 'all') < job.request.nodes) return 'BadConstraints';
  if (pool.countCapable(job, 'inService') < job.request.nodes) return 'ReqNodeNotAvail';
  if (queue.head() !== job) return 'Priority';
  return placeGang(pool, job) === null ? 'Resources' : 'None';
}

/**
 * When the first job of the queue starts at the latest, if what runs ends no later than by its time limit and no job comes before it; null for all
 * others, where it can start now, and where no time limit bounds its wait.
 */
export function expectedStartMs(ledger: Ledger, job: JobRecord, nowMs: number): number | null {
  if (ledger.queue.head() !== job || placeGang(ledger.pool, job) !== null) return null;
  const { startMs } = shadowOf(ledger, job, nowMs);
  return startMs === Infinity ? null : startMs;
}

/** Sentences for people: what the job waits for, how much of it there is, who has the rest, and when it starts at the latest. */
export function explain(ledger: Ledger, jobId: number, expectedStartMs: number | null, nowMs: number): string[] {
  const job = ledger.find(jobId);
  if (job === undefined) {
    const state = ledger.outcomes.state(jobId);
    return [state === undefined ? `Job ${jobId} is unknown.` : `Job ${jobId} has ended: ${state}.`];
  }
  if (job.phase === 'over') return [`Job ${jobId}: attempt ${job.attempt} is over; the next cycle settles it.`];
  if (job.held !== null) return [explainRunning(ledger, job, job.held, nowMs)];
  const expected: string[] = [];
  if (expectedStartMs !== null) {
    const when =
      expectedStartMs <= nowMs
        ? 'as soon as what is being ended is gone'
        : `${untilText(expectedStartMs, nowMs)} at the latest`;
    expected.push(`Job ${jobId} is expected to start ${when}, by the time limits of what runs.`);
  }
  switch (reasonOf(ledger, job)) {
    case 'JobHeldUser':
      return [`Job ${jobId} is held. Release it: orrery release ${jobId}`];
    case 'launch failed requeued held':
      return [`Job ${jobId} is held because its last launch failed. Once the cause is mended: orrery release ${jobId}`];
    case 'Dependency':
    case 'DependencyNeverSatisfied':
      return job.waitsFor.map((dependency) => explainDependency(ledger, dependency));
    case 'BadConstraints':
      return [`Job ${jobId} can never start: ${refusal(ledger.pool, job) ?? 'no nodes fit'}.`];
    case 'ReqNodeNotAvail':
      return explainOutage(ledger, job);
    case 'Priority':
      return [...explainPriority(ledger, job, nowMs), ...expected];
    case 'Resources':
      return [...explainResources(ledger, job, nowMs), ...expected];
    case 'BeginTime':
      return [`Job ${jobId} may start ${untilText(job.eligibleMs, nowMs)}.`];
    case 'None':
      break;
    default:
      return [`Job ${jobId} waits for a limit: ${reasonOf(ledger, job)}.`];
  }
  return [`Job ${jobId} has all it needs and starts in the next cycle.`];
}

function explainRunning(ledger: Ledger, job: JobRecord, held: Held, nowMs: number): string {
  const nodeNames = list(held.nodeIndices.map((index) => ledger.pool.at(index).spec.name));
  const verb = job.isEnding
    ? `is being ended (${job.cause}) on`
    : job.phase === 'starting'
      ? 'is starting on'
      : 'runs on';
  const limit = job.deadlineMs === null ? '' : `; its time limit is ${untilText(job.deadlineMs, nowMs)}`;
  return `Job ${job.request.jobId} ${verb} ${nodeNames} as attempt ${job.attempt}${limit}.`;
}

function explainDependency(ledger: Ledger, dependency: JobRecord['waitsFor'][number]): string {
  const { condition, jobId } = dependency;
  const name = `${condition}:${jobId}`;
  if (ledger.dependencies.isBroken(dependency)) {
    const state = ledger.outcomes.state(jobId);
    return `${name} is never satisfied: job ${jobId} ended ${state}. Requeue it, or cancel this job.`;
  }
  const other = ledger.find(jobId);
  if (other === undefined) return `${name} waits for job ${jobId}, which nobody has submitted.`;
  const aim = condition === 'afterok' ? 'complete' : 'end';
  return `${name} waits for job ${jobId} to ${aim}; it is ${other.held === null ? 'pending' : 'running'}.`;
}

function explainOutage(ledger: Ledger, job: JobRecord): string[] {
  const { pool } = ledger;
  const out = pool.present().filter((node) => !isInService(node));
  const names = list(out.map((node) => `${node.spec.name} ${stateOf(node)}${node.reason ? ` (${node.reason})` : ''}`));
  const capable = pool.countCapable(job, 'inService');
  return [
    `Job ${job.request.jobId} asks for ${wanted(job.request)}; ${capable} such in service, even if all were free.`,
    `Out of service: ${names}.`,
  ];
}

function explainPriority(ledger: Ledger, job: JobRecord, nowMs: number): string[] {
  const head = ledger.queue.head();
  if (head === undefined) return [];
  const { jobId, priority } = job.request;
  const jobs = count(ledger.queue.ahead(job), 'job');
  const first = `the first is job ${head.request.jobId} with priority ${head.request.priority}`;
  return [
    `Job ${jobId} with priority ${priority} waits its turn: ${jobs} ahead of it, ${first}.`,
    ...(placeGang(ledger.pool, head) === null ? explainResources(ledger, head, nowMs) : []),
  ];
}

function explainResources(ledger: Ledger, job: JobRecord, nowMs: number): string[] {
  const { jobId } = job.request;
  const withRoom = countWithRoom(ledger.pool, job);
  const holders = new Set(
    ledger.pool.present().flatMap((node) => (isInService(node) ? node.jobs.map(({ request }) => request.jobId) : [])),
  );
  const sentences = [
    `Job ${jobId} asks for ${wanted(job.request)}; ${count(withRoom, 'node')} with that much free now.`,
    `The rest is held by ${count(holders.size, 'running job')}: ${list([...holders].sort((a, b) => a - b).map(String))}.`,
  ];
  const due = ledger.deadlines.peek();
  if (due !== undefined && due.deadlineMs !== null) {
    sentences.push(
      `The first of all time limits is that of job ${due.request.jobId}, ${untilText(due.deadlineMs, nowMs)}.`,
    );
  }
  return sentences;
}

function untilText(atMs: number, nowMs: number): string {
  return atMs <= nowMs ? 'reached' : `in ${formatDuration(atMs - nowMs)}`;
}

function list(names: readonly string[]): string {
  return names.length > 5 ? `${names.slice(0, 5).join(', ')} and ${names.length - 5} more` : names.join(', ');
}
