/**
 * Bytes of a checkpoint a parameter in mixed precision: the weights in BF16, and the optimizer's in FP32: master weights and the two moments of
 * Adam. BLOOM's 2.3 TB for 176 G parameters are 13.1.
 */
export const CHECKPOINT_BYTES_PER_PARAMETER = 2 + 4 + 4 + 4;

/** What a checkpoint holds training up for whatever its size: all ranks stop, copy their state to the host, open and close files. Assumed. */
export const CHECKPOINT_PAUSE_SECONDS = 5;

/** What one node can send to storage, bytes/s: one 200 Gb/s adapter, of the one or two that a DGX A100 has for storage. */
export const STORAGE_LINK_BYTES_PER_SECOND = 25e9;

/**
 * What storage takes from one node where a cluster's storage bandwidth is not known, bytes/s: BLOOM's 2.3 TB in 40 s from 48 nodes
 * (https://github.com/stas00/ml-engineering, training/fault-tolerance).
 */
export const STORAGE_BYTES_PER_SECOND_PER_NODE_DEFAULT = 2.3e12 / 40 / 48;

export function checkpointBytes(parameters: number): number {
  return CHECKPOINT_BYTES_PER_PARAMETER * parameters;
}

/** Bytes/s of `nodes` nodes to storage: the tier's bandwidth or the nodes' links, whichever is less. `storageBytesPerSecond`: null if not known. */
export function storageRate(nodes: number, storageBytesPerSecond: number | null): number {
  if (storageBytesPerSecond === null) return nodes * STORAGE_BYTES_PER_SECOND_PER_NODE_DEFAULT;
  return Math.min(storageBytesPerSecond, nodes * STORAGE_LINK_BYTES_PER_SECOND);
}

/** Optimal training time between two checkpoints that each stop training for `writeSeconds`: sqrt(2 w M) (Young, CACM 17, 1974; Daly, FGCS 22, 2006). */
export function youngDalySeconds(writeSeconds: number, mttfSeconds: number): number {
  return Math.sqrt(2 * writeSeconds * mttfSeconds);
}
