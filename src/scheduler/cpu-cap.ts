/** `MaxCPUsPerNode` of a partition: so many CPUs of a node its jobs have together. */
export interface CpuCap {
  /** Among the partitions that have one. */
  readonly index: number;
  readonly cpusMax: number;
}

/** Of a job of the capped partition that takes so many CPUs of a node, where others of it have `used` there. */
export function isWithinCap(cap: CpuCap | null, used: number | undefined, cpus: number): boolean {
  return cap === null || (used ?? 0) + cpus <= cap.cpusMax;
}
