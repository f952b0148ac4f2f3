/** One number to find: where to begin and between what. Zero as `least` makes steps additive, else they are relative. */
export interface SearchedNumber {
  start: number;
  least: number;
  most: number;
}

/**
 * The numbers that make `loss` least, as far as steps along one number at a time lead (Hooke and Jeeves 1961): a step that helps grows, one that does not is
 * halved, until all are below `tolerance`. Deterministic; a local minimum.
 */
export function patternSearch(
  numbers: readonly SearchedNumber[],
  loss: (values: readonly number[]) => number,
  { rounds = 60, tolerance = 0.003 }: { rounds?: number; tolerance?: number } = {},
): { values: number[]; loss: number } {
  const values = numbers.map(({ start }) => start);
  const steps = numbers.map(() => 0.25);
  let best = loss(values);
  for (let round = 0; round < rounds; round += 1) {
    let hasImproved = false;
    for (const [index, number] of numbers.entries()) {
      const value = values[index] ?? number.start;
      const step = steps[index] ?? 0;
      let moved = false;
      for (const sign of [1, -1]) {
        const tried =
          number.least === 0 ? value + (sign * step * (number.most - number.least)) / 2 : value * Math.exp(sign * step);
        const within = Math.min(number.most, Math.max(number.least, tried));
        if (within === value) continue;
        values[index] = within;
        const reached = loss(values);
        if (reached < best - 1e-9) {
          best = reached;
          moved = true;
          break;
        }
        values[index] = value;
      }
      steps[index] = step * (moved ? 1.3 : 0.5);
      hasImproved ||= moved;
    }
    if (!hasImproved && steps.every((step) => step < tolerance)) break;
  }
  return { values, loss: best };
}
