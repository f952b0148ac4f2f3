/**
 * Share of a node's maximum power that it draws at full work: Selene drew 2,646 kW in its HPL run (TOP500, November 2020) where its 560 nodes may draw
 * 6.5 kW each. Training is assumed to draw the same.
 */
export const POWER_SHARE = 2_646_000 / (560 * 6500);

/** A node's maximum over that of its GPUs, where only the GPUs' is known: that of a DGX A100, 6.5 kW with eight GPUs of 400 W. */
const NODE_POWER_OVER_GPUS = 6500 / (8 * 400);

/** Power of the building over that of the machine, where nothing is given: assumed. */
export const PUE_DEFAULT = 1.2;

export interface Powered {
  /** Null if not known. */
  nodeWattsMax: number | null;
  gpuWattsMax: number | null;
  gpusPerNode: number;
}

/** What a node draws at full work, watts; null where neither its maximum nor its GPUs' is known. */
export function nodeWatts({ nodeWattsMax, gpuWattsMax, gpusPerNode }: Powered): number | null {
  if (nodeWattsMax !== null) return POWER_SHARE * nodeWattsMax;
  return gpuWattsMax === null || gpusPerNode === 0
    ? null
    : POWER_SHARE * NODE_POWER_OVER_GPUS * gpuWattsMax * gpusPerNode;
}

/** Energy of `nodes` nodes over a time, with what cools and feeds them. */
export function energyKwh(wattsPerNode: number, nodes: number, seconds: number, pue: number): number {
  return (wattsPerNode * nodes * seconds * pue) / 3.6e6;
}
