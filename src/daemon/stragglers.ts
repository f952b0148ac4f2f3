/** What one rank of an attempt has said of its steps: seconds it was busy itself in each, not waiting for others, oldest first. */
export interface RankSteps {
  rank: number;
  nodeName: string;
  busySeconds: readonly number[];
}

export interface RankPace {
  rank: number;
  nodeName: string;
  /** Median over the steps given. */
  busySeconds: number;
  /** Against the lower median of the gang's ranks: 2 is twice as long. */
  slowdown: number;
  isStraggler: boolean;
}

export interface PaceReport {
  /** Slowest first; ranks that have said nothing are not among them. */
  ranks: RankPace[];
  /** Lower median over the ranks, in seconds a step; null where none has said anything. */
  typicalSeconds: number | null;
  /** Part of each step that the gang waits for its slowest rank, in [0, 1); 0 where none is a straggler. */
  waitFraction: number;
}

/** Slower than its gang by less is no news. */
const SLOWDOWN_MIN = 1.2;
/** Nor is what lies within the scatter of the others: so many median absolute deviations, scaled as for a normal distribution. */
const DEVIATIONS_MIN = 4;
const NORMAL_SCALE = 1.4826;

/**
 * Which ranks hold up their gang: those that take a fifth longer than the typical rank and stand out from the scatter between the ranks. The lower
 * median is the typical rank, so that of two the faster one is; the scatter is the median absolute deviation, which a few stragglers do not widen.
 */
export function paceOf(gang: readonly RankSteps[]): PaceReport {
  const paces = gang.flatMap(({ rank, nodeName, busySeconds }) => {
    const median = lowerMedian(busySeconds);
    return median === null ? [] : [{ rank, nodeName, busySeconds: median }];
  });
  const typical = lowerMedian(paces.map(({ busySeconds }) => busySeconds));
  if (typical === null || typical <= 0) return { ranks: [], typicalSeconds: null, waitFraction: 0 };
  const scatter = lowerMedian(paces.map(({ busySeconds }) => Math.abs(busySeconds - typical))) ?? 0;
  const ranks = paces
    .map((pace): RankPace => {
      const slowdown = pace.busySeconds / typical;
      const isOutside = pace.busySeconds - typical > DEVIATIONS_MIN * NORMAL_SCALE * scatter;
      return { ...pace, slowdown, isStraggler: slowdown >= SLOWDOWN_MIN && isOutside };
    })
    .sort((a, b) => b.busySeconds - a.busySeconds || a.rank - b.rank);
  const [slowest] = ranks;
  const waitFraction = slowest?.isStraggler === true ? 1 - typical / slowest.busySeconds : 0;
  return { ranks, typicalSeconds: typical, waitFraction };
}

function lowerMedian(values: readonly number[]): number | null {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.floor((sorted.length - 1) / 2)] ?? null;
}
