import type { JobFolders } from '../../work-folder.ts';
import { JobFolder } from '../batch/job-folder.ts';
import type { MirrorJob } from './mirror-job.ts';

/** Between two looks into the folder of a job that runs. */
const PAUSE_MS = 60_000;
/** Folders a look: those of thousands of jobs are on one file server. */
const FOLDERS_MAX = 64;

/**
 * Slurm may never hear of the end of a job: a slurmctld that is killed loses what it was told last, and one of 24.11 was seen to call such a job
 * running until its time was up. What its script left on the shared folder tells.
 */
export class LeftEnds {
  readonly #folders: JobFolders;
  /** When the folder was looked into, by the job. */
  #lookedMs = new Map<number, number>();

  constructor(folders: JobFolders) {
    this.#folders = folders;
  }

  /** Looks into the folders of some of those that run, and notes in `endLeftMs` whose scripts have ended. Never rejects. */
  async look(jobs: Iterable<MirrorJob>, nowMs: number): Promise<void> {
    const running = [...jobs].filter(({ live, slurm }) => live !== null && slurm?.state === 'RUNNING');
    const lookedMs = this.#lookedMs;
    this.#lookedMs = new Map(running.map(({ request: { jobId } }) => [jobId, lookedMs.get(jobId) ?? nowMs]));
    const lookedAt = ({ request: { jobId } }: MirrorJob) => this.#lookedMs.get(jobId) ?? nowMs;
    const due = running.filter((job) => Math.abs(nowMs - lookedAt(job)) >= PAUSE_MS);
    // Whoever was looked at longest ago comes first, or some would have no turn.
    due.sort((a, b) => lookedAt(a) - lookedAt(b));
    await Promise.all(due.slice(0, FOLDERS_MAX).map((job) => this.#lookInto(job, nowMs)));
  }

  async #lookInto(job: MirrorJob, nowMs: number): Promise<void> {
    const { jobId } = job.request;
    this.#lookedMs.set(jobId, nowMs);
    if (job.live === null) return;
    const { attempt } = job.live;
    // Where the file server is away nothing is known that was not known before.
    const hasEnded = await new JobFolder(this.#folders.job(jobId)).hasLeftEnd(attempt).catch(() => null);
    if (hasEnded !== null && job.live?.attempt === attempt) job.endLeftMs = hasEnded ? (job.endLeftMs ?? nowMs) : null;
  }
}
