import type { NodeSpec } from '../../cluster/node.ts';
import { OrreryError } from '../../contract/errors.ts';
import { unknownNode } from '../unknown-node.ts';
import { toJobRequest } from '../../contract/job-request.ts';
import type { Journal, JournalRecord } from '../../contract/journal.ts';
import { definite } from '../../lib/assert.ts';
import { echoOf } from '../../scheduler/echo.ts';
import type { NodeReservation } from '../../scheduler/policy.ts';
import type {
  AssociationUse,
  Decision,
  EndCause,
  JobView,
  NodeView,
  Placement,
  PriorityParts,
  Scheduler,
  SchedulerEvent,
  ShareView,
} from '../../scheduler/types.ts';
import type { Backend, JobFact, JobSource, Log, SubmittedJob } from '../port.ts';
import { type JobFolders, prepareWorkFolder } from '../work-folder.ts';
import { ArrivingJobs } from './arriving-jobs.ts';
import { type PlanLimits, planAttempt } from './attempt-plan.ts';
import { FactQueue } from './fact-queue.ts';
import { faultPoint } from './fault-points.ts';
import type { AttemptPlan, Launcher } from './launcher-port.ts';
import { LiveAttempts } from './live-attempts.ts';
import { type LiveAttempt, liveAttempts, reconcileNodes } from './recovery.ts';

const NO_IMAGES =
  'image: jobs on this machine run in no container; with --backend slurm they run in those of Pyxis or Apptainer';

export interface LocalBackendOptions {
  scheduler: Scheduler;
  launcher: Launcher;
  journal: Journal;
  jobs: JobSource;
  nodes: readonly NodeSpec[];
  folders: JobFolders;
  limits: PlanLimits;
  /** Values of secrets by name; throws an OrreryError for one that is missing. */
  readSecrets: (names: readonly string[]) => Promise<Record<string, string>>;
  now: () => number;
  log: Log;
  /** Told how long each scheduling cycle took, in milliseconds. */
  onCycle?: (ms: number) => void;
}

/** The scheduler with real processes: facts go to the journal, then to the scheduler; decisions to the journal, then to the launcher. */
export function createLocalBackend(options: LocalBackendOptions): Backend {
  return new SchedulingLoop(options);
}

class SchedulingLoop implements Backend {
  readonly #options: LocalBackendOptions;
  readonly #scheduler: Scheduler;
  readonly #launcher: Launcher;
  readonly #facts: FactQueue;
  readonly #live: LiveAttempts;
  readonly #arriving = new ArrivingJobs();
  #isReserving = false;
  #isPumping = false;
  #isStopped = false;
  #pumped: Promise<void> = Promise.resolve();
  #wakeTimer: NodeJS.Timeout | undefined;

  constructor(options: LocalBackendOptions) {
    this.#options = options;
    this.#scheduler = options.scheduler;
    this.#launcher = options.launcher;
    this.#live = new LiveAttempts((jobId, attempt, signal) => this.#launcher.signal(jobId, attempt, signal));
    this.#facts = new FactQueue(options.journal, (error) =>
      options.log.error({ err: error }, 'the journal refused a write'),
    );
    this.#launcher.onExit = (exit) => {
      for (const record of this.#live.recordsOfExit(exit, this.#options.now())) this.#facts.report(record);
      this.#kick();
    };
  }

  async start(records: readonly JournalRecord[], pastUse: readonly AssociationUse[]): Promise<void> {
    const { nodes, now, journal } = this.#options;
    for (const record of records) this.#scheduler.apply(record.event);
    const changes = reconcileNodes(this.#scheduler.nodes(), nodes, now());
    if (pastUse.length > 0) changes.push({ kind: 'UseCarried', atMs: now(), uses: pastUse });
    if (changes.length > 0) await journal.append(changes.map((event) => ({ event })));
    for (const event of changes) this.#scheduler.apply(event);
    await Promise.all(liveAttempts(records).map((attempt) => this.#recover(attempt)));
    this.#kick();
    await this.#pumped;
  }

  refusal(jobs: readonly SubmittedJob[]): { index: number; message: string } | null {
    const nowMs = this.#options.now();
    const arriving = this.#arriving.copy();
    for (let index = 0; index < jobs.length; ) {
      const { jobId, accepted, submission } = definite(jobs[index], 'in range');
      if (accepted.spec.image !== undefined) return { index, message: NO_IMAGES };
      const job = toJobRequest(jobId, accepted.spec, nowMs, submission);
      let end = index + 1;
      while (jobs[end]?.accepted === accepted) end += 1;
      const admission = this.#scheduler.admission(job, nowMs, end - index, arriving.list());
      if (!admission.isAdmissible) return { index, message: admission.message };
      arriving.add(job, end - index);
      index = end;
    }
    return null;
  }

  async submit(jobs: readonly SubmittedJob[]): Promise<void> {
    const atMs = this.#options.now();
    const records = jobs.map(({ jobId, accepted, submission }) => {
      const job = toJobRequest(jobId, accepted.spec, atMs, submission);
      return { event: { kind: 'JobSubmitted' as const, atMs, job }, accepted };
    });
    // Until they are the scheduler's to count.
    for (const { event } of records) this.#arriving.add(event.job, 1);
    try {
      await this.#request(records);
    } finally {
      for (const { event } of records) this.#arriving.add(event.job, -1);
    }
  }

  async cancel(jobId: number): Promise<void> {
    if (this.#isEnded(jobId)) return;
    await this.#requestEvent({ kind: 'JobCancelRequested', atMs: this.#options.now(), jobId });
  }

  signal(jobId: number, signal: NodeJS.Signals): Promise<void> {
    const view = this.#scheduler.job(jobId);
    if (view?.state !== 'RUNNING')
      throw new OrreryError('ORR_CONFLICT', `job ${jobId} is not running: nothing to signal`);
    this.#launcher.signal(jobId, view.attempt, signal);
    return Promise.resolve();
  }

  async requeue(jobId: number): Promise<void> {
    const atMs = this.#options.now();
    const view = this.#scheduler.job(jobId);
    if (view?.state === 'PENDING') throw new OrreryError('ORR_CONFLICT', `job ${jobId} is pending already`);
    if (view?.state === 'COMPLETING') {
      throw new OrreryError('ORR_CONFLICT', `job ${jobId} is being ended: requeue it once it has`);
    }
    if (!this.#isEnded(jobId)) return this.#requestEvent({ kind: 'JobRequeueRequested', atMs, jobId });
    const stored = this.#options.jobs.read(jobId);
    if (stored === undefined) throw new OrreryError('ORR_NOT_FOUND', `no job ${jobId}`);
    // Of an ended job the scheduler keeps the outcome only: it is told again what the job asks for.
    await this.#requestEvent({
      kind: 'JobSubmitted',
      atMs,
      job: { ...stored.request, isHeld: false, submitMs: atMs },
      attemptsBefore: stored.attempts,
    });
  }

  async hold(jobId: number): Promise<void> {
    this.#expectPending(jobId, 'held');
    await this.#requestEvent({ kind: 'JobHeld', atMs: this.#options.now(), jobId });
  }

  async release(jobId: number): Promise<void> {
    this.#expectPending(jobId, 'released');
    await this.#requestEvent({ kind: 'JobReleased', atMs: this.#options.now(), jobId });
  }

  async endHung(jobId: number, attempt: number): Promise<void> {
    await this.#requestEvent({ kind: 'AttemptHung', atMs: this.#options.now(), jobId, attempt });
  }

  async drain(nodeName: string, reason: string): Promise<void> {
    this.#expectNode(nodeName);
    await this.#requestEvent({ kind: 'NodeDrained', atMs: this.#options.now(), nodeName, reason });
  }

  async avoidNode(nodeName: string): Promise<void> {
    this.#expectNode(nodeName);
    throw new OrreryError('ORR_REFUSED', `node ${nodeName} is ours to drain: orrery nodes drain ${nodeName}`);
  }

  async resumeNode(nodeName: string): Promise<void> {
    this.#expectNode(nodeName);
    await this.#requestEvent({ kind: 'NodeResumed', atMs: this.#options.now(), nodeName });
  }

  async failNode(nodeName: string, reason: string): Promise<void> {
    this.#expectNode(nodeName);
    await this.#requestEvent({ kind: 'NodeFailed', atMs: this.#options.now(), nodeName, reason });
  }

  outage(): null {
    return null;
  }

  reservations(): readonly NodeReservation[] {
    return this.#scheduler.reservations();
  }

  async createReservation(reservation: NodeReservation): Promise<void> {
    const { name, nodes, startMs, endMs } = reservation;
    for (const nodeName of nodes) this.#expectNode(nodeName);
    const isSame = (other: NodeReservation) => other.name === name;
    const isInTheWay = (other: NodeReservation) =>
      other.startMs < endMs && startMs < other.endMs && other.nodes.some((node) => nodes.includes(node));
    const inTheWay = this.reservations().find((other) => isSame(other) || isInTheWay(other));
    if (inTheWay !== undefined) {
      const what = isSame(inTheWay)
        ? 'there is one of that name'
        : `reservation ${inTheWay.name} has some of the nodes then`;
      throw new OrreryError('ORR_CONFLICT', `reservation ${name}: ${what}`);
    }
    await this.#changeReservation(name, { kind: 'ReservationCreated', atMs: this.#options.now(), reservation });
  }

  async deleteReservation(name: string): Promise<void> {
    if (!this.reservations().some((other) => other.name === name)) {
      throw new OrreryError('ORR_NOT_FOUND', `no reservation ${JSON.stringify(name)}: see orrery reservations`);
    }
    const [jobId] = this.#scheduler.jobsIn(name);
    if (jobId !== undefined) {
      throw new OrreryError('ORR_CONFLICT', `reservation ${name} is in use: job ${jobId} names it and has not ended`);
    }
    await this.#changeReservation(name, { kind: 'ReservationDeleted', atMs: this.#options.now(), name });
  }

  async priorities(jobIds: readonly number[]): Promise<ReadonlyMap<number, PriorityParts>> {
    return new Map(
      jobIds.flatMap((jobId) => {
        const parts = this.#scheduler.priorityOf(jobId);
        return parts === null ? [] : [[jobId, parts] as const];
      }),
    );
  }

  async shares(): Promise<ShareView[]> {
    return this.#scheduler.shares();
  }

  observe(): Promise<JobFact[]> {
    const ids = new Set(this.#scheduler.nodes().flatMap((node) => node.jobIds));
    const facts = [...ids].flatMap((jobId) => {
      const view = this.#scheduler.job(jobId);
      return view === undefined ? [] : [toFact(view)];
    });
    return Promise.resolve(facts);
  }

  job(jobId: number): JobFact | undefined {
    const view = this.#scheduler.job(jobId);
    return view && toFact(view);
  }

  slurmJobId(): Promise<null> {
    return Promise.resolve(null);
  }

  nativeId(jobId: number): string {
    return String(jobId);
  }

  nodes(): NodeView[] {
    return this.#scheduler.nodes();
  }

  explain(jobId: number): string[] {
    return this.#scheduler.explain(jobId, this.#options.now());
  }

  expectedStartMs(jobId: number): number | null {
    return this.#scheduler.expectedStartMs(jobId, this.#options.now());
  }

  async stop(): Promise<void> {
    this.#isStopped = true;
    clearTimeout(this.#wakeTimer);
    await this.#pumped;
    // A launch that is cut off would be fenced and tried again at the next start.
    await this.#live.close();
    await this.#launcher.close();
  }

  #isEnded(jobId: number): boolean {
    const view = this.#scheduler.job(jobId);
    return view === undefined || !['PENDING', 'RUNNING', 'COMPLETING'].includes(view.state);
  }

  #expectPending(jobId: number, verb: string): void {
    const view = this.#scheduler.job(jobId);
    if (view?.state === 'PENDING') return;
    const state = view === undefined || this.#isEnded(jobId) ? 'has ended' : `is ${view.state}`;
    throw new OrreryError('ORR_CONFLICT', `job ${jobId} ${state}: only pending jobs can be ${verb}`);
  }

  #expectNode(nodeName: string): void {
    if (this.#scheduler.node(nodeName) !== undefined) return;
    const names = this.#scheduler.nodes().map((node) => node.spec.name);
    throw unknownNode(nodeName, names);
  }

  /** One at a time: what was checked must still hold when the scheduler is told. */
  async #changeReservation(name: string, event: SchedulerEvent): Promise<void> {
    if (this.#isReserving)
      throw new OrreryError('ORR_CONFLICT', `reservation ${name}: another one is being changed: try again`);
    this.#isReserving = true;
    try {
      await this.#requestEvent(event);
    } finally {
      this.#isReserving = false;
    }
  }

  #requestEvent(event: SchedulerEvent): Promise<void> {
    return this.#request([{ event }]);
  }

  #request(records: readonly JournalRecord[]): Promise<void> {
    if (this.#isStopped) throw new OrreryError('ORR_UNREACHABLE', 'the daemon is stopping');
    const done = this.#facts.request(records);
    this.#kick();
    return done;
  }

  #report(event: SchedulerEvent, message?: string): void {
    this.#facts.report(message === undefined ? { event } : { event, message });
    this.#kick();
  }

  #kick(): void {
    if (this.#isPumping || this.#isStopped) return;
    this.#isPumping = true;
    this.#pumped = this.#pump().finally(() => {
      this.#isPumping = false;
      if (!this.#facts.isEmpty) this.#kick();
    });
    this.#pumped.catch((error: unknown) => {
      // A contradiction between journal and scheduler: stop rather than corrupt the ledger. Recovery starts from the journal.
      this.#options.log.error({ err: error }, 'the scheduling cycle broke; the daemon stops');
      process.exit(1);
    });
  }

  /** One turn: commit facts, apply them, decide, commit the decisions, carry them out; again while there is something new. */
  async #pump(): Promise<void> {
    // Everything that arrives in this turn of the event loop shares the commit.
    await new Promise((resolve) => {
      setImmediate(resolve);
    });
    do {
      const failedNodes: string[] = [];
      const areFactsWritten = await this.#facts.commit((record) => {
        this.#scheduler.apply(record.event);
        this.#live.apply(record.event, this.#options.now());
        if (record.event.kind === 'NodeFailed') failedNodes.push(record.event.nodeName);
      });
      faultPoint('backend:facts-committed');
      await this.#decide(failedNodes);
      if (!areFactsWritten) await this.#facts.pause();
    } while (!this.#facts.isEmpty && !this.#isStopped);
  }

  async #decide(failedNodes: readonly string[]): Promise<void> {
    if (this.#isStopped) return;
    const nowMs = this.#options.now();
    const startedAt = performance.now();
    const { decisions, wakeAtMs } = this.#scheduler.decide(nowMs);
    this.#options.onCycle?.(performance.now() - startedAt);
    if (decisions.length === 0) this.#facts.noteCycle(nowMs);
    else {
      faultPoint('backend:decided');
      const echoes = decisions.map((decision) => ({ event: echoOf(decision, nowMs) }));
      if (!(await this.#facts.commitDecisions(echoes, () => this.#isStopped))) return;
      faultPoint('backend:decisions-committed');
      for (const { event } of echoes) {
        this.#scheduler.apply(event);
        this.#live.apply(event, nowMs);
      }
    }
    // Ranks on a failed node die first, as in a power cut; their gangs' other ranks are ended by decision.
    for (const nodeName of failedNodes) await this.#launcher.killNode(nodeName);
    for (const decision of decisions) this.#carryOut(decision);
    clearTimeout(this.#wakeTimer);
    if (wakeAtMs !== null) {
      // setTimeout holds 31 bits; waking early is harmless.
      const delayMs = Math.min(Math.max(0, wakeAtMs - this.#options.now()), 2 ** 31 - 1);
      this.#wakeTimer = setTimeout(() => this.#kick(), delayMs);
    }
  }

  #carryOut(decision: Decision): void {
    if (decision.kind === 'StartAttempt') {
      this.#live.startWith(decision.jobId, decision.attempt, this.#launch(decision));
    } else if (decision.kind === 'EndAttempt') {
      void this.#end(decision.jobId, decision.attempt, decision.cause);
    }
  }

  async #launch({ jobId, attempt, placement }: Extract<Decision, { kind: 'StartAttempt' }>): Promise<void> {
    const result = await this.#plan(jobId, attempt, placement)
      .then((plan) => this.#launcher.start(plan))
      .catch((error: unknown) => ({ kind: 'failed' as const, isRetryable: false, message: errorLine(error) }));
    const atMs = this.#options.now();
    if (result.kind === 'started') {
      if (this.#live.markStarted(jobId, attempt)) this.#report({ kind: 'AttemptStarted', atMs, jobId, attempt });
    } else {
      this.#options.log.info({ jobId, attempt, message: result.message }, 'launch failed');
      this.#report({
        kind: 'LaunchFailed',
        atMs,
        jobId,
        attempt,
        isRetryable: result.isRetryable,
        message: result.message,
      });
    }
  }

  async #end(jobId: number, attempt: number, cause: EndCause): Promise<void> {
    const graceMs = this.#graceMs(jobId, cause);
    await this.#live.starting(jobId, attempt);
    await this.#launcher.kill(jobId, attempt, graceMs);
  }

  /** A lost node gives no notice; a preempted job has the GraceTime of its QOS, if that has one; everything else KillWait. */
  #graceMs(jobId: number, cause: EndCause): number {
    if (cause === 'NODE_FAIL') return 0;
    const graceMs = cause === 'PREEMPTED' ? this.#scheduler.graceMs(jobId) : 0;
    return graceMs > 0 ? graceMs : this.#options.limits.killWaitMs;
  }

  async #plan(jobId: number, attempt: number, placement: Placement): Promise<AttemptPlan> {
    const { jobs, readSecrets, folders, limits } = this.#options;
    const stored = jobs.read(jobId);
    if (stored === undefined) throw new OrreryError('ORR_INTERNAL', `job ${jobId} is scheduled but not in the store`);
    const secrets = await readSecrets(stored.accepted.spec.secrets);
    const plan = planAttempt(stored, attempt, placement, secrets, folders, limits);
    await prepareWorkFolder(plan, stored.accepted, folders);
    this.#live.setWarning(jobId, attempt, stored.accepted.spec, this.#options.now());
    return plan;
  }

  async #recover(live: LiveAttempt): Promise<void> {
    const { jobId, attempt, cause } = live;
    const { jobs, folders, limits, log } = this.#options;
    const stored = jobs.read(jobId);
    if (stored === undefined) throw new OrreryError('ORR_INTERNAL', `job ${jobId} runs but is not in the store`);
    this.#live.restore(live);
    // Its environment was given to it when it started: secrets are not needed to find it again.
    const plan = planAttempt(stored, attempt, live.placement, {}, folders, limits);
    const found = await this.#launcher.recover(plan);
    log.info({ jobId, attempt, found: found.kind }, 'recovered attempt');
    const atMs = this.#options.now();
    if (found.kind === 'unclaimed') {
      this.#facts.report(...this.#live.recordsOfUnclaimed(jobId, attempt, atMs));
      return;
    }
    this.#live.setWarning(jobId, attempt, stored.accepted.spec, atMs);
    if (found.kind === 'ended') {
      this.#facts.report(...this.#live.recordsOfExit(found.exit, atMs));
      return;
    }
    if (this.#live.markStarted(jobId, attempt))
      this.#facts.report({ event: { kind: 'AttemptStarted', atMs, jobId, attempt } });
    if (cause !== null) void this.#end(jobId, attempt, cause);
  }
}

function toFact(view: JobView): JobFact {
  return {
    jobId: view.jobId,
    state: view.state,
    reason: view.reason,
    attempt: view.attempt,
    nodeList: (view.placement ?? []).map((allocation) => allocation.nodeName),
  };
}

function errorLine(error: unknown): string {
  return error instanceof Error ? (error.message.split('\n')[0] ?? error.name) : String(error);
}
