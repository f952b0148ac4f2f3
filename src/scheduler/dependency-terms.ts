import { grouped } from '../lib/grouped.ts';
import type { Dependency, JobState } from './types.ts';

/** Dependencies that count as one: on the tasks of a whole array, or on one job. */
export type Term = readonly Dependency[];

/** Those of the same `set` together, in the order of the first of each. */
export function termsOf<One extends Dependency>(dependencies: readonly One[]): (readonly One[])[] {
  return grouped(dependencies, ({ set }) => set);
}

/** Whether a job that ended so is what the dependency waits for. */
export function isMetBy(state: JobState, condition: Dependency['condition']): boolean {
  if (condition === 'afterany' || condition === 'after') return true;
  return (condition === 'afterok') === (state === 'COMPLETED');
}

/** Of a whole array it is enough that one of its tasks ended otherwise than well, once all have ended. */
export function isOneFailure([first]: Term): boolean {
  return first?.set !== undefined && first.condition === 'afternotok';
}

/** Whether what is waited for has ended otherwise than it had to. `stateOf`: how a job ended; undefined while it has not. */
export function isBrokenBy<One extends Dependency>(
  term: readonly One[],
  stateOf: (one: One) => JobState | undefined,
): boolean {
  const isWrong = (one: One) => {
    const state = stateOf(one);
    return state !== undefined && !isMetBy(state, one.condition);
  };
  return isOneFailure(term) ? term.every(isWrong) : term.some(isWrong);
}
