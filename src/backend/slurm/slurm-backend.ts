import { join } from 'node:path';
import { OrreryError } from '../../contract/errors.ts';
import { toJobRequest } from '../../contract/job-request.ts';
import type { Journal, JournalRecord } from '../../contract/journal.ts';
import { Gate } from '../../lib/gate.ts';
import type { NodeView, PriorityParts, ShareView } from '../../scheduler/types.ts';
import type { Backend, BackendReservation, JobFact, JobSource, Log, Outage, SubmittedJob } from '../port.ts';
import type { JobFolders } from '../work-folder.ts';
import { ended } from './mirror/attempt-facts.ts';
import { type ClusterView, DEFAULT_MAX_ARRAY_SIZE, refusalOf } from './nodes/cluster-view.ts';
import { closeFolder } from './submission/ended-folder.ts';
import { explainJob, goesByQueue } from './reasons/explanation.ts';
import { jobFact, recordLabel, slurmAddress, slurmLabel } from './mirror/job-fact.ts';
import { installRankScript, JobFolder } from './batch/job-folder.ts';
import { JoinedCalls } from './submission/joined-calls.ts';
import { KeptPatience } from './mirror/kept-patience.ts';
import { LookLoop, type PollMs } from './look-loop.ts';
import { type MirrorJob, NO_SUBMISSION } from './mirror/mirror-job.ts';
import { MirrorState } from './mirror/mirror-state.ts';
import { parseSprio, parseSshare, SPRIO_FORMAT } from './output/priority-text.ts';
import { Poll } from './poll.ts';
import { QueueTable } from './reasons/queue-table.ts';
import { parseReservations } from './output/reservation-text.ts';
import { SACCT_TIME } from './output/sacct-text.ts';
import type { SlurmCommands, SlurmProgram } from './slurm-commands.ts';
import { isPending } from './output/slurm-job.ts';
import { SlurmNodes } from './nodes/slurm-nodes.ts';
import { Submitter } from './submission/submitter.ts';

export interface SlurmBackendOptions {
  commands: SlurmCommands;
  journal: Journal;
  jobs: JobSource;
  folders: JobFolders;
  /** Absolute, seen by all nodes under the same path. */
  sharedFolder: string;
  /** Eight hex digits that tell our jobs from those of any other Orrery. */
  homeId: string;
  /** As whom the commands run. */
  user: string;
  cluster: ClusterView;
  /** Where Slurm did not answer at the start, and `cluster` is as last seen. */
  outage?: Outage | null;
  readSecrets: (names: readonly string[]) => Promise<Record<string, string>>;
  now: () => number;
  log: Log;
  /** Default 1,000 to 15,000. */
  pollMs?: PollMs;
  /** Told how long each look at Slurm took, in milliseconds. */
  onCycle?: (ms: number) => void;
  /** Told of each job that Slurm gave nodes and that had no attempt: the journal does not know of it. */
  onLaunchFailure?: () => void;
}

const CALLS_AT_ONCE = 8;

/** A cluster that Slurm schedules: jobs go there by sbatch, what becomes of them is journalled as it is seen. */
export class SlurmBackend implements Backend {
  readonly #options: SlurmBackendOptions;
  readonly #state: MirrorState;
  readonly #nodes: SlurmNodes;
  readonly #poll: Poll;
  readonly #queue: QueueTable;
  readonly #loop: LookLoop;
  readonly #holds: JoinedCalls;
  readonly #calls = new Gate(CALLS_AT_ONCE);
  readonly #patience: KeptPatience;
  #submitter: Submitter | undefined;
  /** As last told; null: not asked, or no answer. */
  #reservations: readonly BackendReservation[] | null = null;
  #isStopped = false;

  constructor(options: SlurmBackendOptions) {
    this.#options = options;
    const state = new MirrorState(options.journal);
    this.#patience = new KeptPatience(join(options.sharedFolder, 'slurm', 'missing.json'));
    const nodes = new SlurmNodes({ ...options, state });
    const poll = new Poll({
      ...options,
      state,
      patience: this.#patience,
      refreshNodes: () => nodes.refresh(),
      silentNodes: () => nodes.silent,
      isPreempting: options.cluster.isPreempting,
      spareable: (job) => nodes.spareable(job),
    });
    this.#loop = new LookLoop({
      ...options,
      look: async () => {
        await nodes.refreshIfDue();
        return poll.look((work) => state.exclusively(work));
      },
      onLooked: () => this.#submitter?.pump(),
    });
    this.#holds = new JoinedCalls((verb, address) => this.#call('scontrol', [verb, address]));
    this.#state = state;
    this.#queue = new QueueTable(options.commands, options.now);
    this.#nodes = nodes;
    this.#poll = poll;
  }

  async start(records: readonly JournalRecord[]): Promise<void> {
    const { folders, log, now, sharedFolder } = this.#options;
    for (const record of records) this.#state.apply(record);
    await Promise.all(
      [...this.#state.jobs.values()].map(async (job) => {
        const record = await new JobFolder(folders.job(job.request.jobId)).readRecord();
        if (record === null) return;
        job.record = record;
        job.phaseSinceMs = now();
        if (record.refusal === null && !record.isDue)
          job.phase = recordLabel(record) === null ? 'unknown' : 'submitted';
      }),
    );
    await this.#patience.restore(this.#state.jobs, now());
    await this.#nodes.start();
    this.#submitter = new Submitter({
      ...this.#options,
      state: this.#state,
      rankScript: await installRankScript(sharedFolder),
      spareable: (job) => this.#nodes.spareable(job),
      maxArraySize: this.#options.cluster.maxArraySize ?? DEFAULT_MAX_ARRAY_SIZE,
      onAnswer: (jobs) => {
        this.#endUnsubmitted(jobs).catch((error: unknown) => {
          log.error({ err: error }, 'the end of a cancelled job is not in the journal');
        });
        this.#loop.soon();
      },
    });
    await this.#endUnsubmitted([...this.#state.jobs.values()]);
    this.#submitter.pump();
    this.#loop.soon();
  }

  refusal(jobs: readonly SubmittedJob[]): { index: number; message: string } | null {
    const view = { ...this.#options.cluster, nodes: this.#nodes.seen, reservations: this.#reservations };
    let last: SubmittedJob['accepted'] | undefined;
    for (const [index, { accepted }] of jobs.entries()) {
      if (accepted === last) continue;
      last = accepted;
      const message = refusalOf(accepted.spec, this.#options.user, view);
      if (message !== null) return { index, message };
    }
    return null;
  }

  async submit(jobs: readonly SubmittedJob[]): Promise<void> {
    const atMs = this.#options.now();
    await this.#commit(
      jobs.map(({ jobId, accepted, submission }) => {
        const job = toJobRequest(jobId, accepted.spec, atMs, submission);
        return { event: { kind: 'JobSubmitted', atMs, job }, accepted };
      }),
    );
    this.#submitter?.pump();
  }

  async cancel(jobId: number): Promise<void> {
    const job = this.#state.jobs.get(jobId);
    if (job === undefined) return;
    await this.#commit([{ event: { kind: 'JobCancelRequested', atMs: this.#options.now(), jobId } }]);
    await this.#endUnsubmitted([job]);
    // One of several that wait together: the next look sees to all of them at once.
    if (job.slurm !== null && job.slurm.slurmJobId !== null) await this.#poll.cancel([job.slurm]);
    this.#loop.soon();
  }

  async signal(jobId: number, signal: NodeJS.Signals): Promise<void> {
    const job = this.#state.jobs.get(jobId);
    if (job === undefined || job.live === null) {
      throw new OrreryError('ORR_CONFLICT', `job ${jobId} is not running: nothing to signal`);
    }
    if (job.slurm?.state === 'SUSPENDED')
      throw new OrreryError('ORR_CONFLICT', `job ${jobId} is suspended: it can be signalled once Slurm resumes it`);
    // A script that runs once is a child of the batch script, which hands on what it does not understand as meant for itself.
    const isOnce = this.#options.jobs.read(jobId)?.accepted.spec.once === true;
    const to = isOnce ? [signal === 'SIGTERM' ? '--full' : '--batch'] : [];
    await this.#ask(job, 'scancel', (id) => [...to, `--signal=${signal.slice('SIG'.length)}`, id]);
  }

  async requeue(jobId: number): Promise<void> {
    const atMs = this.#options.now();
    const job = this.#state.jobs.get(jobId);
    if (job !== undefined && job.live === null)
      throw new OrreryError('ORR_CONFLICT', `job ${jobId} is pending already`);
    if (job?.slurm?.state === 'SUSPENDED') {
      // Slurm would take it off its nodes and hold it, as an operator does.
      throw new OrreryError('ORR_CONFLICT', `job ${jobId} is suspended: it can be requeued once Slurm resumes it`);
    }
    if (job !== undefined) {
      // Journalled first: whoever sees the attempt end knows why.
      await this.#commit([{ event: { kind: 'JobRequeueRequested', atMs, jobId } }]);
      await this.#ask(job, 'scontrol', (id) => ['requeue', id]).catch((error: unknown) => {
        job.isRequeueRequested = false;
        throw error;
      });
      return;
    }
    const stored = this.#options.jobs.read(jobId);
    if (stored === undefined) throw new OrreryError('ORR_NOT_FOUND', `no job ${jobId}`);
    const request = { ...stored.request, isHeld: false, submitMs: atMs };
    // A number of its own, so that what the job was to Slurm before is not taken for what it is from now on.
    const folder = new JobFolder(this.#options.folders.job(jobId));
    const before = (await folder.readRecord()) ?? NO_SUBMISSION;
    const record = { ...NO_SUBMISSION, submission: before.submission + 1, base: stored.attempts };
    await folder.removeMark();
    if (before.submission > 0) await folder.writeRecord(record);
    await this.#commit([{ event: { kind: 'JobSubmitted', atMs, job: request, attemptsBefore: stored.attempts } }]);
    const again = this.#state.jobs.get(jobId);
    if (again !== undefined) again.record = record;
    this.#submitter?.pump();
  }

  async endHung(jobId: number, attempt: number): Promise<void> {
    const job = this.#state.jobs.get(jobId);
    if (job?.live?.attempt !== attempt || job.isHung) return;
    // Journalled first: whoever sees the attempt end knows why.
    await this.#commit([{ event: { kind: 'AttemptHung', atMs: this.#options.now(), jobId, attempt } }]);
    const mayRequeue = job.requeues < job.request.maxRequeues;
    const asked = mayRequeue
      ? this.#ask(job, 'scontrol', (id) => ['requeue', id])
      : this.#ask(job, 'scancel', (id) => [id]);
    await asked.catch((error: unknown) => {
      job.isHung = false;
      throw error;
    });
  }

  async hold(jobId: number): Promise<void> {
    // A hold of the user's own, that no operator is needed to end.
    await this.#setHeld(this.#expectPending(jobId, 'held'), 'uhold');
  }

  async release(jobId: number): Promise<void> {
    const job = this.#expectPending(jobId, 'released');
    await this.#setHeld(job, 'release');
    if (job.record.refusal !== null) {
      job.record = { ...job.record, refusal: null, launchFailures: 0 };
      // Whoever releases it means now.
      job.notBeforeMs = 0;
      this.#submitter?.pump();
    }
  }

  async #setHeld(job: MirrorJob, verb: 'uhold' | 'release'): Promise<void> {
    const { jobId } = job.request;
    const tell = async (): Promise<boolean> => {
      // sbatch may be on its way with what was wanted before.
      await this.#submitter?.answered(jobId);
      if (job.phase === 'none') return false;
      await this.#holds.ask(verb, this.#addressOf(job));
      return true;
    };
    const isTold = await tell();
    const isHeld = verb === 'uhold';
    const event = { kind: isHeld ? 'JobHeld' : 'JobReleased', atMs: this.#options.now(), jobId } as const;
    if (job.isHeld !== isHeld) await this.#commit([{ event }]);
    // Called while it was journalled.
    if (!isTold) await tell();
  }

  async drain(nodeName: string, reason: string): Promise<void> {
    await this.#nodes.drain(nodeName, reason);
  }

  async avoidNode(nodeName: string, reason: string): Promise<void> {
    await this.#nodes.avoid(nodeName, reason);
    this.#loop.soon();
  }

  async resumeNode(nodeName: string): Promise<void> {
    await this.#nodes.resume(nodeName);
  }

  async failNode(nodeName: string): Promise<void> {
    this.#nodes.expect(nodeName);
    throw new OrreryError(
      'ORR_REFUSED',
      `node ${nodeName} is a real one of Slurm's: no drills here; scontrol update NodeName=${nodeName} State=DOWN takes it down`,
    );
  }

  async observe(): Promise<JobFact[]> {
    await this.#loop.look();
    return [...this.#state.jobs.values()].filter(({ live }) => live !== null).map(jobFact);
  }

  job(jobId: number): JobFact | undefined {
    const job = this.#state.jobs.get(jobId);
    return job && jobFact(job);
  }

  nativeId(jobId: number): string | null {
    const job = this.#state.jobs.get(jobId);
    return job === undefined ? null : slurmLabel(job);
  }

  async slurmJobId(jobId: number): Promise<string | null> {
    const native = this.nativeId(jobId);
    if (native !== null || this.#state.jobs.has(jobId)) return native;
    const record = await new JobFolder(this.#options.folders.job(jobId)).readRecord();
    return record === null ? null : recordLabel(record);
  }

  nodes(): NodeView[] {
    return this.#nodes.views();
  }

  outage(): Outage | null {
    return this.#loop.outage;
  }

  reservations(): readonly BackendReservation[] {
    return this.#reservations ?? [];
  }

  async refreshReservations(): Promise<void> {
    // Where Slurm does not answer nothing is known, rather than what was once.
    this.#reservations = null;
    const args = ['--oneliner', 'show', 'reservation'];
    this.#reservations = parseReservations(
      await this.#options.commands.run('scontrol', args, { variables: SACCT_TIME }),
    );
  }

  async createReservation(): Promise<void> {
    throw new OrreryError(
      'ORR_REFUSED',
      "reservations are Slurm's here: scontrol create reservation, by an operator; jobs name theirs with --reservation",
    );
  }

  async deleteReservation(): Promise<void> {
    throw new OrreryError(
      'ORR_REFUSED',
      "reservations are Slurm's here: scontrol delete ReservationName=NAME, by an operator",
    );
  }

  async priorities(jobIds: readonly number[]): Promise<ReadonlyMap<number, PriorityParts>> {
    const text = await this.#options.commands
      .run('sprio', ['--noheader', `--format=${SPRIO_FORMAT}`])
      .catch((error: unknown) => {
        // With priority/basic there are no parts.
        if (error instanceof Error && error.message.includes('supported priority plugin')) return '';
        throw error;
      });
    const bySlurmId = parseSprio(text);
    return new Map(
      jobIds.flatMap((jobId) => {
        const job = this.#state.jobs.get(jobId);
        const parts = bySlurmId.get(job?.record.slurmJobId ?? job?.slurm?.arrayJobId ?? 0);
        return parts === undefined ? [] : [[jobId, parts] as const];
      }),
    );
  }

  async shares(): Promise<ShareView[]> {
    return parseSshare(await this.#options.commands.run('sshare', ['-alP']));
  }

  async explain(jobId: number): Promise<string[]> {
    const job = this.#state.jobs.get(jobId);
    if (job === undefined) return [];
    const { cluster, now } = this.#options;
    const queue = goesByQueue(job) ? await this.#queue.read() : [];
    const isUnreachable = this.#loop.outage !== null;
    return explainJob(job, { state: this.#state, partitions: cluster.partitions, queue, isUnreachable, nowMs: now() });
  }

  expectedStartMs(jobId: number): number | null {
    const slurm = this.#state.jobs.get(jobId)?.slurm ?? null;
    return slurm !== null && isPending(slurm) && slurm.startMs !== null && slurm.startMs > this.#options.now()
      ? slurm.startMs
      : null;
  }

  async stop(): Promise<void> {
    this.#isStopped = true;
    await Promise.all([this.#submitter?.stop(), this.#loop.stop()]);
    await this.#state.settled();
  }

  async #ask(job: MirrorJob, program: SlurmProgram, args: (address: string) => string[]): Promise<void> {
    await this.#call(program, args(this.#addressOf(job)));
  }

  #addressOf(job: MirrorJob): string {
    const address = slurmAddress(job);
    if (job.phase === 'submitted' && address !== null) return address;
    throw new OrreryError('ORR_CONFLICT', `job ${job.request.jobId} is on its way to Slurm: try again in a moment`);
  }

  /** All tasks of an array may be asked of at once. */
  async #call(program: SlurmProgram, args: readonly string[]): Promise<void> {
    await this.#calls.run(() => this.#options.commands.run(program, args));
    this.#loop.soon();
  }

  #expectPending(jobId: number, verb: string): MirrorJob {
    const job = this.#state.jobs.get(jobId);
    if (job !== undefined && job.live === null) return job;
    const state = job === undefined ? 'has ended' : 'is RUNNING';
    throw new OrreryError('ORR_CONFLICT', `job ${jobId} ${state}: only pending jobs can be ${verb}`);
  }

  /** A job that was cancelled and that Slurm does not have has ended: sbatch is called for it no more. */
  async #endUnsubmitted(jobs: readonly MirrorJob[]): Promise<void> {
    const { folders, log, now } = this.#options;
    const over = await this.#state.exclusively(async () => {
      const due = jobs.filter((job) => {
        return job.phase === 'none' && job.isCancelRequested && this.#state.jobs.get(job.request.jobId) === job;
      });
      await this.#state.commit(due.map((job) => ended(job, 'CANCELLED', 1, now())));
      return due;
    });
    await Promise.all(over.map(({ request }) => closeFolder(request.jobId, this.#state, folders, log)));
  }

  async #commit(records: readonly JournalRecord[]): Promise<void> {
    if (this.#isStopped) throw new OrreryError('ORR_UNREACHABLE', 'the daemon is stopping');
    await this.#state.exclusively(() => this.#state.commit(records));
  }
}
