import { type Amounts, type Resource, RESOURCES } from './limit-reasons.ts';
import type { Budget } from './limit-profile.ts';
import { amountOf, minutesAsked, minutesFigure, minutesSaid } from './limit-words.ts';
import { type MinutesAhead, minutesOf } from './run-minutes.ts';

/** What a job asks for. */
type Asked = Omit<Amounts, 'jobs'> & { readonly minutesMs: number };

export interface ExhaustedBudget {
  readonly budget: Budget;
  readonly name: Resource;
  /** No matter what fades or ends. */
  readonly isForEver: boolean;
}

/** The first limit on used minutes that does not let the job start; null where there is none. */
export function exhaustedBudget(budgets: readonly Budget[], demand: Asked): ExhaustedBudget | null {
  for (const budget of budgets) {
    const { limit, ahead } = budget;
    const { used } = budget.counter;
    for (const name of RESOURCES) {
      const allowed = limit[name];
      if (allowed === Infinity) continue;
      if (used[name] >= allowed) return { budget, name, isForEver: allowed === 0 };
      if (ahead === null) continue;
      const asked = minutesOf(amountOf(demand, name), demand.minutesMs);
      // Of what was used whole minutes, as in Slurm.
      if (Math.floor(used[name]) + aheadOf(ahead, name) + asked > allowed)
        return { budget, name, isForEver: asked > allowed };
    }
  }
  return null;
}

/** Of the wall clock nothing, as in Slurm: a job is held to what it asks for itself. */
function aheadOf({ used }: MinutesAhead, name: Resource): number {
  return name === 'jobs' ? 0 : used[name];
}

export function exhaustedText({ budget, name, isForEver }: ExhaustedBudget, demand: Asked): string {
  const { limit, ahead, counter } = budget;
  const all = `all jobs together may use ${minutesSaid(limit[name], name)}`;
  if (isForEver && ahead === null) return `${all}: it never starts`;
  const used = `${minutesFigure(counter.used[name], name)} are used`;
  if (ahead === null) return `${all}, and ${used}`;
  const asked = minutesAsked(amountOf(demand, name), demand.minutesMs, name);
  if (isForEver) return `${asked}, and ${all}: it never starts`;
  const reserved = name === 'jobs' ? '' : `, what runs has ${minutesFigure(ahead.used[name], name)} ahead of it`;
  return `${asked}, ${used}${reserved}, and ${all}`;
}
