import type { JobSummary } from '../contract/api.ts';
import type { JobName, OrreryClient } from '../contract/client.ts';

/** Whether the name stands for all tasks of an array: it is the id of the first of them. */
export function isWholeArray(name: JobName, { arrayJobId }: Pick<JobSummary, 'arrayJobId'>): boolean {
  return typeof name === 'number' && arrayJobId === name;
}

/** Ids of the jobs that are meant, those of an array one by one. Throws ORR_NOT_FOUND. */
export async function jobIdsOf(client: OrreryClient, names: readonly JobName[]): Promise<number[]> {
  const ids: number[] = [];
  for (const name of names) {
    const job = await client.job(name);
    if (!isWholeArray(name, job)) ids.push(job.id);
    else ids.push(...(await client.jobs({ all: true, array: job.id })).map(({ id }) => id));
  }
  return [...new Set(ids)];
}
