/**
 * Throws when an invariant does not hold. Assertions stay on in production: a wrong ledger is worse than a stopped cycle.
 * `message`: put together before anybody knows whether it is needed, so on hot paths a constant.
 */
export function assert(condition: unknown, message: string): asserts condition {
  if (!condition) throw new Error(`invariant violated: ${message}`);
}

/** The value, where its absence would be a defect of ours. */
export function definite<T>(value: T | null | undefined, message: string): T {
  assert(value !== null && value !== undefined, message);
  return value;
}
