import type { AttemptSummary, JobDetail, JobSummary, Why } from '../contract/api.ts';
import { OrreryError } from '../contract/errors.ts';
import type { LocalBackend } from '../backend/local/backend-port.ts';
import type { AttemptRow, JobRow } from '../store/job-row.ts';
import type { Store } from '../store/store.ts';
import type { Home } from './home.ts';
import { ProgressReader } from './metrics-file.ts';

export interface JobFilter {
  all?: boolean | undefined;
  state?: JobSummary['state'] | undefined;
  name?: string | undefined;
  limit?: number | undefined;
}

const LIVE_STATES: readonly JobSummary['state'][] = ['PENDING', 'RUNNING', 'COMPLETING'];

/** Jobs as the API shows them: rows of the store, with the scheduler's word on those that have not ended. */
export class JobBook {
  readonly #store: Store;
  readonly #backend: LocalBackend;
  readonly #home: Home;
  readonly #progress = new ProgressReader();

  constructor(store: Store, backend: LocalBackend, home: Home) {
    this.#store = store;
    this.#backend = backend;
    this.#home = home;
  }

  /** By id. */
  summaries({ all, state, name, limit }: JobFilter): JobSummary[] {
    const wantsEnded = state === undefined ? all === true : !LIVE_STATES.includes(state);
    const live: JobSummary[] = [];
    for (const job of this.#store.liveJobs()) {
      if (name !== undefined && job.name !== name) continue;
      const summary = this.#summary(job);
      if (state === undefined || summary.state === state) live.push(summary);
    }
    const filter = {
      ...(state && { state }),
      ...(name !== undefined && { name }),
      ...(limit !== undefined && { limit }),
    };
    const ended = wantsEnded ? this.#store.endedJobs(filter).map((job) => this.#summary(job)) : [];
    const jobs = [...ended, ...live].sort((a, b) => a.id - b.id);
    return limit === undefined ? jobs : jobs.slice(Math.max(0, jobs.length - limit));
  }

  /** Throws ORR_NOT_FOUND. */
  summary(jobId: number): JobSummary {
    return this.#summary(this.row(jobId));
  }

  /** Throws ORR_NOT_FOUND. */
  detail(jobId: number): JobDetail {
    const job = this.row(jobId);
    const stored = this.#store.read(jobId);
    if (stored === undefined) throw notFound(jobId);
    const { spec, code } = stored.accepted;
    const folder = this.#home.job(jobId);
    return {
      ...this.#summary(job),
      spec,
      code,
      folder,
      workFolder: code !== null && code.snapshot === null ? code.submitFolder : `${folder}/work`,
      checkpointFolder: this.#home.checkpoints(jobId),
      metricsFile: this.#home.metrics(jobId),
      attempts: this.#store.attempts(jobId).map(toAttempt),
    };
  }

  /** Throws ORR_NOT_FOUND. */
  why(jobId: number): Why {
    const { id, state, reason, exitCode } = this.summary(jobId);
    const message = this.#store.attempts(jobId).at(-1)?.message;
    const detail = LIVE_STATES.includes(state)
      ? this.#backend.explain(jobId)
      : [`The job has ended: ${state}, exit code ${exitCode ?? 0}.`];
    return {
      id,
      state,
      reason,
      detail: message ? [...detail, `Its last attempt: ${message}.`] : detail,
      expectedStartTime: seconds(state === 'PENDING' ? this.#backend.expectedStartMs(jobId) : null),
    };
  }

  row(jobId: number): Readonly<JobRow> {
    const job = this.#store.job(jobId);
    if (job === undefined) throw notFound(jobId);
    return job;
  }

  #summary(job: Readonly<JobRow>): JobSummary {
    // Between a decision and its commit the scheduler is ahead of the store: an end that is not on disk is not shown.
    const view = job.isEnded ? undefined : this.#backend.job(job.jobId);
    const state = view !== undefined && LIVE_STATES.includes(view.state) ? view.state : job.state;
    return {
      id: job.jobId,
      name: job.name,
      state,
      reason: state === 'PENDING' && view !== undefined ? view.reason : 'None',
      account: job.account,
      qos: job.qos,
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

function notFound(jobId: number): OrreryError {
  return new OrreryError('ORR_NOT_FOUND', `no job ${jobId}`);
}
