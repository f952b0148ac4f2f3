import type { NodeSpec } from '../../cluster/node.ts';
import { OrreryError } from '../../contract/errors.ts';
import { toJobRequest } from '../../contract/job-request.ts';
import type { Journal, JournalRecord } from '../../contract/journal.ts';
import { definite } from '../../lib/assert.ts';
import { isPartitionExcess } from '../../scheduler/partition-limits.ts';
import type { NodeReservation } from '../../scheduler/policy.ts';
import type { PastUse } from '../../scheduler/past-use.ts';
import type { JobView, NodeView, PriorityParts, Scheduler, SchedulerEvent, ShareView } from '../../scheduler/types.ts';
import type { Backend, JobFact, JobSource, Log, SubmittedJob } from '../port.ts';
import { unknownNode } from '../unknown-node.ts';
import type { JobFolders } from '../work-folder.ts';
import { ArrivingJobs } from './arriving-jobs.ts';
import type { PlanLimits } from './attempt-plan.ts';
import { AttemptRunner } from './attempt-runner.ts';
import type { Launcher } from './launcher-port.ts';
import { liveAttempts, reconcileNodes } from './recovery.ts';
import { ReservationRequests } from './reservation-requests.ts';
import { SchedulingLoop } from './scheduling-loop.ts';
import { slurmOnlyRefusal } from './slurm-only.ts';

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

/** The cluster of this machine: our scheduler and real processes. Requests are checked here; the loop and the runner do the rest. */
export class LocalBackend implements Backend {
  readonly #options: LocalBackendOptions;
  readonly #scheduler: Scheduler;
  readonly #loop: SchedulingLoop;
  readonly #runner: AttemptRunner;
  readonly #reservations: ReservationRequests;
  readonly #arriving = new ArrivingJobs();

  constructor(options: LocalBackendOptions) {
    this.#options = options;
    this.#scheduler = options.scheduler;
    this.#runner = new AttemptRunner({ ...options, report: (...records) => this.#loop.report(...records) });
    this.#loop = new SchedulingLoop({
      ...options,
      onCommitted: (event, nowMs) => this.#runner.apply(event, nowMs),
      carryOut: (decisions, failedNodes) => this.#runner.carryOut(decisions, failedNodes),
    });
    this.#reservations = new ReservationRequests({ ...options, request: (event) => this.#request(event) });
  }

  async start(records: readonly JournalRecord[], pastUse: PastUse): Promise<void> {
    const { nodes, now, journal } = this.#options;
    for (const record of records) this.#scheduler.apply(record.event);
    const changes = reconcileNodes(this.#scheduler.nodes(), nodes, now());
    if (pastUse.uses.length > 0) changes.push({ kind: 'UseCarried', atMs: now(), ...pastUse });
    if (changes.length > 0) await journal.append(changes.map((event) => ({ event })));
    for (const event of changes) this.#scheduler.apply(event);
    await Promise.all(liveAttempts(records).map((attempt) => this.#runner.recover(attempt)));
    await this.#loop.begin();
  }

  refusal(jobs: readonly SubmittedJob[]): { index: number; message: string } | null {
    const nowMs = this.#options.now();
    const arriving = this.#arriving.copy();
    for (let index = 0; index < jobs.length; ) {
      const { jobId, accepted, submission } = definite(jobs[index], 'in range');
      const slurmOnly = slurmOnlyRefusal(accepted.spec);
      if (slurmOnly !== null) return { index, message: slurmOnly };
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

  cautions(jobs: readonly SubmittedJob[]): string[] {
    const first = jobs.filter(({ accepted }, index) => accepted !== jobs[index - 1]?.accepted);
    return first.flatMap(({ jobId }) => {
      const reason = this.#scheduler.job(jobId)?.reason;
      return isPartitionExcess(reason) ? this.#scheduler.explain(jobId, this.#options.now()) : [];
    });
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
      await this.#loop.request(...records);
    } finally {
      for (const { event } of records) this.#arriving.add(event.job, -1);
    }
  }

  async cancel(jobId: number): Promise<void> {
    if (this.#isEnded(jobId)) return;
    await this.#request({ kind: 'JobCancelRequested', atMs: this.#options.now(), jobId });
  }

  signal(jobId: number, signal: NodeJS.Signals): Promise<void> {
    const view = this.#scheduler.job(jobId);
    if (view?.state !== 'RUNNING')
      throw new OrreryError('ORR_CONFLICT', `job ${jobId} is not running: nothing to signal`);
    this.#runner.signal(jobId, view.attempt, signal);
    return Promise.resolve();
  }

  async requeue(jobId: number): Promise<void> {
    const atMs = this.#options.now();
    const view = this.#scheduler.job(jobId);
    if (view?.state === 'PENDING') throw new OrreryError('ORR_CONFLICT', `job ${jobId} is pending already`);
    if (view?.state === 'COMPLETING') {
      throw new OrreryError('ORR_CONFLICT', `job ${jobId} is being ended: requeue it once it has`);
    }
    if (!this.#isEnded(jobId)) return this.#request({ kind: 'JobRequeueRequested', atMs, jobId });
    const stored = this.#options.jobs.read(jobId);
    if (stored === undefined) throw new OrreryError('ORR_NOT_FOUND', `no job ${jobId}`);
    // Of an ended job the scheduler keeps the outcome only: it is told again what the job asks for.
    await this.#request({
      kind: 'JobSubmitted',
      atMs,
      job: { ...stored.request, isHeld: false, submitMs: atMs },
      attemptsBefore: stored.attempts,
    });
  }

  async hold(jobId: number): Promise<void> {
    this.#expectPending(jobId, 'held');
    await this.#request({ kind: 'JobHeld', atMs: this.#options.now(), jobId });
  }

  async release(jobId: number): Promise<void> {
    this.#expectPending(jobId, 'released');
    await this.#request({ kind: 'JobReleased', atMs: this.#options.now(), jobId });
  }

  async endHung(jobId: number, attempt: number): Promise<void> {
    await this.#request({ kind: 'AttemptHung', atMs: this.#options.now(), jobId, attempt });
  }

  async drain(nodeName: string, reason: string): Promise<void> {
    this.#expectNode(nodeName);
    await this.#request({ kind: 'NodeDrained', atMs: this.#options.now(), nodeName, reason });
  }

  async avoidNode(nodeName: string): Promise<void> {
    this.#expectNode(nodeName);
    throw new OrreryError('ORR_REFUSED', `node ${nodeName} is ours to drain: orrery nodes drain ${nodeName}`);
  }

  async resumeNode(nodeName: string): Promise<void> {
    this.#expectNode(nodeName);
    await this.#request({ kind: 'NodeResumed', atMs: this.#options.now(), nodeName });
  }

  async failNode(nodeName: string, reason: string): Promise<void> {
    this.#expectNode(nodeName);
    await this.#request({ kind: 'NodeFailed', atMs: this.#options.now(), nodeName, reason });
  }

  outage(): null {
    return null;
  }

  refreshReservations(): Promise<void> {
    return Promise.resolve();
  }

  refreshRules(): Promise<void> {
    return Promise.resolve();
  }

  reservations(): readonly NodeReservation[] {
    return this.#scheduler.reservations();
  }

  async createReservation(reservation: NodeReservation): Promise<void> {
    for (const nodeName of reservation.nodes) this.#expectNode(nodeName);
    await this.#reservations.create(reservation);
  }

  deleteReservation(name: string): Promise<void> {
    return this.#reservations.delete(name);
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

  async explain(jobId: number): Promise<string[]> {
    return this.#scheduler.explain(jobId, this.#options.now());
  }

  expectedStartMs(jobId: number): number | null {
    return this.#scheduler.expectedStartMs(jobId, this.#options.now());
  }

  async stop(): Promise<void> {
    await this.#loop.stop();
    await this.#runner.close();
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

  #request(event: SchedulerEvent): Promise<void> {
    return this.#loop.request({ event });
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
