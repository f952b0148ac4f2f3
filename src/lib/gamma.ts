import { assert } from './assert.ts';

/** Terms of the series and of the continued fraction; near x = shape they need some multiples of the root of it. */
const STEPS_MAX = 100_000;
const SMALL = 1e-300;

/**
 * Probability that a gamma variable of this shape and scale 1 is above x: the regularised upper incomplete gamma function Q(shape, x). For an integer
 * shape it is that of fewer events than `shape` where x are expected. Abramowitz and Stegun, Handbook of Mathematical Functions, 6.5.29 (series, below
 * x = shape + 1) and 6.5.31 (continued fraction, above).
 */
export function gammaAbove(shape: number, x: number): number {
  assert(shape > 0 && x >= 0, `shape ${shape}, x ${x}`);
  if (x === 0) return 1;
  const front = Math.exp(shape * Math.log(x) - x - logGamma(shape));
  return x < shape + 1 ? 1 - front * belowSeries(shape, x) : front * aboveFraction(shape, x);
}

function belowSeries(shape: number, x: number): number {
  let term = 1 / shape;
  let sum = term;
  for (let step = 1; step < STEPS_MAX && term > sum * 1e-17; step++) {
    term *= x / (shape + step);
    sum += term;
  }
  return sum;
}

/** By Lentz's method. */
function aboveFraction(shape: number, x: number): number {
  let b = x + 1 - shape;
  let c = 1 / SMALL;
  let d = 1 / b;
  let value = d;
  for (let step = 1; step < STEPS_MAX; step++) {
    const a = -step * (step - shape);
    b += 2;
    d = 1 / (a * d + b || SMALL);
    c = b + a / c || SMALL;
    const factor = c * d;
    value *= factor;
    if (Math.abs(factor - 1) < 1e-15) break;
  }
  return value;
}

/** Stirling's series (Abramowitz and Stegun, 6.1.40), from 12 on to the last digits; below by the recurrence. */
function logGamma(value: number): number {
  let shift = 0;
  let z = value;
  for (; z < 12; z++) shift += Math.log(z);
  const inverse = 1 / z;
  const square = inverse * inverse;
  const series = inverse * (1 / 12 - square * (1 / 360 - square * (1 / 1260 - square * (1 / 1680 - square / 1188))));
  return (z - 0.5) * Math.log(z) - z + Math.log(2 * Math.PI) / 2 + series - shift;
}
