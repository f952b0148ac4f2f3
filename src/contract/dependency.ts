import { z } from 'zod';
import type { Dependency } from '../scheduler/types.ts';
import type { JobReference } from './job-array.ts';

/** As `sbatch --dependency` has them. `aftercorr`: a task of an array waits for the task of the same number. */
const CONDITIONS = ['afterok', 'afterany', 'afternotok', 'aftercorr', 'after'] as const;
const MS_PER_MINUTE = 60_000;
/** Ten years, as of time limits. */
const DELAY_MINUTES_MAX = 10 * 366 * 24 * 60;

const PART =
  /^(?:singleton|(?:after|afterok|afterany|afternotok|aftercorr):\d+(?:_\d+)?(?:\+\d+)?(?::\d+(?:_\d+)?(?:\+\d+)?)*)$/;

/** What is wrong with a list of dependencies, in one line; null for nothing. */
function wrongIn(text: string): string | null {
  const got = `got ${JSON.stringify(text)}`;
  if (!text.split(/[,?]/).every((part) => PART.test(part)))
    return `expected "afterok:ID[:ID...]", "afterany:ID", "afternotok:ID", "aftercorr:ID", "after:ID[+MINUTES]" or "singleton", separated by "," or "?", ${got}`;
  if (text.includes(',') && text.includes('?'))
    return `expected only "," (all have to hold) or only "?" (any one is enough) between dependencies, ${got}`;
  for (const part of text.split(/[,?]/)) {
    const [condition, ...ids] = part.split(':');
    const delays = ids.flatMap((id) => id.split('+').slice(1));
    if (delays.length > 0 && condition !== 'after')
      return `expected a delay ("+MINUTES") behind "after:ID" alone, got ${JSON.stringify(part)}`;
    if (delays.some((minutes) => Number(minutes) < 1 || Number(minutes) > DELAY_MINUTES_MAX))
      return `expected a delay of 1 to ${DELAY_MINUTES_MAX} minutes behind "+", got ${JSON.stringify(part)}`;
  }
  return null;
}

export const afterSchema = z.string().superRefine((text, context) => {
  const message = wrongIn(text);
  if (message !== null) context.addIssue({ code: 'custom', message });
});

/** A dependency as it is written. */
export interface WrittenDependency extends JobReference {
  condition: (typeof CONDITIONS)[number];
  /** Of `after`, from the start of that job; 0 for none. */
  delayMs: number;
}

/** `afterok:12:13,afterany:14_2,after:15+10` as a list; `singleton`, which names no job, is not in it. */
export function parseDependencies(after: string | undefined): WrittenDependency[] {
  return (after ?? '').split(/[,?]/).flatMap((part) => {
    const [first, ...ids] = part.split(':');
    const condition = CONDITIONS.find((known) => known === first);
    if (condition === undefined) return [];
    return ids.map((id) => {
      const [reference = '', minutes = 0] = id.split('+');
      const [jobId, taskId] = reference.split('_').map(Number);
      return { condition, jobId: jobId ?? 0, taskId: taskId ?? null, delayMs: Number(minutes) * MS_PER_MINUTE };
    });
  });
}

/** Whether any one of the dependencies is enough (`?` between them). */
export function isAnyEnough(after: string | undefined): boolean {
  return after?.includes('?') === true;
}

/** Whether it is to wait for the jobs of the same name and user that were submitted before it. */
export function isSingleton({ after = '' }: { after?: string | undefined }): boolean {
  return after.split(/[,?]/).includes('singleton');
}

/** On the job of this id; of the tasks of an array the one that corresponds is meant already. */
export function dependencyOn(jobId: number, { condition, delayMs }: WrittenDependency): Dependency {
  const dependency: Dependency = { condition: condition === 'aftercorr' ? 'afterok' : condition, jobId };
  if (delayMs > 0) dependency.delayMs = delayMs;
  return dependency;
}

/** As sbatch and `squeue` have it behind the number of a job: `+10` minutes. */
export function delayText({ delayMs = 0 }: Pick<Dependency, 'delayMs'>): string {
  return delayMs === 0 ? '' : `+${Math.max(1, Math.round(delayMs / MS_PER_MINUTE))}`;
}
