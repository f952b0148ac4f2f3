import type { CaseLayout, PlannedCase } from './plan-case.ts';

/** Cases of the same work: what is trained on how much, with how long a context. Only these are held against each other. */
export interface Work {
  model: string;
  tokens: number;
  sequenceLength: number;
  cases: RankedCase[];
}

export interface RankedCase extends PlannedCase {
  /** On the Pareto front of time and cost: no other case of the same work is better in one of both and as good in the other. */
  isOnFront: boolean;
}

/** What a case costs: money where there is a price, else GPU-hours; null where it never ends. */
export function costOf({ cost, gpuHours }: CaseLayout, isPriced: boolean): number | null {
  return isPriced ? cost : gpuHours;
}

/** In the order in which the works first come; within them that of the cases. */
export function worksOf(cases: readonly PlannedCase[], isPriced: boolean): Work[] {
  const works = new Map<string, PlannedCase[]>();
  for (const one of cases) {
    const key = `${one.tokens} ${one.sequenceLength} ${one.model}`;
    const others = works.get(key);
    if (others === undefined) works.set(key, [one]);
    else others.push(one);
  }
  return [...works.values()].flatMap((of) => {
    const [first] = of;
    if (first === undefined) return [];
    const { model, tokens, sequenceLength } = first;
    const front = frontOf(of, isPriced);
    return [{ model, tokens, sequenceLength, cases: of.map((one) => ({ ...one, isOnFront: front.has(one) })) }];
  });
}

/** Cases that end and of which no other is better in time or cost and as good in the other; of equals all. */
function frontOf(cases: readonly PlannedCase[], isPriced: boolean): Set<PlannedCase> {
  const points = cases.flatMap((one) => {
    const [days, cost] = one.best === null ? [null, null] : [one.best.expectedDays, costOf(one.best, isPriced)];
    return days === null || cost === null ? [] : [{ one, days, cost }];
  });
  points.sort((a, b) => a.days - b.days || a.cost - b.cost);
  const front = new Set<PlannedCase>();
  let last: (typeof points)[number] | null = null;
  for (const point of points) {
    const isEqual = last !== null && point.days === last.days && point.cost === last.cost;
    if (last !== null && point.cost >= last.cost && !isEqual) continue;
    front.add(point.one);
    last = point;
  }
  return front;
}
