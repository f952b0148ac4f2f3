import { refusal } from './admission.ts';
import { Core } from './core.ts';
import type { CoreJob, DecisionSink } from './core-types.ts';
import { type EchoEvent, isEcho, isEchoOf } from './echo.ts';
import { explain, expectedStartMs, reasonOf } from './explanation.ts';
import { JobKinds } from './job-kind.ts';
import type { JobRecord } from './job-record.ts';
import type { Ledger } from './ledger.ts';
import { deniedOnLimit } from './limit-faults.ts';
import { heldBy, placementOf } from './named-placement.ts';
import { viewOf } from './node-record.ts';
import { excessText } from './partition-limits.ts';
import { unknownName } from './policy-names.ts';
import { priorityParts } from './priority-parts.ts';
import { isRemark, type RemarkEvent } from './remark.ts';
import { completePolicy, type NodeReservation, type Policy, type SchedulerOptions } from './policy.ts';
import type {
  Admission,
  Cycle,
  Decision,
  EndCause,
  EndState,
  JobRequest,
  JobState,
  JobsAlike,
  JobView,
  NodeView,
  Preemptor,
  PriorityParts,
  Scheduler,
  SchedulerEvent,
  ShareView,
} from './types.ts';

/** The core, driven by events: names instead of indices, and facts that can be journalled and replayed. */
export function createScheduler(options: SchedulerOptions = {}): Scheduler {
  return new EventScheduler(completePolicy(options));
}

class EventScheduler implements Scheduler {
  readonly #core: Core;
  readonly #ledger: Ledger;
  /** Decisions of the last cycle; their echoes change nothing. */
  #decided: readonly Decision[] = [];
  #echoCount = 0;
  /** Of jobs that were asked about: to ask leaves no trace in fair-share, or a replay that is not asked would differ. */
  readonly #asked: JobKinds;

  constructor(policy: Policy) {
    this.#asked = new JobKinds(policy);
    this.#core = new Core(policy);
    this.#ledger = this.#core.ledger;
  }

  apply(event: SchedulerEvent): void {
    if (isRemark(event)) return;
    if (!isEcho(event)) {
      this.#decided = [];
      this.#echoCount = 0;
      this.#applyFact(event);
      return;
    }
    const decision = this.#decided[this.#echoCount];
    if (decision === undefined) {
      this.#applyEcho(event);
      return;
    }
    if (!isEchoOf(event, decision)) {
      throw new Error(
        `${event.kind} of job ${event.jobId} is not the echo of the decision ${decision.kind} of job ${decision.jobId}`,
      );
    }
    this.#echoCount += 1;
    if (this.#echoCount === this.#decided.length) {
      this.#decided = [];
      this.#echoCount = 0;
    }
  }

  decide(nowMs: number): Cycle {
    const sink = new DecisionList(this.#ledger);
    const wakeMs = this.#core.decide(nowMs, sink);
    this.#decided = sink.decisions;
    this.#echoCount = 0;
    return { decisions: [...sink.decisions], wakeAtMs: wakeMs === Infinity ? null : wakeMs };
  }

  admission(request: JobRequest, nowMs = 0, jobCount = 1, arriving: readonly JobsAlike[] = []): Admission {
    const ledger = this.#ledger;
    const job = ledger.record(request, 0, this.#asked);
    const { user, account } = job.kind;
    const { reservation = null, timeLimitMs } = request;
    // Names first: a job of a partition that is not there would be one that no node can hold.
    const message =
      unknownName(this.#core.policy, request) ??
      ledger.reservations.admission({ user, account, reservation, timeLimitMs }, nowMs) ??
      this.#refusal(job) ??
      this.#excess(request, jobCount, arriving);
    return message === null ? { isAdmissible: true } : { isAdmissible: false, message };
  }

  /** Of a job that names several partitions: one has to take it, or with `enforcePartLimits: true` all of them. */
  #refusal(job: JobRecord): string | null {
    const refusalIn = (one: JobRecord) =>
      refusal(this.#ledger.pool, one) ?? this.#enforced(one) ?? this.#denied(one) ?? null;
    if (job.entries === null) return refusalIn(job);
    const refusals = job.entries.flatMap((entry) => refusalIn(entry) ?? []);
    const isForAll = this.#core.policy.enforcePartLimits === true;
    return isForAll || refusals.length === job.entries.length ? (refusals[0] ?? null) : null;
  }

  /** The limit of its partition that it breaks, where such jobs are refused. */
  #enforced({ excess, request }: JobRecord): string | null {
    if (excess === null || this.#core.policy.enforcePartLimits === false) return null;
    const partition = this.#ledger.terms.partitionOf(request);
    return partition === undefined ? null : excessText(excess, partition, request, 'the job');
  }

  /** The limit of its QOS or account that it breaks by itself, where such jobs are refused. */
  #denied({ demand, kind }: JobRecord): string | null {
    const fault = demand === null ? null : deniedOnLimit(kind.limits, demand);
    return fault === null ? null : `${fault}: its QOS refuses such jobs`;
  }

  #excess(request: JobRequest, jobCount: number, arriving: readonly JobsAlike[]): string | null {
    const { kinds } = this.#ledger;
    const profileOf = (job: JobRequest) => kinds.limitsOf(job);
    return kinds.limits.admission(profileOf(request), jobCount, arriving, profileOf);
  }

  job(jobId: number): JobView | undefined {
    const ledger = this.#ledger;
    const job = ledger.find(jobId);
    if (job !== undefined) {
      return {
        jobId,
        state: stateOf(job),
        reason: reasonOf(ledger, job),
        attempt: job.attempt,
        requeues: job.requeues,
        placement: job.held === null ? null : placementOf(ledger.pool, job, job.held),
      };
    }
    const state = ledger.outcomes.state(jobId);
    if (state === undefined) return undefined;
    return { jobId, state, reason: 'None', attempt: ledger.outcomes.attempt(jobId), requeues: 0, placement: null };
  }

  node(nodeName: string): NodeView | undefined {
    const node = this.#ledger.pool.find(nodeName);
    return node === undefined ? undefined : viewOf(node);
  }

  nodes(): NodeView[] {
    return this.#ledger.pool.present().map(viewOf);
  }

  reservations(): readonly NodeReservation[] {
    return this.#ledger.reservations.all;
  }

  jobsIn(reservationName: string): number[] {
    return [...this.#ledger.live()].flatMap(({ request }) =>
      request.reservation === reservationName ? [request.jobId] : [],
    );
  }

  priorityOf(jobId: number): PriorityParts | null {
    const job = this.#ledger.find(jobId);
    return job === undefined || job.phase !== 'pending' ? null : priorityParts(this.#ledger, job);
  }

  shares(): ShareView[] {
    return this.#ledger.kinds.fairShare.shares();
  }

  limitMs(jobId: number): number | null {
    const limitMs = this.#ledger.find(jobId)?.limitMs ?? Infinity;
    return limitMs === Infinity ? null : limitMs;
  }

  graceMs(jobId: number): number {
    return this.#ledger.find(jobId)?.kind.preemption.graceMs ?? 0;
  }

  explain(jobId: number, nowMs: number): string[] {
    return explain(this.#ledger, jobId, this.expectedStartMs(jobId, nowMs), nowMs);
  }

  expectedStartMs(jobId: number, nowMs: number): number | null {
    const job = this.#ledger.find(jobId);
    return job === undefined ? null : expectedStartMs(this.#ledger, job, nowMs);
  }

  #applyFact(event: Exclude<SchedulerEvent, EchoEvent | RemarkEvent>): void {
    const ledger = this.#ledger;
    const indexOf = (nodeName: string) => ledger.pool.get(nodeName).index;
    switch (event.kind) {
      case 'NodeAdded':
        this.#core.addNode(event.node);
        return;
      case 'NodeRemoved':
        this.#core.removeNode(indexOf(event.nodeName));
        return;
      case 'NodeFailed':
        this.#core.failNode(indexOf(event.nodeName), event.reason);
        return;
      case 'NodeDrained':
        this.#core.drainNode(indexOf(event.nodeName), event.reason);
        return;
      case 'NodeResumed':
        this.#core.resumeNode(indexOf(event.nodeName));
        return;
      case 'ReservationCreated':
        ledger.reservations.create(event.reservation);
        this.#core.reservationsChanged();
        return;
      case 'ReservationDeleted':
        ledger.reservations.delete(event.name);
        this.#core.reservationsChanged();
        return;
      case 'UseCarried':
        for (const { account, user, billingSeconds } of event.uses) {
          const { fairShare } = ledger.kinds;
          fairShare.carry(fairShare.association(account, user), billingSeconds, event.atMs);
        }
        for (const used of event.minutes ?? []) ledger.kinds.carryMinutes(used, event.atMs);
        return;
      case 'JobSubmitted':
        this.#core.submit(event.job, event.atMs, event.attemptsBefore ?? 0);
        return;
      case 'JobHeld':
        this.#withLive(event.jobId, (job) => ledger.hold(job));
        return;
      case 'JobReleased':
        this.#withLive(event.jobId, (job) => ledger.releaseHold(job));
        return;
      case 'JobCancelRequested':
        this.#withLive(event.jobId, (job) => ledger.cancel(job, event.atMs));
        return;
      case 'JobRequeueRequested':
        if (ledger.findLive(event.jobId) === undefined) {
          throw new Error(`job ${event.jobId} has ended: to run it again, submit its request under the same id`);
        }
        this.#withLive(event.jobId, (job) => ledger.requeueByUser(job));
        return;
      case 'AttemptHung':
        this.#withLive(event.jobId, (job) => ledger.endHung(job, event.attempt));
        return;
      case 'AttemptStarted':
        ledger.markStarted(ledger.onNodes(event.jobId, event.attempt), event.atMs);
        return;
      case 'LaunchFailed':
        ledger.failLaunch(ledger.onNodes(event.jobId, event.attempt), event.isRetryable, event.atMs);
        return;
      case 'AttemptEnded':
        ledger.endAttempt(ledger.onNodes(event.jobId, event.attempt), event.state, event.exitCode, event.atMs);
    }
  }

  /** On a scheduler that did not decide this itself: a replay of the journal. */
  #applyEcho(event: EchoEvent): void {
    const ledger = this.#ledger;
    switch (event.kind) {
      case 'AttemptStarting': {
        const found = ledger.findLive(event.jobId);
        if (found === undefined) throw new Error(`job ${event.jobId} has ended and cannot start`);
        const job = ledger.choose(entryOf(found, event.partition));
        ledger.start(job, event.attempt, heldBy(ledger.pool, job, event.placement), event.atMs);
        return;
      }
      case 'AttemptEnding':
        ledger.markEnding(ledger.onNodes(event.jobId, event.attempt), event.cause);
        if (event.preemptor !== undefined) this.#claim(event.jobId, event.preemptor);
        return;
      case 'JobRequeued': {
        const job = ledger.findLive(event.jobId);
        if (job === undefined) throw new Error(`job ${event.jobId} has ended and cannot be requeued`);
        ledger.followPreemption(job, { kind: 'requeue', requeues: event.requeues, hold: null });
        const { requeues, isHeld } = ledger.requeue(job, event.atMs);
        ledger.unsettle(job);
        if (requeues !== event.requeues || isHeld !== event.isHeld) {
          throw new Error(
            `job ${event.jobId} has ${requeues} requeues (held: ${isHeld}), not ${event.requeues} (${event.isHeld})`,
          );
        }
        return;
      }
      case 'JobEnded': {
        const job = ledger.find(event.jobId);
        const { state, exitCode } = event;
        if (job !== undefined) ledger.followPreemption(job, { kind: 'end', state, exitCode });
        if (event.startMs !== undefined) ledger.dependencies.recall(event.jobId, event.startMs);
        ledger.end(event.jobId, state, event.atMs);
        if (job !== undefined) ledger.unsettle(job);
      }
    }
  }

  #claim(victimJobId: number, { jobId, nodeNames, partition }: Preemptor): void {
    const ledger = this.#ledger;
    const victim = ledger.find(victimJobId);
    const preemptor = ledger.find(jobId);
    if (victim !== undefined) victim.preemptorJobId = jobId;
    if (preemptor !== undefined)
      ledger.claim(
        entryOf(preemptor, partition),
        nodeNames.map((name) => ledger.pool.get(name).index),
      );
  }

  /** For a job that has ended there is nothing left to do. */
  #withLive(jobId: number, act: (job: JobRecord) => void): void {
    const job = this.#ledger.findLive(jobId);
    if (job !== undefined) act(job);
  }
}

/** Takes a cycle down as decisions that can be journalled. */
class DecisionList implements DecisionSink {
  readonly decisions: Decision[] = [];
  readonly #ledger: Ledger;

  constructor(ledger: Ledger) {
    this.#ledger = ledger;
  }

  startAttempt(job: CoreJob): void {
    const { jobId } = job.request;
    const record = this.#ledger.find(jobId);
    if (record === undefined || record.held === null)
      throw new Error(`invariant violated: job ${jobId} holds no nodes`);
    const placement = placementOf(this.#ledger.pool, record, record.held);
    this.decisions.push({
      kind: 'StartAttempt',
      jobId,
      attempt: job.attempt,
      placement,
      ...(record.entries !== null && partitionOf(record)),
    });
  }

  endAttempt(job: CoreJob, cause: EndCause): void {
    const { jobId } = job.request;
    const preemptor = this.#ledger.find(job.preemptorJobId ?? -1);
    const end = { kind: 'EndAttempt', jobId, attempt: job.attempt, cause } as const;
    if (cause !== 'PREEMPTED' || preemptor === undefined) return void this.decisions.push(end);
    const claimant = preemptor.entries?.find(({ claimed }) => claimed !== null) ?? preemptor;
    const nodeNames = (claimant.claimed ?? []).map((index) => this.#ledger.pool.at(index).spec.name);
    const partition = claimant.owner === null ? {} : partitionOf(claimant);
    this.decisions.push({ ...end, preemptor: { jobId: preemptor.request.jobId, nodeNames, ...partition } });
  }

  requeueJob(job: CoreJob): void {
    const { jobId } = job.request;
    const record = this.#ledger.find(jobId);
    const partition = record === undefined || record.entries === null ? {} : partitionOf(record);
    const isHeld = record?.hold !== null;
    this.decisions.push({ kind: 'Requeue', jobId, requeues: job.requeues, isHeld, ...partition });
  }

  endJob(job: CoreJob, state: EndState, exitCode: number): void {
    this.decisions.push({ kind: 'EndJob', jobId: job.request.jobId, state, exitCode });
  }
}

/** What stands in the queue for the job in this partition; the job itself where it has no more than one. */
function entryOf(job: JobRecord, partition: string | undefined): JobRecord {
  const { entries } = job;
  if (entries === null) return job;
  return entries.find(({ request }) => request.partition === partition) ?? entries[0] ?? job;
}

function partitionOf({ request: { partition } }: JobRecord): { partition?: string } {
  return partition === undefined ? {} : { partition };
}

function stateOf(job: JobRecord): JobState {
  if (job.phase === 'pending') return 'PENDING';
  if (job.phase !== 'over') return job.isEnding ? 'COMPLETING' : 'RUNNING';
  return job.verdict?.kind === 'end' ? job.verdict.state : 'PENDING';
}
