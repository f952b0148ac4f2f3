import type { SimulationInputs } from '../sim/simulation-inputs.ts';
import { daysText, digits } from './sim-words.ts';

type Times = Pick<SimulationInputs, 'days' | 'warmupDays'>;

/** That a variant is measured over another time than the base, so that sums say little, in a sentence; null where it is not. */
export function unlikeTimes(base: Times, variant: Times): string | null {
  if (base.days === variant.days && base.warmupDays === variant.warmupDays) return null;
  return `It is measured over ${spanOf(variant)}, the base over ${spanOf(base)}: sums such as energy, work lost and jobs that end differ for that alone.`;
}

function spanOf({ days, warmupDays }: Times): string {
  const span = days === null ? 'the time to the end of its jobs' : daysText(days);
  return warmupDays === 0 ? span : `${span} without the first ${digits(warmupDays)}`;
}
