import type { AttemptSummary, JobDetail, JobPriority, JobSummary, Why } from '../contract/api.ts';
import { OrreryError } from '../contract/errors.ts';
import { timeLimitMs } from '../contract/job.ts';
import { type JobIdentity, jobLabel, parseJobReference } from '../contract/job-array.ts';
import { rankNamed, SIGKILL_STATUS } from '../backend/end-status.ts';
import { type Backend, type JobFact, SUSPENDED_REASON } from '../backend/port.ts';
import { LimitProfiles } from '../scheduler/limit-profile.ts';
import { partitionNames } from '../scheduler/partition-names.ts';
import { partitionFinder, defaultPartition, type Policy } from '../scheduler/policy.ts';
import { defaultLimitMs } from '../scheduler/terms.ts';
import type { AttemptRow, JobRow } from '../store/job-row.ts';
import type { Store } from '../store/store.ts';
import type { Home } from './home.ts';
import { ProgressReader } from './metrics-file.ts';
import { nodeOutageOf } from './nodes/outage-words.ts';

export interface JobFilter {
  all?: boolean | undefined;
  state?: JobSummary['state'] | undefined;
  name?: string | undefined;
  /** Tasks of this array. */
  array?: number | undefined;
  limit?: number | undefined;
}

/** A job that has not ended, or one of the journal, without what has to be read from files. */
export interface LiveJob {
  row: Readonly<JobRow>;
  state: JobSummary['state'];
  reason: string;
  partition: string | null;
  qos: string;
}

/** Reasons of pending jobs that more nodes would help. */
const WAITS_FOR_NODES = /^(?:None|Resources|Priority|ReqNodeNotAvail|NodeDown)/;
const OUTAGES_SHOWN_MAX = 5;
const TASKS_SHOWN_MAX = 8;
const LIVE_STATES: readonly JobSummary['state'][] = ['PENDING', 'RUNNING', 'COMPLETING'];

/** Jobs as the API shows them: rows of the store, with the scheduler's word on those that have not ended. */
export class JobBook {
  readonly #store: Store;
  readonly #backend: Backend;
  readonly #home: Home;
  readonly #policy: Policy;
  readonly #limits: LimitProfiles;
  readonly #progress = new ProgressReader();

  constructor(store: Store, backend: Backend, home: Home, policy: Policy) {
    this.#policy = policy;
    this.#limits = new LimitProfiles(policy);
    this.#store = store;
    this.#backend = backend;
    this.#home = home;
  }

  /** By id. */
  summaries({ all, state, name, array, limit }: JobFilter): JobSummary[] {
    const wantsEnded = state === undefined ? all === true : !LIVE_STATES.includes(state);
    const live: JobSummary[] = [];
    for (const job of this.#store.liveJobs()) {
      if (name !== undefined && job.name !== name) continue;
      if (array !== undefined && job.array?.id !== array) continue;
      const summary = this.#summary(job);
      if (state === undefined || summary.state === state) live.push(summary);
    }
    const filter = {
      ...(state && { state }),
      ...(name !== undefined && { name }),
      ...(limit !== undefined && { limit }),
      ...(array !== undefined && { arrayId: array }),
    };
    const ended = wantsEnded ? this.#store.endedJobs(filter).map((job) => this.#summary(job)) : [];
    const jobs = [...ended, ...live].sort((a, b) => a.id - b.id);
    return limit === undefined ? jobs : jobs.slice(Math.max(0, jobs.length - limit));
  }

  /** Jobs that have not ended. */
  *live(): Generator<LiveJob> {
    for (const row of this.#store.liveJobs()) yield this.#view(row);
  }

  find(jobId: number): LiveJob | undefined {
    const row = this.#store.job(jobId);
    return row && this.#view(row);
  }

  /** Throws ORR_NOT_FOUND. */
  summary(jobId: number): JobSummary {
    return this.#summary(this.row(jobId));
  }

  /** Throws ORR_NOT_FOUND. */
  async detail(jobId: number): Promise<JobDetail> {
    const job = this.row(jobId);
    const stored = this.#store.read(jobId);
    if (stored === undefined) throw notFound(jobId);
    const { spec, code } = stored.accepted;
    const folder = this.#home.job(jobId);
    return {
      ...this.#summary(job),
      spec,
      timeLimit: seconds(this.#backend.job(jobId)?.timeLimitMs ?? timeLimitMs(spec) ?? this.#defaultLimitMs(job)),
      slurmJobId: await this.#backend.slurmJobId(jobId),
      code,
      folder,
      workFolder: code !== null && code.snapshot === null ? code.submitFolder : `${folder}/work`,
      checkpointFolder: this.#home.checkpoints(jobId),
      metricsFile: this.#home.metrics(jobId),
      attempts: this.#store.attempts(jobId).map(toAttempt),
    };
  }

  /** Throws ORR_NOT_FOUND. */
  async why(jobId: number): Promise<Why> {
    const { id, state, reason, exitCode, arrayJobId, arrayTaskId } = this.summary(jobId);
    const message = this.#store.attempts(jobId).at(-1)?.message;
    const wasPutBack = reason === 'BeginTime' && message !== undefined;
    const detail = LIVE_STATES.includes(state)
      ? await this.#backend.explain(jobId)
      : [`The job has ended: ${state}, exit code ${exitCode ?? 0}.`];
    return {
      id,
      arrayJobId,
      arrayTaskId,
      state,
      reason,
      detail: [
        ...detail,
        ...(state === 'PENDING' && (WAITS_FOR_NODES.test(reason) || wasPutBack) ? this.#outages(jobId, detail) : []),
        ...(message ? [`Its last attempt: ${message}.`] : []),
        ...(state === 'FAILED' ? failureSentences({ id, arrayJobId, arrayTaskId }, exitCode, message ?? '') : []),
        ...(arrayJobId === null ? [] : [this.#arraySentence(arrayJobId)]),
      ],
      expectedStartTime: seconds(state === 'PENDING' ? this.#backend.expectedStartMs(jobId) : null),
    };
  }

  /** The job that a path means: `12`, or `12_3` for a task of an array. Throws ORR_NOT_FOUND. */
  resolve(text: string): number {
    const reference = parseJobReference(text);
    const { jobId, taskId } = reference ?? { jobId: 0, taskId: null };
    const found = taskId === null ? jobId : this.#store.taskJobId(jobId, taskId);
    if (found === undefined || this.#store.job(found) === undefined) throw notFound(text);
    return found;
  }

  /** The jobs that are meant where something is done to one: the id of an array means all of its tasks. */
  resolveAll(text: string): number[] {
    const jobId = this.resolve(text);
    const tasks = text === String(jobId) ? this.#store.arrayJobIds(jobId) : [];
    return tasks.length > 0 ? tasks : [jobId];
  }

  /** Parts of the priority of all pending jobs, highest first. */
  async priorities(): Promise<JobPriority[]> {
    const priorities: JobPriority[] = [];
    const jobs = [...this.#store.liveJobs()];
    const partsOf = await this.#backend.priorities(jobs.map(({ jobId }) => jobId));
    for (const { jobId, array, user, account } of jobs) {
      const parts = partsOf.get(jobId);
      if (parts === undefined) continue;
      const task = { arrayJobId: array?.id ?? null, arrayTaskId: array?.taskId ?? null };
      priorities.push({ id: jobId, ...task, user, account, ...parts });
    }
    return priorities.sort((a, b) => b.priority - a.priority || a.id - b.id);
  }

  row(jobId: number): Readonly<JobRow> {
    const job = this.#store.job(jobId);
    if (job === undefined) throw notFound(jobId);
    return job;
  }

  /** Those that a job names; the default one where it names none. */
  #partitions(name: string | null): Policy['partitions'][number][] {
    const find = partitionFinder(this.#policy.partitions);
    return partitionNames(name).flatMap((one) => find(one ?? null) ?? []);
  }

  /** Of jobs that have no limit of their own: in the first of their partitions. */
  #defaultLimitMs({ partition: name, account, user, qos }: JobRow): number | null {
    const [partition] = this.#partitions(name);
    return defaultLimitMs(partition, this.#limits.profile(account, user, qos, partition?.qos ?? null));
  }

  /** Of the nodes of its partitions those that are out for their health or as lemons, a sentence each for the first few, but those that are `said`. */
  #outages(jobId: number, said: readonly string[]): string[] {
    const { partition: name } = this.row(jobId);
    const own = this.#partitions(name).map(({ nodes = null }) => nodes);
    const members = own.length === 0 || own.includes(null) ? null : new Set(own.flatMap((nodes) => nodes ?? []));
    const sentences = this.#backend.nodes().flatMap((view) => {
      const { spec, reason } = view;
      if (
        members?.has(spec.name) === false ||
        said.some((line) => line.includes(`${spec.name} ${view.state} (${reason})`))
      )
        return [];
      const outage = nodeOutageOf(view);
      return outage?.cause === 'health' || outage?.cause === 'lemon' ? [`${spec.name} ${outage.words}.`] : [];
    });
    if (sentences.length <= OUTAGES_SHOWN_MAX) return sentences;
    const shown = sentences.slice(0, OUTAGES_SHOWN_MAX - 1);
    return [...shown, `${sentences.length - shown.length} more nodes are out for their health or as lemons.`];
  }

  /** `It is a task of array 12: 4 RUNNING, 6 PENDING.` */
  #arraySentence(arrayId: number): string {
    const tasks = new Map<string, number[]>();
    for (const jobId of this.#store.arrayJobIds(arrayId)) {
      const row = this.row(jobId);
      const state = stateOf(row, row.isEnded ? undefined : this.#backend.job(jobId));
      const ids = tasks.get(state) ?? [];
      ids.push(row.array?.taskId ?? 0);
      tasks.set(state, ids);
    }
    const parts = [...tasks].map(([state, ids]) => {
      const names = ids.slice(0, TASKS_SHOWN_MAX).map((taskId) => `${arrayId}_${taskId}`);
      const more = ids.length > names.length ? ', ...' : '';
      return `${ids.length} ${state}${state === 'FAILED' ? ` (${names.join(', ')}${more})` : ''}`;
    });
    return `It is a task of array ${arrayId}: ${parts.join(', ')}.`;
  }

  #view(row: Readonly<JobRow>): LiveJob {
    const fact = row.isEnded ? undefined : this.#backend.job(row.jobId);
    const state = stateOf(row, fact);
    return {
      row,
      state,
      reason: fact !== undefined && (state === 'PENDING' || fact.reason === SUSPENDED_REASON) ? fact.reason : 'None',
      partition: fact?.partition ?? row.partition ?? defaultPartition(this.#policy.partitions)?.name ?? null,
      qos: fact?.qos ?? row.qos,
    };
  }

  #summary(job: Readonly<JobRow>): JobSummary {
    const { state, reason, partition, qos } = this.#view(job);
    return {
      id: job.jobId,
      arrayJobId: job.array?.id ?? null,
      arrayTaskId: job.array?.taskId ?? null,
      name: job.name,
      state,
      reason,
      user: job.user,
      account: job.account,
      qos,
      partition,
      nodes: job.nodes,
      gpusPerNode: job.gpusPerNode,
      nodeList: [...job.nodeList],
      attempt: job.attempt,
      requeues: job.requeues,
      submitTime: job.submitMs / 1000,
      startTime: seconds(job.startMs),
      endTime: seconds(job.endMs),
      exitCode: job.exitCode,
      progress: job.attempt === 0 ? null : this.#progress.read(this.#home.metrics(job.jobId), job.isEnded),
    };
  }
}

/** Between a decision and its commit the scheduler is ahead of the store: an end that is not on disk is not shown. */
function stateOf(job: Readonly<JobRow>, view: JobFact | undefined): JobSummary['state'] {
  return view !== undefined && LIVE_STATES.includes(view.state) ? view.state : job.state;
}

/** Where to look next. */
function failureSentences(job: JobIdentity, exitCode: number | null, message: string): string[] {
  const rank = rankNamed(message);
  const killed =
    exitCode === SIGKILL_STATUS
      ? ["A SIGKILL that nobody sent is mostly the kernel's, where the memory of a node runs out: try more --mem."]
      : [];
  const which = rank === null ? '' : ` --rank ${rank}`;
  return [...killed, `The end of what it wrote: orrery logs ${jobLabel(job)}${which} --tail 20`];
}

function toAttempt(row: AttemptRow): AttemptSummary {
  return {
    attempt: row.attempt,
    state: row.state,
    nodeList: [...row.nodeList],
    startTime: row.startMs / 1000,
    endTime: seconds(row.endMs),
    exitCode: row.exitCode,
    message: row.message,
  };
}

function seconds(ms: number | null): number | null {
  return ms === null ? null : ms / 1000;
}

function notFound(jobId: number | string): OrreryError {
  return new OrreryError('ORR_NOT_FOUND', `no job ${jobId}`);
}
