/** The descriptor on which a measured process says what it took. */
export const USAGE_DESCRIPTOR = 3;

/** Of a whole process, all of its threads together. */
export interface Usage {
  cpuSeconds: number;
  peakBytes: number;
}
