import { formatDuration } from '../lib/units.ts';
import { count, refusal, wanted } from './admission.ts';
import { explainDependencies } from './dependency-words.ts';
import type { Held, JobRecord } from './job-record.ts';
import type { Ledger } from './ledger.ts';
import { isInService, stateOf } from './node-record.ts';
import { countWithRoom, placeGang } from './placement.ts';
import { excessMend, excessText, isPartitionExcess } from './partition-limits.ts';
import { priorityParts } from './priority-parts.ts';
import { shadowOf } from './shadow.ts';
import type { PendingReason } from './pending-reason.ts';

/** Why the job is pending, in Slurm's words. Derived anew each time, so it is never stale. */
export function reasonOf(ledger: Ledger, job: JobRecord): PendingReason {
  if (job.phase !== 'pending') return 'None';
  if (job.hold !== null) return job.hold === 'user' ? 'JobHeldUser' : 'launch failed requeued held';
  if (job.waitsFor.length > 0) {
    return ledger.dependencies.isNever(job) ? 'DependencyNeverSatisfied' : 'Dependency';
  }
  if (job.timerIndex >= 0) return 'BeginTime';
  if (job.entries !== null) return reasonOfSeveral(ledger, job.entries);
  if (job.excess !== null) return job.excess;
  const blocked = job.demand === null ? null : ledger.kinds.limits.blockedBy(job.kind.limits, job.demand);
  if (blocked !== null) return blocked.reason;
  if (job.isOutsideReservation && job.request.reservation !== undefined) return 'Reservation';
  if (job.claimed !== null) return 'Resources';
  const { pool, queue } = ledger;
  if (pool.countCapable(job, 'all') < job.request.nodes) return 'BadConstraints';
  if (pool.countCapable(job, 'inService') < job.request.nodes) return 'ReqNodeNotAvail';
  if (queue.head() !== job) return 'Priority';
  return placeGang(pool, job) === null ? 'Resources' : 'None';
}

const NOT_TAKEN: readonly PendingReason[] = ['QOSNotAllowed', 'AccountNotAllowed'];
const NEVER_THERE: readonly PendingReason[] = [
  ...NOT_TAKEN,
  'PartitionNodeLimit',
  'PartitionTimeLimit',
  'BadConstraints',
];

/**
 * Of a job that may run in several partitions: as Slurm looks at it in each in turn, and the last word holds, but that it waits for its turn is said only
 * where there is nothing else to say. Partitions in which it never starts count only where it starts in none; of those, whom they take counts first.
 */
function reasonOfSeveral(ledger: Ledger, entries: readonly JobRecord[]): PendingReason {
  if (entries.some(({ claimed }) => claimed !== null)) return 'Resources';
  const reasons = ledger.queue.inTurn(entries).map((entry) => reasonOf(ledger, entry));
  const open = reasons.filter((reason) => !NEVER_THERE.includes(reason));
  if (open.length > 0) return open.findLast((reason) => reason !== 'Priority') ?? 'Priority';
  const notTaken = reasons.findLast((reason) => NOT_TAKEN.includes(reason));
  return notTaken ?? entries.findLast(({ excess }) => excess !== null)?.excess ?? 'BadConstraints';
}

/**
 * When the first job of the queue starts at the latest, if what runs ends no later than by its time limit and no job comes before it; null for all
 * others, where it can start now, and where no time limit bounds its wait.
 */
export function expectedStartMs(ledger: Ledger, job: JobRecord, nowMs: number): number | null {
  if (job.entries !== null && job.phase === 'pending') {
    const starts = job.entries.flatMap((entry) => expectedStartMs(ledger, entry, nowMs) ?? []);
    return starts.length === 0 ? null : Math.min(...starts);
  }
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
  const name = nameOf(job);
  if (job.phase === 'over') return [`Job ${name}: attempt ${job.attempt} is over; the next cycle settles it.`];
  if (job.held !== null) return [explainRunning(ledger, job, job.held, nowMs)];
  const expected: string[] = [];
  if (expectedStartMs !== null) {
    const when =
      expectedStartMs <= nowMs
        ? 'as soon as what is being ended is gone'
        : `${untilText(expectedStartMs, nowMs)} at the latest`;
    expected.push(`Job ${name} is expected to start ${when}, by the time limits of what runs.`);
  }
  const reason = reasonOf(ledger, job);
  if (job.entries !== null && !WITHOUT_PARTITION.has(reason)) {
    return [...explainSeveral(ledger, name, job.entries, reason, nowMs), ...expected];
  }
  return explainWait(ledger, job, expected, nowMs);
}

/** Reasons that have nothing to do with the partitions of a job. */
const WITHOUT_PARTITION: ReadonlySet<PendingReason> = new Set<PendingReason>([
  'JobHeldUser',
  'launch failed requeued held',
  'Dependency',
  'DependencyNeverSatisfied',
  'BeginTime',
]);

function explainSeveral(
  ledger: Ledger,
  name: string,
  entries: readonly JobRecord[],
  reason: PendingReason,
  nowMs: number,
): string[] {
  const names = entries.map(({ request }) => request.partition);
  return [
    `Job ${name} may run in partitions ${names.join(', ')}, and does so in the one that can start it first.`,
    ...entries.flatMap((entry) => {
      const { partition } = entry.request;
      const text = closedText(ledger, entry);
      if (text !== null) return [`Partition ${partition} does not run it: ${text}.`];
      return explainWait(ledger, entry, [], nowMs).map((line) => `Partition ${partition}: ${line}`);
    }),
    ...(isPartitionExcess(reason) ? [`It never starts like this: submit it again ${excessMend(reason)}.`] : []),
  ];
}

/** Why the job never starts in the partition of this entry; null where it may. */
function closedText(ledger: Ledger, entry: JobRecord): string | null {
  const partition = ledger.terms.partitionOf(entry.request);
  if (entry.excess !== null && partition !== undefined) return excessText(entry.excess, partition, entry.request);
  return refusal(ledger.pool, entry);
}

function explainWait(ledger: Ledger, job: JobRecord, expected: readonly string[], nowMs: number): string[] {
  const name = nameOf(job);
  switch (reasonOf(ledger, job)) {
    case 'JobHeldUser':
      return [`Job ${name} is held. Release it: orrery release ${name}`];
    case 'launch failed requeued held':
      return [`Job ${name} is held because its last launch failed. Once the cause is mended: orrery release ${name}`];
    case 'Dependency':
    case 'DependencyNeverSatisfied':
      return explainDependencies(ledger, job, nowMs);
    case 'BadConstraints':
      return [`Job ${name} can never start: ${refusal(ledger.pool, job) ?? 'no nodes fit'}.`];
    case 'ReqNodeNotAvail':
      return explainOutage(ledger, job);
    case 'Priority':
      return [...explainPriority(ledger, job, nowMs), ...expected];
    case 'Resources':
      return [...explainResources(ledger, job, nowMs), ...expected];
    case 'BeginTime':
      return [
        `Job ${name} may start ${untilText(job.eligibleMs, nowMs)}${job.attempt > 0 ? ': it was put back' : ''}.`,
      ];
    case 'Reservation':
      return [explainReservation(ledger, job, nowMs)];
    case 'PartitionNodeLimit':
    case 'PartitionTimeLimit':
    case 'QOSNotAllowed':
    case 'AccountNotAllowed':
      return [explainExcess(ledger, job)];
    case 'None':
      break;
    default:
      return [`Job ${name} waits for a limit (${reasonOf(ledger, job)})${explainLimit(ledger, job)}.`];
  }
  return [`Job ${name} has all it needs and starts in the next cycle.`];
}

function explainRunning(ledger: Ledger, job: JobRecord, held: Held, nowMs: number): string {
  const nodeNames = list(held.nodeIndices.map((index) => ledger.pool.at(index).spec.name));
  const verb = job.isEnding
    ? `is being ended (${job.cause}) on`
    : job.phase === 'starting'
      ? 'is starting on'
      : 'runs on';
  const limit = job.deadlineMs === Infinity ? '' : `; its time limit is ${untilText(job.deadlineMs, nowMs)}`;
  return `Job ${nameOf(job)} ${verb} ${nodeNames} as attempt ${job.attempt}${limit}.`;
}

function explainOutage(ledger: Ledger, job: JobRecord): string[] {
  const { pool } = ledger;
  const out = pool.present().filter((node) => !isInService(node));
  const names = list(out.map((node) => `${node.spec.name} ${stateOf(node)}${node.reason ? ` (${node.reason})` : ''}`));
  const capable = pool.countCapable(job, 'inService');
  return [
    `Job ${nameOf(job)} asks for ${wanted(job.request)}; ${capable} such in service, even if all were free.`,
    `Out of service: ${names}.`,
  ];
}

function explainPriority(ledger: Ledger, job: JobRecord, nowMs: number): string[] {
  const head = ledger.queue.head();
  if (head === undefined) return [];
  // It is the first itself, in another of its partitions.
  if (head.owner !== null && head.owner === job.owner) return explainResources(ledger, job, nowMs);
  const jobs = count(ledger.queue.ahead(job), 'job');
  const first = `the first is job ${nameOf(head)} with priority ${head.priority}`;
  return [
    `Job ${nameOf(job)} with priority ${job.priority} waits its turn: ${jobs} ahead of it, ${first}.`,
    ...explainParts(ledger, job),
    ...(placeGang(ledger.pool, head) === null ? explainResources(ledger, head, nowMs) : []),
  ];
}

function explainParts(ledger: Ledger, job: JobRecord): string[] {
  const parts = priorityParts(ledger, job);
  if (parts === null) return [];
  const { age, fairshare, jobSize, partition, qos, tres, own } = parts;
  const named = { age, 'fair-share': fairshare, 'job size': jobSize, partition, QOS: qos, resources: tres, own };
  const said = Object.entries(named).flatMap(([name, part]) => (part === 0 ? [] : [`${name} ${Math.round(part)}`]));
  return said.length === 0 ? [] : [`Its priority is made of ${said.join(', ')}.`];
}

function explainExcess(ledger: Ledger, job: JobRecord): string {
  const partition = ledger.terms.partitionOf(job.request);
  if (job.excess === null || partition === undefined) return '';
  const why = excessText(job.excess, partition, job.request);
  return `Job ${nameOf(job)} never starts: ${why}. Submit it again ${excessMend(job.excess)}.`;
}

function explainLimit(ledger: Ledger, job: JobRecord): string {
  const said = job.demand === null ? null : ledger.kinds.limits.explain(job.kind.limits, job.demand);
  return said === null ? '' : `: ${said}`;
}

function explainReservation(ledger: Ledger, job: JobRecord, nowMs: number): string {
  const { reservation: name } = job.request;
  const found = ledger.reservations.all.find((reservation) => reservation.name === name);
  const waits = `Job ${nameOf(job)} waits for reservation ${name}`;
  if (found === undefined) return `${waits}, which is gone: cancel the job.`;
  if (nowMs >= found.endMs) return `${waits}, which is over: cancel the job.`;
  return `${waits}, which begins ${untilText(found.startMs, nowMs)}.`;
}

/** As people know it: `12_3` for a task of an array. */
function nameOf({ request: { jobId, array } }: JobRecord): string {
  return array?.taskId === undefined ? String(jobId) : `${array.id}_${array.taskId}`;
}

function explainResources(ledger: Ledger, job: JobRecord, nowMs: number): string[] {
  if (job.claimed !== null) return explainClaim(ledger, job, job.claimed);
  const withRoom = countWithRoom(ledger.pool, job);
  const holders = new Set(ledger.pool.present().flatMap((node) => (isInService(node) ? node.jobs : [])));
  const names = [...holders].sort((a, b) => a.request.jobId - b.request.jobId).map(nameOf);
  const sentences = [
    `Job ${nameOf(job)} asks for ${wanted(job.request)}; ${count(withRoom, 'node')} with that much free now.`,
    `The rest is held by ${count(holders.size, 'running job')}: ${list(names)}.`,
  ];
  const barred = ledger.pool.present().filter((node) => job.barred?.[node.index] === 1);
  if (barred.length > 0)
    sentences.push(`Reservations keep it off ${list(barred.map(({ spec }) => spec.name))} (orrery reservations).`);
  const due = ledger.ends.firstLimited();
  if (due !== undefined && due.deadlineMs < Infinity) {
    sentences.push(`The first of all time limits is that of job ${nameOf(due)}, ${untilText(due.deadlineMs, nowMs)}.`);
  }
  return sentences;
}

function explainClaim(ledger: Ledger, job: JobRecord, claimed: readonly number[]): string[] {
  const victims = [...ledger.ending].filter((other) => other.preemptorJobId === job.request.jobId).map(nameOf);
  const nodeNames = list(claimed.map((index) => ledger.pool.at(index).spec.name));
  const kept = `Job ${nameOf(job)} gets ${nodeNames}, kept for it`;
  return [victims.length === 0 ? `${kept}.` : `${kept} while job ${list(victims)} is preempted there.`];
}

function untilText(atMs: number, nowMs: number): string {
  return atMs <= nowMs ? 'reached' : `in ${formatDuration(atMs - nowMs)}`;
}

function list(names: readonly string[]): string {
  return names.length > 5 ? `${names.slice(0, 5).join(', ')} and ${names.length - 5} more` : names.join(', ');
}
