import { OrreryError } from '../../contract/errors.ts';
import { toJobRequest } from '../../contract/job-request.ts';
import type { Journal, JournalRecord } from '../../contract/journal.ts';
import type { NodeReservation } from '../../scheduler/policy.ts';
import type { NodeView, PriorityParts, ShareView } from '../../scheduler/types.ts';
import type { Backend, JobFact, JobSource, SubmittedJob } from '../port.ts';
import type { JobFolders } from '../work-folder.ts';
import { type ClusterView, refusalOf } from './cluster-view.ts';
import { explainJob } from './explanation.ts';
import { installRankScript, JobFolder } from './job-folder.ts';
import { type MirrorJob, NO_SUBMISSION } from './mirror-job.ts';
import { MirrorState } from './mirror-state.ts';
import { nodeChanges } from './node-mirror.ts';
import { Poll } from './poll.ts';
import { parseNodes, type SlurmNode } from './scontrol-text.ts';
import type { SlurmCommands, SlurmProgram } from './slurm-commands.ts';
import { SlurmFailure } from './slurm-failure.ts';
import { isPending } from './slurm-job.ts';
import { Submitter } from './submitter.ts';

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
  readSecrets: (names: readonly string[]) => Promise<Record<string, string>>;
  now: () => number;
  log: { info: (fields: object, message: string) => void; error: (fields: object, message: string) => void };
  /** Between two looks at Slurm, in milliseconds. Default 1,000 to 15,000. */
  pollMs?: { min: number; max: number };
  /** Told how long each look at Slurm took, in milliseconds. */
  onCycle?: (ms: number) => void;
}

const POLL_MS = { min: 1_000, max: 15_000 } as const;
const NODES_MS_MIN = 15_000;
/** A look takes at most this part of slurmctld's time. */
const LOAD_MAX = 0.1;

/** A cluster that Slurm schedules: jobs go there by sbatch, what becomes of them is journalled as it is seen. */
export class SlurmBackend implements Backend {
  readonly #options: SlurmBackendOptions;
  readonly #state: MirrorState;
  #submitter: Submitter | undefined;
  readonly #poll: Poll;
  #nodes: readonly SlurmNode[];
  #nodesDueMs = 0;
  #timer: NodeJS.Timeout | undefined;
  #intervalMs: number;
  #exclusive: Promise<unknown> = Promise.resolve();
  #polling: Promise<void> | null = null;
  #isStopped = false;
  #isUnreachable = false;

  constructor(options: SlurmBackendOptions) {
    this.#options = options;
    this.#state = new MirrorState(options.journal);
    this.#nodes = options.cluster.nodes;
    this.#intervalMs = this.#pollMs.min;
    this.#poll = new Poll({
      ...options,
      state: this.#state,
      refreshNodes: () => this.#refreshNodes(),
      isPreempting: options.cluster.isPreempting,
      spareable: (job) => this.#spareable(job),
    });
  }

  get #pollMs(): { min: number; max: number } {
    return this.#options.pollMs ?? POLL_MS;
  }

  async start(records: readonly JournalRecord[]): Promise<void> {
    const { folders, now, sharedFolder } = this.#options;
    for (const record of records) this.#state.apply(record);
    await Promise.all(
      [...this.#state.jobs.values()].map(async (job) => {
        const record = await new JobFolder(folders.job(job.request.jobId)).readRecord();
        if (record === null) return;
        job.record = record;
        job.phaseSinceMs = now();
        if (record.refusal === null && !record.isDue) job.phase = record.slurmJobId === null ? 'unknown' : 'submitted';
      }),
    );
    const events = nodeChanges(this.#state.nodes, this.#nodes, now());
    await this.#state.commit(events.map((event) => ({ event })));
    this.#nodesDueMs = now() + NODES_MS_MIN;
    this.#submitter = new Submitter({
      ...this.#options,
      state: this.#state,
      rankScript: await installRankScript(sharedFolder),
      spareable: (job) => this.#spareable(job),
      onAnswer: () => this.#soon(),
    });
    this.#submitter.pump();
    this.#soon();
  }

  refusal(jobs: readonly SubmittedJob[]): { index: number; message: string } | null {
    const view = { ...this.#options.cluster, nodes: this.#nodes };
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
    const atMs = this.#options.now();
    const records: JournalRecord[] = [{ event: { kind: 'JobCancelRequested', atMs, jobId } }];
    if (job.phase === 'none')
      records.push({ event: { kind: 'JobEnded', atMs, jobId, state: 'CANCELLED', exitCode: 1 } });
    await this.#commit(records);
    if (job.slurm !== null) await this.#poll.cancel([job.slurm]);
    this.#soon();
  }

  async signal(jobId: number, signal: NodeJS.Signals): Promise<void> {
    const job = this.#state.jobs.get(jobId);
    if (job === undefined || job.live === null) {
      throw new OrreryError('ORR_CONFLICT', `job ${jobId} is not running: nothing to signal`);
    }
    await this.#ask(job, 'scancel', (id) => [`--signal=${signal.slice('SIG'.length)}`, id]);
  }

  async requeue(jobId: number): Promise<void> {
    const atMs = this.#options.now();
    const job = this.#state.jobs.get(jobId);
    if (job !== undefined && job.live === null)
      throw new OrreryError('ORR_CONFLICT', `job ${jobId} is pending already`);
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
      await this.#ask(job, 'scontrol', (id) => [verb, id]);
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
    this.#expectNode(nodeName);
    const text = reason.replace(/[\n"]/g, ' ');
    await this.#updateNode(nodeName, 'drain', ['State=DRAIN', `Reason=${text}`]);
  }

  async resumeNode(nodeName: string): Promise<void> {
    this.#expectNode(nodeName);
    await this.#updateNode(nodeName, 'resume', ['State=RESUME']);
  }

  async failNode(nodeName: string): Promise<void> {
    throw new OrreryError(
      'ORR_REFUSED',
      `node ${nodeName} is a real one of Slurm's: no drills here; scontrol update NodeName=${nodeName} State=DOWN takes it down`,
    );
  }

  async observe(): Promise<JobFact[]> {
    await this.#look();
    return [...this.#state.jobs.values()].filter(({ live }) => live !== null).map(factOf);
  }

  job(jobId: number): JobFact | undefined {
    const job = this.#state.jobs.get(jobId);
    return job && factOf(job);
  }

  nativeId(jobId: number): string | null {
    const job = this.#state.jobs.get(jobId);
    if (job === undefined) return null;
    const { slurm, record } = job;
    if (slurm !== null && slurm.arrayJobId !== null && slurm.arrayTaskId !== null) {
      return `${slurm.arrayJobId}_${slurm.arrayTaskId}`;
    }
    return record.slurmJobId === null ? null : String(record.slurmJobId);
  }

  nodes(): NodeView[] {
    const seen = new Map(this.#nodes.map((node) => [node.spec.name, node]));
    const jobIds = new Map<string, number[]>();
    for (const { request, live } of this.#state.jobs.values()) {
      for (const { nodeName } of live?.placement ?? []) {
        const ids = jobIds.get(nodeName);
        if (ids === undefined) jobIds.set(nodeName, [request.jobId]);
        else ids.push(request.jobId);
      }
    }
    return [...this.#state.nodes.values()].map(({ spec, reason }): NodeView => {
      const node = seen.get(spec.name);
      const allocated = node?.allocated ?? { cpus: 0, memoryBytes: 0, gpus: 0 };
      return {
        spec,
        state: node?.state ?? 'down',
        free: {
          cpus: Math.max(0, spec.resources.cpus - allocated.cpus),
          memoryBytes: Math.max(0, spec.resources.memoryBytes - allocated.memoryBytes),
          gpus: Math.max(0, spec.resources.gpus - allocated.gpus),
        },
        reason: node?.reason ?? reason,
        jobIds: jobIds.get(spec.name) ?? [],
      };
    });
  }

  reservations(): readonly NodeReservation[] {
    return [];
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

  priorityOf(): PriorityParts | null {
    return null;
  }

  shares(): ShareView[] {
    return [];
  }

  explain(jobId: number): string[] {
    const job = this.#state.jobs.get(jobId);
    return job === undefined ? [] : explainJob(job, this.#state, this.#isUnreachable);
  }

  expectedStartMs(jobId: number): number | null {
    const slurm = this.#state.jobs.get(jobId)?.slurm ?? null;
    return slurm !== null && isPending(slurm) && slurm.startMs !== null && slurm.startMs > this.#options.now()
      ? slurm.startMs
      : null;
  }

  async stop(): Promise<void> {
    this.#isStopped = true;
    clearTimeout(this.#timer);
    await this.#submitter?.stop();
    await this.#polling;
    await this.#exclusive;
  }

  /** Looks at Slurm again at once, or as soon as the look under way is over. */
  #soon(): void {
    this.#intervalMs = this.#pollMs.min;
    this.#schedule(Math.min(200, this.#intervalMs));
  }

  #schedule(delayMs: number): void {
    if (this.#isStopped) return;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => void this.#look(), delayMs);
  }

  /** One look for all jobs; the next is due the sooner the more there was to see. */
  #look(): Promise<void> {
    this.#polling ??= this.#lookOnce().finally(() => {
      this.#polling = null;
    });
    return this.#polling;
  }

  async #lookOnce(): Promise<void> {
    const { log, now, onCycle } = this.#options;
    const startedAt = performance.now();
    let hasChanged = false;
    try {
      if (now() >= this.#nodesDueMs) await this.#refreshNodes();
      hasChanged = await this.#poll.look((work) => this.#exclusively(work));
      if (this.#isUnreachable) log.info({}, 'Slurm answers again');
      this.#isUnreachable = false;
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      if (!this.#isUnreachable) log.error({ reason }, 'Slurm could not be looked at; jobs are as last seen');
      this.#isUnreachable = true;
    }
    const tookMs = performance.now() - startedAt;
    onCycle?.(tookMs);
    const { min, max } = this.#pollMs;
    this.#intervalMs = hasChanged ? min : Math.min(max, this.#intervalMs * 1.3);
    this.#submitter?.pump();
    this.#schedule(Math.max(this.#intervalMs, tookMs / LOAD_MAX));
  }

  async #refreshNodes(): Promise<void> {
    const { commands, now } = this.#options;
    const startedAt = performance.now();
    const nodes = parseNodes(await commands.run('scontrol', ['--oneliner', 'show', 'node']));
    this.#nodesDueMs = now() + Math.max(NODES_MS_MIN, (performance.now() - startedAt) * 100);
    await this.#exclusively(async () => {
      this.#nodes = nodes;
      await this.#state.commit(nodeChanges(this.#state.nodes, nodes, now()).map((event) => ({ event })));
    });
  }

  /** Nodes that failed the job, as long as the partition has enough others. */
  #spareable({ request, failedNodes }: MirrorJob): readonly string[] {
    const { partitions } = this.#options.cluster;
    const partition = partitions.find(({ name, isDefault }) =>
      request.partition === undefined ? isDefault : name === request.partition,
    );
    const excluded = new Set([...request.excludedNodes, ...failedNodes]);
    const others = (partition?.nodeNames ?? []).filter((name) => !excluded.has(name));
    return others.length >= request.nodes ? failedNodes : [];
  }

  async #updateNode(nodeName: string, verb: string, fields: readonly string[]): Promise<void> {
    const { commands, user } = this.#options;
    try {
      await commands.run('scontrol', ['update', `NodeName=${nodeName}`, ...fields]);
    } catch (error) {
      if (!(error instanceof SlurmFailure) || error.kind !== 'permission') throw error;
      throw new OrreryError(
        'ORR_REFUSED',
        `Slurm does not let ${user} ${verb} nodes: ask an operator for it; jobs keep off ${nodeName} with --exclude ${nodeName}`,
        { cause: error },
      );
    }
    await this.#refreshNodes();
  }

  async #ask(job: MirrorJob, program: SlurmProgram, args: (slurmJobId: string) => string[]): Promise<void> {
    const { slurmJobId } = job.record;
    if (slurmJobId === null)
      throw new OrreryError('ORR_CONFLICT', `job ${job.request.jobId} is on its way to Slurm: try again in a moment`);
    await this.#options.commands.run(program, args(String(slurmJobId)));
    this.#soon();
  }

  #expectPending(jobId: number, verb: string): MirrorJob {
    const job = this.#state.jobs.get(jobId);
    if (job !== undefined && job.live === null) return job;
    const state = job === undefined ? 'has ended' : 'is RUNNING';
    throw new OrreryError('ORR_CONFLICT', `job ${jobId} ${state}: only pending jobs can be ${verb}`);
  }

  #expectNode(nodeName: string): void {
    if (this.#state.nodes.has(nodeName)) return;
    const names = [...this.#state.nodes.keys()];
    const known = names.length > 8 ? `${names.slice(0, 8).join(', ')}, ...` : names.join(', ');
    throw new OrreryError('ORR_NOT_FOUND', `no node "${nodeName}": the nodes are ${known}`);
  }

  async #commit(records: readonly JournalRecord[]): Promise<void> {
    if (this.#isStopped) throw new OrreryError('ORR_UNREACHABLE', 'the daemon is stopping');
    await this.#exclusively(() => this.#state.commit(records));
  }

  /** One at a time: what a look concludes must still hold when it is journalled. */
  #exclusively<T>(work: () => Promise<T>): Promise<T> {
    const done = this.#exclusive.then(work);
    this.#exclusive = done.catch(() => undefined);
    return done;
  }
}

function factOf(job: MirrorJob): JobFact {
  const { request, live, attempt, slurm } = job;
  const nodeList = (live?.placement ?? []).map(({ nodeName }) => nodeName);
  if (live !== null) {
    return {
      jobId: request.jobId,
      state: slurm?.isCompleting === true ? 'COMPLETING' : 'RUNNING',
      reason: 'None',
      attempt,
      nodeList,
    };
  }
  return { jobId: request.jobId, state: 'PENDING', reason: reasonOf(job), attempt, nodeList };
}

function reasonOf({ record, slurm, phase, request, isHeld }: MirrorJob): string {
  if (record.refusal !== null) return 'launch failed requeued held';
  if (slurm !== null && isPending(slurm)) return slurm.reason;
  if (phase === 'none' && request.dependencies.length > 0) return 'Dependency';
  return isHeld ? 'JobHeldUser' : 'None';
}
