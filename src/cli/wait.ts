import { setTimeout as sleep } from 'node:timers/promises';
import type { JobSummary } from '../contract/api.ts';
import type { OrreryClient } from '../contract/client.ts';
import { throughRestarts } from './patience.ts';

const POLL_MS_MIN = 50;
const POLL_MS_MAX = 1_000;
const ACTIVE = new Set<JobSummary['state']>(['PENDING', 'RUNNING', 'COMPLETING']);

/** Resolves once all the jobs have ended, in the order asked for; `onEnd` is told of each as it does. */
export async function waitForJobs(
  jobIds: readonly number[],
  onEnd: (job: JobSummary) => void = () => {},
): Promise<JobSummary[]> {
  const ended = new Map<number, JobSummary>();
  await throughRestarts(async (client, answered) => {
    for (let pollMs = POLL_MS_MIN; ; pollMs = Math.min(POLL_MS_MAX, pollMs * 1.3)) {
      const waiting = jobIds.filter((id) => !ended.has(id));
      for (const job of await newlyEnded(client, waiting)) {
        ended.set(job.id, job);
        onEnd(job);
      }
      answered();
      if (jobIds.every((id) => ended.has(id))) return;
      await sleep(pollMs);
    }
  });
  return jobIds.flatMap((id) => ended.get(id) ?? []);
}

async function newlyEnded(client: OrreryClient, jobIds: readonly number[]): Promise<JobSummary[]> {
  const found: JobSummary[] = [];
  // Many at once: one list of those that have not ended says which to look at.
  const active = jobIds.length > 2 ? new Set((await client.jobs()).map((job) => job.id)) : new Set<number>();
  for (const id of new Set(jobIds)) {
    if (active.has(id)) continue;
    const job = await client.job(id);
    if (!ACTIVE.has(job.state)) found.push(job);
  }
  return found;
}

/** The job's own exit code; 1 where it did not complete and has none of its own. */
export function exitStatusOf(job: Pick<JobSummary, 'state' | 'exitCode'>): number {
  if (job.state === 'COMPLETED') return 0;
  return Math.min(255, job.exitCode ?? 0) || 1;
}

/** Of several jobs: that of the first, in the order asked for, that did not complete. */
export function exitStatusOfAll(jobs: readonly Pick<JobSummary, 'state' | 'exitCode'>[]): number {
  return jobs.map(exitStatusOf).find((status) => status !== 0) ?? 0;
}
