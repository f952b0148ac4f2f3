import type { JobSummary } from '../contract/api.ts';
import type { JobName, OrreryClient } from '../contract/client.ts';
import { jobLabel } from '../contract/job-array.ts';

/** Of so many names each is asked for by itself; of more all jobs are listed once. */
const ASKED_ONE_BY_ONE = 2;

/** Whether the name stands for all tasks of an array: it is the id of the first of them. */
export function isWholeArray(name: JobName, { arrayJobId }: Pick<JobSummary, 'arrayJobId'>): boolean {
  return typeof name === 'number' && arrayJobId === name;
}

/** Ids of the jobs that are meant, those of an array one by one. Throws ORR_NOT_FOUND. */
export async function jobIdsOf(client: OrreryClient, names: readonly JobName[]): Promise<number[]> {
  const listed = names.length > ASKED_ONE_BY_ONE ? await client.jobs({ all: true }) : [];
  const known = new Map<JobName, JobSummary>(
    listed.flatMap((job) => [[job.id, job] as const, [jobLabel(job), job] as const]),
  );
  const ids: number[] = [];
  for (const name of names) {
    const job = known.get(name) ?? (await client.job(name));
    if (!isWholeArray(name, job)) ids.push(job.id);
    else ids.push(...(await client.jobs({ all: true, array: job.id })).map(({ id }) => id));
  }
  return [...new Set(ids)];
}
