/**
 * What a field of milliseconds is begun with that grows beyond 2^31, which are 24.8 days: zero, as a double. Begun with the integer 0 it would
 * be kept as a small integer, and once it no longer fits, in the midst of a run, V8 throws away all code that was compiled for it.
 */
export const ZERO_MS = -0;

/** The same for bytes, and for counts that are kept as doubles. */
export const ZERO_BYTES = -0;
export const ZERO_COUNT = -0;
