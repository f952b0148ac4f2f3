import { setTimeout as sleep } from 'node:timers/promises';
import type { JobSummary } from '../contract/api.ts';
import type { OrreryClient } from '../contract/client.ts';
import { jobLabel } from '../contract/job-array.ts';
import { note } from './output.ts';
import { throughRestarts } from './patience.ts';
import { oneLine } from './render/terminal.ts';

const POLL_MS_MIN = 50;
const POLL_MS_MAX = 1_000;
const ACTIVE = new Set<JobSummary['state']>(['PENDING', 'RUNNING', 'COMPLETING']);
/** Pending until a person acts. */
const STUCK_REASONS = new Set([
  'JobHeldUser',
  'launch failed requeued held',
  'refused by sbatch',
  'DependencyNeverSatisfied',
  'PartitionNodeLimit',
  'PartitionTimeLimit',
  'QOSNotAllowed',
  'AccountNotAllowed',
  'BadConstraints',
]);

/** Resolves once all the jobs have ended, in the order asked for; `onEnd` is told of each as it does. */
export async function waitForJobs(
  jobIds: readonly number[],
  onEnd: (job: JobSummary) => void = () => {},
): Promise<JobSummary[]> {
  const ended = new Map<number, JobSummary>();
  const stuck = new Set<number>();
  await throughRestarts(async (client, answered) => {
    for (let pollMs = POLL_MS_MIN; ; pollMs = Math.min(POLL_MS_MAX, pollMs * 1.3)) {
      const waiting = jobIds.filter((id) => !ended.has(id));
      for (const job of await look(client, waiting)) {
        if (ACTIVE.has(job.state)) {
          sayIfStuck(job, stuck);
          continue;
        }
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

/** The jobs as they are now; of many those that have not ended come from one list. */
async function look(client: OrreryClient, jobIds: readonly number[]): Promise<JobSummary[]> {
  const active =
    jobIds.length > 2 ? new Map((await client.jobs()).map((job) => [job.id, job])) : new Map<number, JobSummary>();
  const found: JobSummary[] = [];
  for (const id of new Set(jobIds)) found.push(active.get(id) ?? (await client.job(id)));
  return found;
}

/** A job that starts only if somebody does something is waited for in vain: said once. */
function sayIfStuck(job: JobSummary, said: Set<number>): void {
  if (!STUCK_REASONS.has(job.reason) || said.has(job.id)) return;
  said.add(job.id);
  const name = jobLabel(job);
  note(`Job ${name} (${oneLine(job.name)}) will not start by itself (${job.reason}): orrery why ${name}`);
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
