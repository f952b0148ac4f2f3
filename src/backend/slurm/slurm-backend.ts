import { join } from 'node:path';
import { OrreryError } from '../../contract/errors.ts';
import { toJobRequest } from '../../contract/job-request.ts';
import type { Journal, JournalRecord } from '../../contract/journal.ts';
import type { NodeView, PriorityParts, ShareView } from '../../scheduler/types.ts';
import type { Backend, BackendReservation, JobFact, JobSource, Log, Outage, SubmittedJob } from '../port.ts';
import type { JobFolders } from '../work-folder.ts';
import { JobFolder } from './batch/job-folder.ts';
import { explainLimit } from './limits/limit-table.ts';
import { limitedSubmission } from './limits/limited-submission.ts';
import { LookLoop, type PollMs } from './look-loop.ts';
import { jobFact, recordLabel, slurmLabel } from './mirror/job-fact.ts';
import { KeptPatience } from './mirror/kept-patience.ts';
import type { MirrorJob } from './mirror/mirror-job.ts';
import { MirrorState } from './mirror/mirror-state.ts';
import { DEFAULT_MAX_ARRAY_SIZE, refusalOf } from './nodes/cluster-view.ts';
import { enforcedRefusal, partitionCautions } from './nodes/partition-cautions.ts';
import type { KnownCluster } from './nodes/known-cluster.ts';
import { SlurmReservations } from './nodes/reservations.ts';
import { SlurmNodes } from './nodes/slurm-nodes.ts';
import { isPending } from './output/slurm-job.ts';
import { Poll } from './poll.ts';
import { isAway, promptCommands } from './prompt-commands.ts';
import { blockersOf } from './reasons/blockers.ts';
import { explainJob, goesByQueue } from './reasons/explanation.ts';
import { prioritiesOf, sharesOf } from './reasons/priorities.ts';
import { QueueTable } from './reasons/queue-table.ts';
import type { SlurmCommands } from './slurm-commands.ts';
import { JobRequests } from './submission/job-requests.ts';
import { Submitter } from './submission/submitter.ts';
import { endUnsubmitted } from './submission/unsubmitted.ts';

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
  cluster: KnownCluster;
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
  /** Told once of each job of this home that Slurm has and the journal has never known: its id is not to be given again. */
  onUnknownJob?: (jobId: number) => void;
}

/** A cluster that Slurm schedules: jobs go there by sbatch, what becomes of them is journalled as it is seen. */
export class SlurmBackend implements Backend {
  readonly #options: SlurmBackendOptions;
  readonly #state: MirrorState;
  readonly #nodes: SlurmNodes;
  readonly #reservations: SlurmReservations;
  readonly #queue: QueueTable;
  readonly #loop: LookLoop;
  readonly #patience: KeptPatience;
  readonly #submitter: Submitter;
  readonly #requests: JobRequests;
  /** For what somebody waits for. */
  readonly #prompt: Pick<SlurmCommands, 'run'>;
  #isStopped = false;

  constructor(options: SlurmBackendOptions) {
    const { journal, commands, sharedFolder, log } = options;
    const cluster = options.cluster.view;
    this.#options = options;
    this.#state = new MirrorState(journal);
    this.#patience = new KeptPatience(join(sharedFolder, 'slurm', 'missing.json'));
    const prompt = promptCommands(commands, () => this.#loop.failure);
    this.#prompt = prompt;
    this.#reservations = new SlurmReservations(prompt);
    this.#queue = new QueueTable(prompt, () => performance.now());
    const state = this.#state;
    const nodes = new SlurmNodes({ ...options, state, prompt, reservations: this.#reservations });
    this.#nodes = nodes;
    const spareable = (job: MirrorJob) => nodes.spareable(job);
    const poll = new Poll({
      ...options,
      state,
      patience: this.#patience,
      refreshNodes: () => nodes.refresh(),
      silentNodes: () => nodes.silent,
      isPreempting: cluster.isPreempting,
      hasAccounting: cluster.hasAccounting ?? false,
      spareable,
    });
    this.#loop = new LookLoop({
      ...options,
      look: async () => {
        await nodes.refreshIfDue();
        return poll.look((work) => state.exclusively(work));
      },
      loadMs: () => poll.squeueMs,
      onLooked: (isBack) => (isBack ? this.#submitter.retry() : this.#submitter.pump()),
    });
    this.#submitter = new Submitter({
      ...options,
      state,
      spareable,
      refreshNodes: () => nodes.refresh(),
      maxArraySize: cluster.maxArraySize ?? DEFAULT_MAX_ARRAY_SIZE,
      onAnswer: (jobs) => {
        endUnsubmitted(jobs, { ...options, state }).catch((error: unknown) => {
          log.error({ err: error }, 'the end of a cancelled job is not in the journal');
        });
        this.#loop.soon();
      },
    });
    this.#requests = new JobRequests({
      ...options,
      commands: prompt,
      state,
      submitter: this.#submitter,
      isAway: () => isAway(this.#loop.failure),
      commit: (records) => this.#commit(records),
      cancelAtSlurm: (jobs) => poll.cancel(jobs),
      takeBack: (job, slurm) => poll.submitAnew(job, slurm),
      lookSoon: () => this.#loop.soon(),
    });
  }

  async start(records: readonly JournalRecord[]): Promise<void> {
    const { folders, now } = this.#options;
    for (const record of records) this.#state.apply(record);
    await Promise.all(
      [...this.#state.jobs.values()].map(async (job) => {
        const record = await new JobFolder(folders.job(job.request.jobId)).readRecord();
        job.phaseSinceMs = now();
        // It has begun, so somebody has deleted its folder: Slurm may have it still.
        if (record === null && job.attempt > job.attemptsBefore) job.phase = 'unknown';
        if (record === null) return;
        job.record = record;
        if (record.refusal === null && !record.isDue)
          job.phase = recordLabel(record) === null ? 'unknown' : 'submitted';
      }),
    );
    await this.#patience.restore(this.#state.jobs, now());
    await this.#nodes.start();
    await endUnsubmitted([...this.#state.jobs.values()], { ...this.#options, state: this.#state });
    await this.#submitter.start();
    this.#loop.soon();
  }

  refusal(jobs: readonly SubmittedJob[]): { index: number; message: string } | null {
    const view = { ...this.#options.cluster.view, nodes: this.#nodes.seen, reservations: this.#reservations.seen };
    let last: SubmittedJob['accepted'] | undefined;
    for (const [index, { accepted }] of jobs.entries()) {
      if (accepted === last) continue;
      last = accepted;
      const message = refusalOf(accepted.spec, this.#options.user, view) ?? enforcedRefusal(accepted.spec, view);
      if (message !== null) return { index, message };
    }
    return null;
  }

  cautions(jobs: readonly SubmittedJob[]): string[] {
    return partitionCautions(jobs, this.#options.cluster.view);
  }

  async submit(jobs: readonly SubmittedJob[]): Promise<void> {
    const atMs = this.#options.now();
    await this.#commit(
      jobs.map(({ jobId, accepted, submission }) => {
        const job = toJobRequest(jobId, accepted.spec, atMs, submission);
        return { event: { kind: 'JobSubmitted', atMs, job }, accepted };
      }),
    );
    this.#submitter.pump();
  }

  cancel(jobId: number): Promise<void> {
    return this.#requests.cancel(jobId);
  }

  signal(jobId: number, signal: NodeJS.Signals): Promise<void> {
    return this.#requests.signal(jobId, signal);
  }

  requeue(jobId: number): Promise<void> {
    return this.#requests.requeue(jobId);
  }

  endHung(jobId: number, attempt: number): Promise<void> {
    return this.#requests.endHung(jobId, attempt);
  }

  hold(jobId: number): Promise<void> {
    return this.#requests.hold(jobId);
  }

  release(jobId: number): Promise<void> {
    return this.#requests.release(jobId);
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
    const folder = new JobFolder(this.#options.folders.job(jobId));
    const record = await folder.readRecord();
    if (record === null) return null;
    // It had ended by itself before a look at Slurm told its number: its script wrote that down.
    const claimed = (await folder.attempts(record.base)).findLast(({ slurmJobId }) => slurmJobId !== null);
    return recordLabel(record) ?? claimed?.slurmJobId?.toString() ?? null;
  }

  nodes(): NodeView[] {
    return this.#nodes.views();
  }

  outage(): Outage | null {
    return this.#loop.outage;
  }

  reservations(): readonly BackendReservation[] {
    return this.#reservations.seen ?? [];
  }

  refreshReservations(): Promise<void> {
    return this.#reservations.refresh();
  }

  refreshRules(): Promise<void> {
    return this.#options.cluster.refresh();
  }

  createReservation(): Promise<void> {
    return this.#reservations.create();
  }

  deleteReservation(): Promise<void> {
    return this.#reservations.delete();
  }

  priorities(jobIds: readonly number[]): Promise<ReadonlyMap<number, PriorityParts>> {
    return prioritiesOf(jobIds, this.#state, this.#prompt);
  }

  shares(): Promise<ShareView[]> {
    return sharesOf(this.#prompt);
  }

  async explain(jobId: number): Promise<string[]> {
    const job = this.#state.jobs.get(jobId);
    if (job === undefined) return [];
    const { commands, cluster, now } = this.#options;
    // Operators change what a partition allows while jobs wait for it.
    if (job.slurm?.reason.startsWith('Partition') === true && this.#loop.outage === null)
      await cluster.refresh().catch(() => undefined);
    const queue = goesByQueue(job) ? await this.#queue.read() : [];
    const { outage } = this.#loop;
    const isUnreachable = outage !== null;
    const { partitions, privateData } = cluster.view;
    const { live, slurm } = job;
    const isWaiting = live === null && slurm !== null && isPending(slurm);
    // Whom Slurm shows others' jobs is an operator.
    const isAlone = privateData?.includes('jobs') === true && queue.every(({ user }) => user === this.#options.user);
    const known = {
      state: this.#state,
      partitions,
      queue,
      isAlone,
      isUnreachable,
      isDiskFull: outage?.cause === 'storage',
      nowMs: now(),
    };
    const limited = isWaiting ? slurm : limitedSubmission(job, this.#options.user, this.#options.cluster.view);
    if (limited === null || isUnreachable) return explainJob(job, { ...known, limit: null });
    const limit = await explainLimit(limited, commands, partitions);
    if (!isWaiting) return explainJob(job, { ...known, limit });
    const blockers = await blockersOf(slurm.reason, { nodes: this.#nodes, reservations: this.#reservations, commands });
    return explainJob(job, { ...known, limit, blockers, spared: this.#nodes.spareable(job) });
  }

  expectedStartMs(jobId: number): number | null {
    const slurm = this.#state.jobs.get(jobId)?.slurm ?? null;
    return slurm !== null && isPending(slurm) && slurm.startMs !== null && slurm.startMs > this.#options.now()
      ? slurm.startMs
      : null;
  }

  async stop(): Promise<void> {
    this.#isStopped = true;
    await Promise.all([this.#submitter.stop(), this.#loop.stop()]);
    await this.#state.settled();
  }

  async #commit(records: readonly JournalRecord[]): Promise<void> {
    if (this.#isStopped) throw new OrreryError('ORR_UNREACHABLE', 'the daemon is stopping');
    await this.#state.exclusively(() => this.#state.commit(records));
  }
}
