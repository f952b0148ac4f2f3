/**
 * What a field of milliseconds is begun with that grows beyond 2^31, which are 24.8 days: zero, as a double. Begun with the integer 0 it would
 * be kept as a small integer, and once it no longer fits, in the midst of a run, V8 throws away all code that was compiled for it.
 */
export const ZERO_MS = -0;
