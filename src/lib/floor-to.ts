/** The last full step up to then: with 1000 the begin of the second. `originMs`: what the clock that has full steps shows at 0. */
export function floorTo(ms: number, stepMs: number, originMs = 0): number {
  return Math.floor((ms + originMs) / stepMs) * stepMs - originMs;
}
