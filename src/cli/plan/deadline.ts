import { divisorsOf } from '../../lib/divisors.ts';
import { search } from '../../planner/search.ts';
import { timeOf } from './plan.ts';
import { badRequest, isPossible, type PlanRequest, refuseInvalid, withGpus } from './request.ts';

export interface Deadline {
  seconds: number;
  isMet: boolean;
  /** GPUs that suffice, or all that could be tried where none do. */
  gpus: number;
  nodes: number;
  /** Numbers of GPUs that were searched. */
  tried: number;
}

/** Below the number that bisection found, as time does not fall evenly with the GPUs: how far to look, and how many numbers at most. */
const LOOK_BELOW_SHARE = 0.85;
const LOOK_BELOW_MOST = 300;

/**
 * The fewest whole nodes on which the run, with its failures, ends in time: by bisection, then by a look at smaller numbers down to 85 % of what is
 * found, for as long as one of them will do. What is fixed restricts the numbers tried; with a global batch that was given, only numbers of GPUs count that divide evenly into stages of whole layers and replicas of whole batches.
 */
export function fewestGpus(request: PlanRequest, deadlineSeconds: number): Deadline {
  const counts = countsOf(request);
  const most = counts.at(-1);
  if (most === undefined) {
    refuseInvalid(request);
    throw badRequest(
      `gpus: no whole nodes of up to ${request.machine.gpus} GPUs can be laid out evenly with what is fixed`,
    );
  }
  let tried = 0;
  const inTime = (gpus: number): boolean => {
    const sized = withGpus(request, gpus);
    const { best, fits } = search({ ...sized, best: 1 });
    const [first] = best;
    tried += 1;
    return fits && first !== undefined && timeOf(sized, first.cost.iterationSeconds).expectedSeconds <= deadlineSeconds;
  };
  const outcome = (isMet: boolean, gpus: number): Deadline => {
    return { seconds: deadlineSeconds, isMet, gpus, nodes: Math.ceil(gpus / request.machine.gpusPerNode), tried };
  };
  const lookBelow = (gpus: number): number | undefined => {
    const below = counts.filter((count) => count < gpus && count >= LOOK_BELOW_SHARE * gpus);
    const stride = Math.ceil(below.length / LOOK_BELOW_MOST);
    return below.filter((_, index) => index % stride === 0).find(inTime);
  };
  const bisect = (): number => {
    let low = -1;
    let high = counts.length - 1;
    while (high - low > 1) {
      const middle = Math.floor((low + high) / 2);
      if (inTime(counts[middle] ?? most)) high = middle;
      else low = middle;
    }
    return counts[high] ?? most;
  };
  let found: number | null = null;
  for (let next = inTime(most) ? bisect() : lookBelow(most); next !== undefined; next = lookBelow(next)) found = next;
  return outcome(found !== null, found ?? most);
}

/** Numbers of GPUs of whole nodes to choose from, ascending. */
function countsOf(request: PlanRequest): number[] {
  const { gpus, gpusPerNode } = request.machine;
  const { tp, pp, dp, cp, ep } = request.fixed;
  const isGridFree = [tp, pp, dp, cp, ep].every((degree) => degree === undefined);
  const whole = Array.from({ length: Math.floor(gpus / gpusPerNode) }, (_, index) => (index + 1) * gpusPerNode);
  if (!request.isGlobalBatchGiven)
    return isGridFree ? whole : whole.filter((count) => isPossible(withGpus(request, count)));
  const { model, workload } = request;
  const even = new Set<number>();
  for (const replicas of divisorsOf(workload.globalBatch)) {
    for (const stages of divisorsOf(model.layers)) {
      for (const split of divisorsOf(model.heads)) even.add(replicas * stages * split);
    }
  }
  return whole.filter((count) => even.has(count) && (isGridFree || isPossible(withGpus(request, count))));
}
