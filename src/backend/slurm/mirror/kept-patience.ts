import { readFile } from 'node:fs/promises';
import { z } from 'zod';
import { writeDurably } from '../batch/job-folder.ts';
import type { MirrorJob } from './mirror-job.ts';

const PAUSE_MS = 5_000;
/**
 * A daemon that begins later than this after the last word of the one before begins to wait anew. Slurm lists a job for longer after its end
 * (`MinJobAge`, 300 s by default): one that was there again meanwhile is seen.
 */
const AGE_MS_MAX = 60_000;
/** Looks are 15 s apart at most, where they do not take long. */
const GAP_MS_MAX = 20_000;

const fileSchema = z.object({
  atMs: z.number(),
  /** For how long looks have missed jobs; another submission of the job is another job. */
  jobs: z.array(z.object({ jobId: z.int(), submission: z.int(), missingMs: z.number().nonnegative() })),
});

/**
 * For how long jobs have been missed, in one file for all of them, so that the patience with them (`PATIENCE_MS`) does not begin anew with each start
 * of the daemon. Only time in which somebody looked counts. Nothing hangs on the file: where it is lost or cannot be written it takes longer.
 */
export class KeptPatience {
  readonly #path: string;
  #writtenMs = Number.NEGATIVE_INFINITY;
  #isEmpty = true;

  constructor(path: string) {
    this.#path = path;
  }

  /** Gives the jobs back what the daemon before waited for them. Never rejects. */
  async restore(jobs: ReadonlyMap<number, MirrorJob>, nowMs: number): Promise<void> {
    const text = await readFile(this.#path, 'utf8').catch(() => '{}');
    const file = fileSchema.safeParse(parseJson(text)).data;
    if (file === undefined || file.atMs > nowMs || nowMs - file.atMs > AGE_MS_MAX) return;
    for (const { jobId, submission, missingMs } of file.jobs) {
      const job = jobs.get(jobId);
      const isWithSlurm = job?.phase === 'unknown' || job?.phase === 'submitted';
      if (isWithSlurm && job.record.submission === submission) job.missingSinceMs = nowMs - missingMs;
    }
  }

  /** After a look. Never rejects. */
  async keep(jobs: ReadonlyMap<number, MirrorJob>, nowMs: number): Promise<void> {
    if (nowMs - this.#writtenMs < PAUSE_MS) return;
    const missing = [...jobs.values()].flatMap(({ request: { jobId }, record: { submission }, missingSinceMs }) => {
      return missingSinceMs === null ? [] : [{ jobId, submission, missingMs: Math.max(0, nowMs - missingSinceMs) }];
    });
    if (missing.length === 0 && this.#isEmpty) return;
    this.#writtenMs = nowMs;
    this.#isEmpty = missing.length === 0;
    await writeDurably(this.#path, `${JSON.stringify({ atMs: nowMs, jobs: missing })}\n`).catch(() => undefined);
  }
}

/**
 * Between two looks so much has passed by the clock: of a longer time nobody looked (the daemon or its machine stood still, Slurm did not answer), or the
 * clock was set, and then the patience with a job has not grown older by that.
 */
export function looked(jobs: ReadonlyMap<number, MirrorJob>, passedMs: number): void {
  const notLookedMs = passedMs - Math.min(Math.max(0, passedMs), GAP_MS_MAX);
  if (notLookedMs === 0) return;
  for (const job of jobs.values()) {
    if (job.missingSinceMs !== null) job.missingSinceMs += notLookedMs;
    if (job.endSeenMs !== null) job.endSeenMs += notLookedMs;
    if (job.endLeftMs !== null) job.endLeftMs += notLookedMs;
    if (job.requeueSeenMs !== null) job.requeueSeenMs += notLookedMs;
    if (passedMs >= 0) continue;
    // The clock was set back: what was asked before is not asked from now on, and what is put off is put off no longer.
    job.phaseSinceMs += passedMs;
    job.holdToldMs += passedMs;
    job.notBeforeMs += passedMs;
  }
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}
