import { Heap } from '../lib/heap.ts';
import { IdMap } from '../lib/id-map.ts';
import { AttemptEnds } from './attempt-ends.ts';
import { Charges } from './charges.ts';
import { Dependencies } from './dependencies.ts';
import { DEFAULT_QOS } from './default-names.ts';
import { JobKinds } from './job-kind.ts';
import { entriesOf, inQueue, recordOf, submittedKind } from './job-entries.ts';
import { JobPriorities } from './job-priorities.ts';
import { type Held, isOnNodes, JobRecord, type Verdict } from './job-record.ts';
import { NodePool } from './node-pool.ts';
import { NodeReservations } from './node-reservations.ts';
import { Outcomes } from './outcomes.ts';
import { isChoosy } from './pass-limits.ts';
import type { Policy } from './policy.ts';
import { PreemptibleJobs } from './preemptible-jobs.ts';
import { Candidate } from './preempting.ts';
import { PendingQueue } from './queue.ts';
import { Terms } from './terms.ts';
import type { EndCause, EndState, JobRequest } from './types.ts';
import { isStronger, putOffUntilMs, verdictOf } from './verdicts.ts';

/**
 * Everything the scheduler knows, and the steps by which jobs move through it. Facts and decisions both go through these steps, so a state
 * rebuilt from the journal is the state that was.
 */
export class Ledger {
  readonly pool: NodePool;
  readonly outcomes = new Outcomes();
  readonly dependencies: Dependencies;
  readonly queue: PendingQueue;
  /** Pending jobs that wait for an instant. */
  readonly timers = new Heap<JobRecord>(isEligibleBefore, (job, index) => {
    job.timerIndex = index;
  });
  readonly ends = new AttemptEnds();
  /** Jobs with a verdict that no decision has told yet, in the order in which they came by it. */
  readonly settling: JobRecord[] = [];
  /** Jobs whose attempt is to be ended and the driver was not told yet. */
  readonly doomed = new Set<JobRecord>();
  readonly reservations: NodeReservations;
  readonly terms: Terms;
  readonly kinds: JobKinds;
  readonly priorities: JobPriorities;
  /** GPUs of attempts that are being ended, or are to be. */
  endingGpus = 0;
  /** These attempts. */
  readonly ending = new Set<JobRecord>();
  /** Jobs that have come to nodes, are being ended there or have left since this was last emptied; null where nobody wants to know. */
  movements: Set<JobRecord> | null = null;
  readonly preemptible: PreemptibleJobs<Candidate>;
  /** Jobs for which others are being preempted. */
  readonly claimants = new Set<JobRecord>();
  readonly #jobs = new IdMap<JobRecord>();
  readonly policy: Policy;
  readonly #charges: Charges;
  #startCount = 0;

  constructor(policy: Policy) {
    this.policy = policy;
    this.dependencies = new Dependencies({
      outcomes: this.outcomes,
      find: (jobId) => this.#jobs.get(jobId),
      onFree: (job, atMs) => this.#freed(job, atMs),
    });
    this.reservations = new NodeReservations(policy.reservations, policy.accounts);
    this.terms = new Terms(policy);
    this.kinds = new JobKinds(policy);
    this.priorities = new JobPriorities(this.kinds, policy.priority.type === 'basic');
    this.preemptible = new PreemptibleJobs(this.kinds.preemption, policy.preempt.isYoungestFirst);
    const maskOf = (nodeName: string) => this.terms.maskOf(nodeName);
    this.pool = new NodePool(maskOf, this.terms.capCount, policy.selectType === 'linear');
    const depth = frontDepth(policy);
    this.#charges = new Charges(this);
    const isServiceable = (job: JobRecord) => this.pool.countCapable(job, 'inService') >= job.request.nodes;
    this.queue = new PendingQueue(depth, isServiceable, this.priorities);
  }

  get liveCount(): number {
    return this.#jobs.size;
  }

  live(): Iterable<JobRecord> {
    return this.#jobs.values();
  }

  find(jobId: number): JobRecord | undefined {
    return this.#jobs.get(jobId);
  }

  /** Undefined for a job that has ended; throws for one never heard of. */
  findLive(jobId: number): JobRecord | undefined {
    const job = this.#jobs.get(jobId);
    if (job === undefined && this.outcomes.state(jobId) === undefined) throw new Error(`job ${jobId} is unknown`);
    return job;
  }

  /** The job, if this is its current attempt and it holds nodes; throws otherwise. */
  onNodes(jobId: number, attempt: number): JobRecord {
    const job = this.#jobs.get(jobId);
    if (job === undefined || job.attempt !== attempt || !isOnNodes(job)) {
      throw new Error(`job ${jobId} has no attempt ${attempt} on nodes${describe(job)}`);
    }
    return job;
  }

  submit(request: JobRequest, attemptsBefore: number, atMs: number): JobRecord {
    const { jobId } = request;
    if (this.#jobs.has(jobId)) throw new Error(`job ${jobId} was submitted before and has not ended`);
    this.dependencies.wake(atMs);
    const attempt = Math.max(this.outcomes.take(jobId), attemptsBefore);
    if (this.kinds.preemption.use(request.qos ?? DEFAULT_QOS)) this.#rankAnew();
    const job = this.record(request, attempt);
    this.#jobs.set(jobId, job);
    const { limits } = submittedKind(job);
    if (limits.submitCounters.length > 0) this.kinds.limits.entered(limits);
    this.dependencies.requeued(jobId, atMs);
    if (request.dependencies.length > 0) this.dependencies.register(job, atMs);
    if (job.eligibleMs > atMs) this.timers.push(job);
    else job.eligibleMs = atMs;
    this.#prioritizeAnew(job);
    this.#enqueueIfEligible(job);
    return job;
  }

  #prioritizeAnew(job: JobRecord): void {
    this.priorities.prioritizeAnew(job);
    for (const entry of entriesOf(job)) {
      entry.eligibleMs = job.eligibleMs;
      this.priorities.prioritizeAnew(entry);
    }
  }

  /** A QOS has come into use that changes which jobs come before which. */
  #rankAnew(): void {
    for (const job of this.#jobs.values()) {
      job.rank();
      for (const entry of entriesOf(job)) entry.rank();
    }
    this.queue.reorder((job) => this.priorities.prioritizeAnew(job));
  }

  /** Not part of the ledger: a request as it would be looked at. `kinds`: whose association it gets. */
  record(request: JobRequest, attempt: number, kinds = this.kinds): JobRecord {
    return recordOf(request, attempt, this.terms, kinds);
  }

  /** The job that is to run: where this is the entry of one in one of its partitions the job itself, which leaves the queue and is in that. */
  choose(job: JobRecord): JobRecord {
    const { owner } = job;
    if (owner === null) return job;
    this.#takeEntriesOut(owner);
    owner.enter(job);
    return owner;
  }

  #takeEntriesOut(job: JobRecord): void {
    for (const entry of entriesOf(job)) {
      this.queue.remove(entry);
      entry.unparkedFrom = null;
      this.dropClaim(entry);
    }
  }

  hold(job: JobRecord): void {
    job.hold ??= 'user';
    this.#leaveQueue(job);
  }

  releaseHold(job: JobRecord): void {
    if (job.hold === null) return;
    job.hold = null;
    this.#enqueueIfEligible(job);
  }

  cancel(job: JobRecord, atMs: number): void {
    if (isOnNodes(job)) return this.doom(job, 'CANCELLED');
    if (job.verdict?.kind === 'end') return;
    // Who waited for its start and had waited long enough is free, though no cycle came to see it.
    this.dependencies.wake(atMs);
    this.#leaveQueue(job);
    this.#dropTimer(job);
    this.dependencies.forget(job);
    // It has not started since it was last in the queue.
    job.startNumber = 0;
    this.#settle(job, { kind: 'end', state: 'CANCELLED', exitCode: 0 });
    job.cause = 'CANCELLED';
  }

  #leaveQueue(job: JobRecord): void {
    const all = inQueue(job);
    for (const one of all) this.queue.remove(one);
    for (const one of all) {
      this.queue.pass(one);
      this.dropClaim(one);
    }
  }

  requeueByUser(job: JobRecord): void {
    if (isOnNodes(job)) return this.doom(job, 'REQUEUE');
    if (job.verdict?.kind !== 'end' || job.cause === 'CANCELLED') return;
    job.verdict = { kind: 'requeue', requeues: job.requeues, hold: null };
  }

  /** Not to start before. Its priority stays what it is until the next calculation, and ages from then on. */
  putOff(job: JobRecord, untilMs: number): void {
    job.eligibleMs = untilMs;
    for (const one of inQueue(job)) {
      one.eligibleMs = untilMs;
      this.priorities.keepUntilNext(one);
    }
  }

  endHung(job: JobRecord, attempt: number): void {
    if (isOnNodes(job) && job.attempt === attempt) this.doom(job, 'HANG');
  }

  /** The attempt is to end, unless a cause as strong already ends it. */
  doom(job: JobRecord, cause: EndCause): void {
    if (!isStronger(cause, job.cause)) return;
    if (job.cause === null) this.#countEnding(job, 1);
    job.cause = cause;
    this.#dropCandidate(job);
    if (!job.isEnding) this.doomed.add(job);
  }

  start(job: JobRecord, attempt: number, held: Held, atMs: number): void {
    if (job.phase !== 'pending' || job.attempt + 1 !== attempt) {
      throw new Error(`job ${job.request.jobId} cannot start attempt ${attempt}${describe(job)}`);
    }
    this.dependencies.wake(atMs);
    this.ends.set(job, atMs + job.limitMs);
    this.dropClaim(job);
    this.pool.take(job, held);
    this.queue.remove(job);
    // It may have come free just now.
    if (job.entries !== null) this.#takeEntriesOut(job);
    job.unparkedFrom = null;
    this.#charges.begin(job, held, atMs);
    this.#dropTimer(job);
    job.phase = 'starting';
    job.attempt = attempt;
    job.held = held;
    job.startMs = atMs;
    this.#startCount += 1;
    job.startNumber = this.#startCount;
    this.movements?.add(job);
    this.dependencies.started(job.request.jobId, atMs);
    if (job.kind.isPreemptible) {
      job.candidate = new Candidate(job, held, this.pool.at(held.nodeIndices[0] ?? -1).spec.resources);
      this.preemptible.started(job.candidate);
    }
  }

  markStarted(job: JobRecord, atMs: number): void {
    if (job.phase !== 'starting') throw new Error(`job ${job.request.jobId} started twice${describe(job)}`);
    job.phase = 'running';
    if (job.limitMs === Infinity || job.isEnding) return;
    const endMs = atMs + job.limitMs;
    job.deadlineMs = endMs + job.overMs;
    this.#putEnd(job, endMs);
  }

  /** The driver is told to end the attempt. */
  markEnding(job: JobRecord, cause: EndCause): void {
    if (job.isEnding || (job.cause ?? cause) !== cause) {
      throw new Error(`job ${job.request.jobId} cannot be ended as ${cause}${describe(job)}`);
    }
    this.#dropCandidate(job);
    if (job.cause === null) this.#countEnding(job, 1);
    job.cause = cause;
    job.isEnding = true;
    this.doomed.delete(job);
    job.deadlineMs = Infinity;
    this.#putEnd(job, 0);
  }

  endAttempt(job: JobRecord, state: EndState, exitCode: number, atMs: number): void {
    // A task that ended well before anybody touched it did complete, whatever was to happen to it.
    const isDone = state === 'COMPLETED' && !job.isEnding && job.cause !== 'REQUEUE';
    const cause = isDone ? null : (job.cause ?? (state === 'NODE_FAIL' ? 'NODE_FAIL' : null));
    const verdict = verdictOf(job, cause, state, exitCode);
    const untilMs = putOffUntilMs(this.policy, job, verdict, atMs);
    if (untilMs !== null) this.putOff(job, untilMs);
    this.#leaveNodes(job, verdict, atMs);
  }

  failLaunch(job: JobRecord, isRetryable: boolean, atMs: number): void {
    const verdict: Verdict =
      job.cause === null
        ? { kind: 'requeue', requeues: job.requeues, hold: isRetryable ? null : 'launch' }
        : verdictOf(job, job.cause, 'FAILED', 1);
    this.#leaveNodes(job, verdict, atMs);
  }

  /** Back to PENDING under the same id. Returns whether it is held. Its place among those that are to be settled is the caller's to clear. */
  requeue(job: JobRecord, atMs: number): { requeues: number; isHeld: boolean } {
    const { verdict } = job;
    if (verdict?.kind !== 'requeue') throw new Error(`job ${job.request.jobId} is not to be requeued${describe(job)}`);
    this.dependencies.wake(atMs);
    job.verdict = null;
    job.cause = null;
    job.isEnding = false;
    job.preemptorJobId = null;
    job.phase = 'pending';
    job.leavePartition();
    this.dependencies.requeued(job.request.jobId, atMs);
    job.requeues = verdict.requeues;
    job.hold ??= verdict.hold;
    if (job.eligibleMs > atMs) this.timers.push(job);
    this.#enqueueIfEligible(job);
    return { requeues: job.requeues, isHeld: job.hold !== null };
  }

  /** What became of a preempted job under the policy of its day holds, whatever today's policy makes of such jobs. */
  followPreemption(job: JobRecord, verdict: Verdict): void {
    if (job.cause === 'PREEMPTED' && job.phase === 'over') job.verdict = verdict;
  }

  /** For good. A job the ledger does not know ended before a restart: its outcome counts for dependencies. */
  end(jobId: number, state: EndState, atMs: number): void {
    const job = this.#jobs.get(jobId);
    if (job !== undefined && (job.verdict?.kind !== 'end' || job.verdict.state !== state)) {
      throw new Error(`job ${jobId} cannot end as ${state}${describe(job)}`);
    }
    const limits = job === undefined ? null : submittedKind(job).limits;
    if (limits !== null && limits.submitCounters.length > 0) this.kinds.limits.left(limits);
    this.dependencies.wake(atMs);
    this.#jobs.delete(jobId);
    this.outcomes.record(jobId, state, job?.attempt ?? this.outcomes.attempt(jobId));
    const fromMs = job === undefined ? null : job.startNumber === 0 ? atMs : job.startMs;
    this.dependencies.settle(jobId, fromMs, atMs);
  }

  /** It waits for no other job any more. */
  #freed(job: JobRecord, atMs: number): void {
    // Its age counts from then on, as Slurm's `AccrueTime` does.
    if (job.eligibleMs < atMs) {
      job.eligibleMs = atMs;
      this.#prioritizeAnew(job);
    }
    this.#enqueueIfEligible(job);
  }

  /** An echo of what another cycle settled. */
  unsettle(job: JobRecord): void {
    const index = this.settling.indexOf(job);
    if (index >= 0) this.settling.splice(index, 1);
  }

  /** Their time has come. */
  wake(nowMs: number): void {
    this.dependencies.wake(nowMs);
    for (let job = this.timers.peek(); job !== undefined && job.eligibleMs <= nowMs; job = this.timers.peek()) {
      this.timers.pop();
      this.#enqueueIfEligible(job);
    }
  }

  #enqueueIfEligible(job: JobRecord): void {
    const isFree = job.phase === 'pending' && job.hold === null && job.waitsFor.length === 0 && job.timerIndex < 0;
    if (!isFree) return;
    if (job.entries === null) this.#enqueue(job);
    else if (job.entries.every(({ claimed }) => claimed === null))
      for (const entry of job.entries) this.#enqueue(entry);
  }

  #enqueue(job: JobRecord): void {
    // Beyond the limits of its partition it waits for ever, in nobody's way.
    if (job.excess === null && job.place === null && job.claimed === null) this.queue.add(job);
  }

  /** The nodes are kept for the job, which waits outside the queue until those on them are gone. */
  claim(job: JobRecord, nodeIndices: readonly number[]): void {
    if (job.claimed !== null) return;
    if (job.owner === null) this.queue.remove(job);
    else for (const entry of entriesOf(job.owner)) this.queue.remove(entry);
    job.claimed = nodeIndices;
    this.claimants.add(job);
    for (const index of nodeIndices) this.pool.claim(this.pool.at(index), job);
  }

  /** Others may have the nodes. Nothing happens where the job claims none; back to the queue is the caller's to see to. */
  dropClaim(job: JobRecord): void {
    if (job.claimed === null) return;
    for (const index of job.claimed) this.pool.claim(this.pool.at(index), null);
    job.claimed = null;
    this.claimants.delete(job);
  }

  /** It cannot have the nodes after all. */
  abandonClaim(job: JobRecord): void {
    this.dropClaim(job);
    this.#enqueueIfEligible(job.owner ?? job);
  }

  #leaveNodes(job: JobRecord, verdict: Verdict, atMs: number): void {
    this.#dropCandidate(job);
    const held = job.held;
    if (held !== null) this.pool.release(job, held);
    this.movements?.add(job);
    this.#charges.end(job, atMs, this.queue);
    if (job.cause !== null) {
      this.#countEnding(job, -1);
      if (!job.isEnding) this.doomed.delete(job);
    }
    job.held = null;
    job.deadlineMs = Infinity;
    this.ends.remove(job);
    this.#settle(job, verdict);
  }

  /** One that is to be settled already keeps its place. */
  #settle(job: JobRecord, verdict: Verdict): void {
    if (job.phase !== 'over') this.settling.push(job);
    job.phase = 'over';
    job.verdict = verdict;
  }

  #putEnd(job: JobRecord, endMs: number): void {
    if (job.endMsMax === endMs) return;
    this.ends.set(job, endMs);
    this.pool.reckonEnd(job);
  }

  /** What is being ended counts as good as free to those who look for victims. */
  #countEnding(job: JobRecord, sign: 1 | -1): void {
    const { held } = job;
    if (held === null) return;
    this.endingGpus += sign * held.nodeIndices.length * held.gpusPerNode;
    this.pool.countEnding(job, held.nodeIndices, sign);
    this.movements?.add(job);
    if (sign === 1) this.ending.add(job);
    else this.ending.delete(job);
  }

  #dropCandidate(job: JobRecord): void {
    if (job.candidate !== null) this.preemptible.ended(job.candidate);
    job.candidate = null;
  }

  #dropTimer(job: JobRecord): void {
    if (job.timerIndex >= 0) this.timers.removeAt(job.timerIndex);
  }
}

function isEligibleBefore(a: JobRecord, b: JobRecord): boolean {
  return a.eligibleMs === b.eligibleMs ? a.request.jobId < b.request.jobId : a.eligibleMs < b.eligibleMs;
}

function describe(job: JobRecord | undefined): string {
  if (job === undefined) return ': it is not among the live jobs';
  const ending = job.isEnding ? `, being ended as ${job.cause}` : '';
  return `: it is ${job.phase}, attempt ${job.attempt}${ending}`;
}

/** How many jobs are kept in the order of their turns: as many as a cycle, or a pass, looks at. */
function frontDepth(policy: Policy): number {
  const { schedulerType, backfillType, bfMaxJobTest } = policy;
  if (isChoosy(policy)) return Infinity;
  if (schedulerType === 'backfill') return bfMaxJobTest;
  // Passes of Slurm's main scheduler go on in other partitions.
  return backfillType === 'conservative' ? Infinity : 1;
}
