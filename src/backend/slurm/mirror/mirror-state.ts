import type { Journal, JournalRecord } from '../../../contract/journal.ts';
import type { EndState, JobRequest } from '../../../scheduler/types.ts';
import { applyToJob, type MirrorJob, newMirrorJob, type SubmissionRecord } from './mirror-job.ts';
import { applyToNodes, type MirrorNode } from './node-mirror.ts';

/** The mirror: what the journal says of jobs and nodes. It changes only by records that are committed. */
export class MirrorState {
  readonly jobs = new Map<number, MirrorJob>();
  readonly nodes = new Map<string, MirrorNode>();
  /** Nodes that our jobs keep off though Slurm would give them, and why. */
  readonly avoided = new Map<string, string>();
  /** Nodes that they no longer keep off: jobs that wait may still exclude them. */
  readonly forgiven = new Set<string>();
  /** What jobs that have ended and are to run again begin with: put here before that is committed, since they may go to Slurm at once. */
  readonly again = new Map<number, SubmissionRecord>();
  /** How each job that has ended did. */
  readonly outcomes = new Map<number, EndState>();
  /** Of those, what a delay after its start counts from, where it was seen to end or somebody waits for that. */
  readonly startedMs = new Map<number, number>();
  /** How many of the jobs wait for each. */
  readonly #waiting = new Map<number, number>();
  readonly #journal: Journal;
  #lastWork: Promise<unknown> = Promise.resolve();

  constructor(journal: Journal) {
    this.#journal = journal;
  }

  get downNodes(): ReadonlySet<string> {
    return new Set([...this.nodes].flatMap(([name, { outage }]) => (outage === 'down' ? [name] : [])));
  }

  /** Whether the cluster has a node of this name, as far as its nodes are shown. */
  knows(nodeName: string): boolean {
    return this.nodes.size === 0 || this.nodes.has(nodeName);
  }

  /** Whether a job that has not ended waits for this one, or did when it was submitted. */
  isAwaited(jobId: number): boolean {
    return (this.#waiting.get(jobId) ?? 0) > 0;
  }

  /** Resolves once the records are on disk and in the mirror; where the disk refuses, nothing has changed. */
  async commit(records: readonly JournalRecord[]): Promise<void> {
    if (records.length === 0) return;
    await this.#journal.append(records);
    for (const record of records) this.apply(record);
  }

  /** One piece of work at a time: what one concludes from the mirror must still hold when it is journalled. */
  exclusively<T>(work: () => Promise<T>): Promise<T> {
    const done = this.#lastWork.then(work);
    this.#lastWork = done.catch(() => undefined);
    return done;
  }

  /** Resolves once the work that was begun is done. */
  async settled(): Promise<void> {
    await this.#lastWork;
  }

  apply({ event }: JournalRecord): void {
    applyToNodes(this.nodes, event);
    if (event.kind === 'NodeAvoided' && event.reason !== null) {
      this.avoided.set(event.nodeName, event.reason);
      this.forgiven.delete(event.nodeName);
    } else if (event.kind === 'NodeAvoided' || event.kind === 'NodeRemoved') {
      if (this.avoided.delete(event.nodeName)) this.forgiven.add(event.nodeName);
    }
    if (!('jobId' in event) && event.kind !== 'JobSubmitted') return;
    if (event.kind === 'JobSubmitted') {
      const { job, attemptsBefore = 0, atMs } = event;
      this.outcomes.delete(job.jobId);
      this.startedMs.delete(job.jobId);
      this.#countWaiting(job, 1);
      const { record, ...fresh } = newMirrorJob(job, attemptsBefore, atMs);
      this.jobs.set(job.jobId, { ...fresh, record: this.again.get(job.jobId) ?? record });
      this.again.delete(job.jobId);
      return;
    }
    const job = this.jobs.get(event.jobId);
    if (event.kind === 'JobEnded') {
      this.outcomes.set(event.jobId, event.state);
      const startMs = event.startMs ?? (job === undefined ? null : (job.startMs ?? event.atMs));
      if (startMs !== null && (event.startMs !== undefined || this.isAwaited(event.jobId)))
        this.startedMs.set(event.jobId, startMs);
      if (job !== undefined) this.#countWaiting(job.request, -1);
      this.jobs.delete(event.jobId);
    } else if (job !== undefined) {
      applyToJob(job, event, (nodeName) => this.nodes.get(nodeName)?.outage === 'down');
    }
  }

  #countWaiting({ dependencies }: JobRequest, change: 1 | -1): void {
    for (const { jobId } of dependencies) {
      const count = (this.#waiting.get(jobId) ?? 0) + change;
      if (count === 0) this.#waiting.delete(jobId);
      else this.#waiting.set(jobId, count);
    }
  }
}
