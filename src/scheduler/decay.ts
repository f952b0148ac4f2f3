/** How fast use fades, in the inverse of the half-life's unit; 0: it never does. */
export function decayRate(halfLife: number): number {
  return halfLife > 0 ? Math.LN2 / halfLife : 0;
}

/** What is left at its end of a span that was used all through and faded meanwhile, in its unit: the integral of e^(-l t), (1 - e^(-l t)) / l. */
export function fadedSpan(span: number, rate: number): number {
  return rate === 0 ? span : -Math.expm1(-rate * span) / rate;
}
