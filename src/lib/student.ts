import { assert } from './assert.ts';

/**
 * Probability that a Student t variable lies within -t and t. Abramowitz and Stegun, Handbook of Mathematical Functions, 26.7.3 (odd) and
 * 26.7.4 (even degrees of freedom): exact, by a finite sum.
 */
export function studentWithin(t: number, degreesOfFreedom: number): number {
  assert(t >= 0, `t is ${t}`);
  assert(Number.isSafeInteger(degreesOfFreedom) && degreesOfFreedom > 0, `${degreesOfFreedom} degrees of freedom`);
  const angle = Math.atan2(t, Math.sqrt(degreesOfFreedom));
  const cosine = Math.cos(angle);
  const isOdd = degreesOfFreedom % 2 === 1;
  let sum = 0;
  let term = isOdd ? cosine : 1;
  for (let power = isOdd ? 1 : 0; power <= degreesOfFreedom - 2; power += 2) {
    sum += term;
    term *= ((power + 1) / (power + 2)) * cosine * cosine;
  }
  return isOdd ? (2 / Math.PI) * (angle + Math.sin(angle) * sum) : Math.sin(angle) * sum;
}

/** The t that a Student variable stays within, on both sides, with this probability: 2.776 for 0.95 and 4 degrees of freedom. */
export function studentBound(probability: number, degreesOfFreedom: number): number {
  assert(probability > 0 && probability < 1, `probability ${probability}`);
  let low = 0;
  let high = 1;
  while (studentWithin(high, degreesOfFreedom) < probability) high *= 2;
  // Halving more often changes nothing that a double holds.
  for (let step = 0; step < 60; step++) {
    const middle = (low + high) / 2;
    if (studentWithin(middle, degreesOfFreedom) < probability) low = middle;
    else high = middle;
  }
  return (low + high) / 2;
}
