import { costOf, type RankedCase, type Work } from '../../plan-grid/pareto-front.ts';
import { inWords, duration } from '../plan-page/words.ts';
import { whole } from '../plan-report.ts';

/** `4.39 days on 6,080 GPUs of rsc-phase1 with a batch of 2,280, for 960,500`; empty for what is not planned. */
export function caseText(one: RankedCase, isPriced: boolean): string {
  const { best, gpus, cluster, globalBatch } = one;
  if (best === null) return '';
  const batch = globalBatch === null ? '' : ` with a batch of ${whole(globalBatch)}`;
  return `${daysText(best.expectedDays)} on ${whole(gpus)} GPUs of ${cluster}${batch}, for ${priceText(costOf(best, isPriced), isPriced)}`;
}

/** Those of the Pareto front, the soonest first and the cheapest last. */
export function frontOf(cases: readonly RankedCase[]): RankedCase[] {
  return cases
    .filter(({ isOnFront }) => isOnFront)
    .toSorted((a, b) => (a.best?.expectedDays ?? 0) - (b.best?.expectedDays ?? 0));
}

/** What is soonest and what is cheapest of a work, and how many of its cases cannot be trained: a sentence each. */
export function workSummary({ cases }: Work, isPriced: boolean): string[] {
  const front = frontOf(cases);
  const [soonest, cheapest] = [front[0], front.at(-1)];
  const left = cases.filter(({ best }) => best === null).length;
  const unplanned = left === 0 ? [] : [`${whole(left)} of ${whole(cases.length)} cases cannot be trained so.`];
  if (soonest === undefined || cheapest === undefined) return ['No case can be trained to an end.', ...unplanned];
  const least = isPriced ? 'cheapest' : 'fewest GPU-hours';
  if (soonest === cheapest) return [`Soonest and ${least}: ${caseText(soonest, isPriced)}.`, ...unplanned];
  const [first = ''] = least;
  return [
    `Soonest: ${caseText(soonest, isPriced)}.`,
    `${first.toUpperCase()}${least.slice(1)}: ${caseText(cheapest, isPriced)}.`,
    ...unplanned,
  ];
}

export function daysText(days: number | null): string {
  return days === null ? 'no end' : duration(days);
}

/** `960,500`, `1.2 million GPU-hours`. */
function priceText(cost: number | null, isPriced: boolean): string {
  if (cost === null) return 'more than can be said';
  return isPriced ? whole(Math.round(cost)) : `${inWords(cost)} GPU-hours`;
}
