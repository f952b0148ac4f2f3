/** Beyond this a double no longer tells the distribution from 0 or 1. */
const DEVIATIONS_MAX = 8;

/**
 * Probability that a normal variable of mean 0 and deviation 1 is below `deviations`: the series of Abramowitz and Stegun, Handbook of
 * Mathematical Functions, 26.2.11, to the precision of a double.
 */
export function normalBelow(deviations: number): number {
  if (deviations > DEVIATIONS_MAX) return 1;
  if (deviations < -DEVIATIONS_MAX) return 0;
  let sum = 0;
  let term = deviations;
  for (let odd = 1; sum + term !== sum; odd += 2) {
    sum += term;
    term *= (deviations * deviations) / (odd + 2);
  }
  return 0.5 + (sum * Math.exp((-deviations * deviations) / 2)) / Math.sqrt(2 * Math.PI);
}

/** Coefficients of Acklam's rational approximation in the tails; those of the middle stand where most draws come by. */
const TAIL_ABOVE = [
  -0.007784894002430293, -0.3223964580411365, -2.400758277161838, -2.549732539343734, 4.374664141464968,
  2.938163982698783,
];
const TAIL_BELOW = [0.007784695709041462, 0.3224671290700398, 2.445134137142996, 3.754408661907416, 1];
const TAIL_PROBABILITY = 0.02425;

/**
 * The value that a normal variable of mean 0 and deviation 1 is below with this probability, above 0 and below 1: P. J. Acklam's rational
 * approximation, right to 1.2e-9 of the value.
 */
export function normalQuantile(probability: number): number {
  if (probability > 0.5) return -normalQuantile(1 - probability);
  if (probability < TAIL_PROBABILITY) {
    const tail = Math.sqrt(-2 * Math.log(probability));
    return polynomial(TAIL_ABOVE, tail) / polynomial(TAIL_BELOW, tail);
  }
  const offset = probability - 0.5;
  const square = offset * offset;
  let above = -39.69683028665376 * square + 220.9460984245205;
  above = ((above * square - 275.9285104469687) * square + 138.357751867269) * square - 30.66479806614716;
  above = above * square + 2.506628277459239;
  let below = -54.47609879822406 * square + 161.5858368580409;
  below = ((below * square - 155.6989798598866) * square + 66.80131188771972) * square - 13.28068155288572;
  below = below * square + 1;
  return (offset * above) / below;
}

/** Coefficients from the highest power down. */
function polynomial(coefficients: readonly number[], x: number): number {
  let value = 0;
  for (const coefficient of coefficients) value = value * x + coefficient;
  return value;
}
