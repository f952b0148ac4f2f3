import type { QueuedJob } from './queue-ahead.ts';
import type { Journal, JournalRecord } from '../../contract/journal.ts';
import type { EndState } from '../../scheduler/types.ts';
import { applyToJob, type MirrorJob, newMirrorJob } from './mirror-job.ts';
import { applyToNodes, type MirrorNode } from './node-mirror.ts';

/** The mirror: what the journal says of jobs and nodes. It changes only by records that are committed. */
export class MirrorState {
  readonly jobs = new Map<number, MirrorJob>();
  readonly nodes = new Map<string, MirrorNode>();
  /** How each job that has ended did. */
  readonly outcomes = new Map<number, EndState>();
  /** All that squeue listed last, others' jobs too. */
  queue: readonly QueuedJob[] = [];
  readonly #journal: Journal;
  #lastWork: Promise<unknown> = Promise.resolve();

  constructor(journal: Journal) {
    this.#journal = journal;
  }

  get downNodes(): ReadonlySet<string> {
    return new Set([...this.nodes].flatMap(([name, { outage }]) => (outage === 'down' ? [name] : [])));
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
    if (!('jobId' in event) && event.kind !== 'JobSubmitted') return;
    if (event.kind === 'JobSubmitted') {
      const { job, attemptsBefore = 0, atMs } = event;
      this.outcomes.delete(job.jobId);
      this.jobs.set(job.jobId, newMirrorJob(job, attemptsBefore, atMs));
      return;
    }
    const job = this.jobs.get(event.jobId);
    if (event.kind === 'JobEnded') {
      this.outcomes.set(event.jobId, event.state);
      this.jobs.delete(event.jobId);
    } else if (job !== undefined) {
      applyToJob(job, event, (nodeName) => this.nodes.get(nodeName)?.outage === 'down');
    }
  }
}

/**
 * The dependencies of a job in sbatch's words. `wait`: one of them is not listed by Slurm (yet). `never`: one ended as it must not. What is fulfilled
 * is left out: Slurm may have forgotten the job.
 */
export function dependencyText(job: MirrorJob, state: MirrorState): { text: string } | 'wait' | 'never' {
  const parts: string[] = [];
  for (const { condition, jobId } of job.request.dependencies) {
    const other = state.jobs.get(jobId);
    if (other === undefined) {
      if (condition === 'afterok' && state.outcomes.get(jobId) !== 'COMPLETED') return 'never';
      continue;
    }
    const { slurmJobId } = other.record;
    // Slurm takes one that it has forgotten for fulfilled, and may have given its number to another: only what it lists counts.
    if (other.phase !== 'submitted' || slurmJobId === null || other.slurm?.slurmJobId !== slurmJobId) return 'wait';
    parts.push(`${condition}:${slurmJobId}`);
  }
  return { text: parts.join(',') };
}
