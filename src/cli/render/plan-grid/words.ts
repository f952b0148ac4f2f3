import { costOf, type RankedCase } from '../../plan-grid/pareto-front.ts';
import { inWords, duration } from '../plan-page/words.ts';
import { whole } from '../plan-report.ts';

/** `4.39 days on 6,080 GPUs of rsc-phase1 with a batch of 2,280, for 960,500`; empty for what is not planned. */
export function caseText(one: RankedCase, isPriced: boolean): string {
  const { best, gpus, cluster, globalBatch } = one;
  if (best === null) return '';
  const batch = globalBatch === null ? '' : ` with a batch of ${whole(globalBatch)}`;
  return `${daysText(best.expectedDays)} on ${whole(gpus)} GPUs of ${cluster}${batch}, for ${priceText(costOf(best, isPriced), isPriced)}`;
}

export function daysText(days: number | null): string {
  return days === null ? 'no end' : duration(days);
}

/** `960,500`, `1.2 million GPU-hours`. */
function priceText(cost: number | null, isPriced: boolean): string {
  if (cost === null) return 'more than can be said';
  return isPriced ? whole(Math.round(cost)) : `${inWords(cost)} GPU-hours`;
}
