/** The last full step up to then, counted from 0: with 1000 the begin of the second. */
export function floorTo(ms: number, stepMs: number): number {
  return Math.floor(ms / stepMs) * stepMs;
}
