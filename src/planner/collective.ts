import type { StackEfficiency } from './efficiency.ts';
import type { Machine } from './machine.ts';

/** A collective's members: `inNode` on each of `nodes` nodes. */
export interface Group {
  inNode: number;
  nodes: number;
}

/**
 * How a group of `size` whose neighbours stand `stride` GPUs apart lies on nodes of `gpusPerNode`. Where groups do not divide a node or a node them, some
 * straddle nodes with few members in each, and these set the pace.
 */
export function placeGroup(size: number, stride: number, gpusPerNode: number): Group {
  const inNode = Math.max(1, Math.floor(greatestCommonDivisor(size * stride, gpusPerNode) / stride));
  return { inNode, nodes: Math.ceil(size / inNode) };
}

function greatestCommonDivisor(a: number, b: number): number {
  return b === 0 ? a : greatestCommonDivisor(b, a % b);
}

/** What a collective sees of the machine's links with a given stack. */
export interface Links {
  nvlinkBytesPerSecond: number;
  nvlinkLatencySeconds: number;
  /** A GPU's share of its node's links. */
  networkBytesPerSecond: number;
  /** The same where all nodes of a leaf send to other leaves at once. */
  spineBytesPerSecond: number;
  networkLatencySeconds: number;
  nodesPerLeaf: number;
}

export function linksOf(machine: Machine, stack: StackEfficiency): Links {
  const network = machine.networkBytesPerSecondPerGpu * stack.network;
  return {
    nvlinkBytesPerSecond: machine.gpu.nvlinkBytesPerSecond * stack.nvlink,
    nvlinkLatencySeconds: stack.nvlinkLatencySeconds,
    networkBytesPerSecond: network,
    spineBytesPerSecond: network / machine.oversubscription,
    networkLatencySeconds: stack.networkLatencySeconds,
    nodesPerLeaf: machine.nodesPerLeaf,
  };
}

/**
 * Seconds for each GPU of the group to get all `bytes` of which it held its share (all-gather), or the sum of its share (reduce-scatter).
 * Two levels: nodes exchange over all their links what their GPUs then pass on over NVLink. In a ring over neighbouring nodes one node's traffic
 * leaves a leaf, so its uplinks hold it back only where they are fewer than a node's (oversubscription above the nodes of a leaf).
 */
export function gatherSeconds(bytes: number, group: Group, links: Links): number {
  let seconds = 0;
  if (group.inNode > 1) {
    seconds += ((bytes / links.nvlinkBytesPerSecond) * (group.inNode - 1)) / group.inNode + links.nvlinkLatencySeconds;
  }
  if (group.nodes > 1) {
    const crossesSpine = group.nodes > links.nodesPerLeaf;
    const bandwidth = crossesSpine
      ? Math.min(links.networkBytesPerSecond, links.spineBytesPerSecond * links.nodesPerLeaf)
      : links.networkBytesPerSecond;
    seconds +=
      ((bytes / group.inNode / bandwidth) * (group.nodes - 1)) / group.nodes +
      links.networkLatencySeconds * Math.ceil(Math.log2(group.nodes));
  }
  return seconds;
}

/** Seconds for the sum of `bytes` to be at every GPU of the group: a reduce-scatter and an all-gather (Thakur et al. 2005, section 4). */
export function allReduceSeconds(bytes: number, group: Group, links: Links): number {
  return 2 * gatherSeconds(bytes, group, links);
}

/** Seconds for each GPU of the group to send each other one its part of `bytes`. Nodes far apart share the spine's uplinks. */
export function allToAllSeconds(bytes: number, group: Group, links: Links): number {
  const size = group.inNode * group.nodes;
  if (size <= 1) return 0;
  let seconds = ((bytes / links.nvlinkBytesPerSecond) * (group.inNode - 1)) / size + links.nvlinkLatencySeconds;
  if (group.nodes > 1) {
    const bandwidth = group.nodes > links.nodesPerLeaf ? links.spineBytesPerSecond : links.networkBytesPerSecond;
    seconds += ((bytes / bandwidth) * (size - group.inNode)) / size + links.networkLatencySeconds;
  }
  return seconds;
}

/** Seconds to hand `bytes` on in a chain of GPUs `stride` apart that spans `span` GPUs: its slowest hop, between nodes unless one node holds all. */
export function sendSeconds(bytes: number, stride: number, span: number, gpusPerNode: number, links: Links): number {
  if (gpusPerNode % span === 0) return bytes / links.nvlinkBytesPerSecond + links.nvlinkLatencySeconds;
  const crossesSpine = stride / gpusPerNode >= links.nodesPerLeaf;
  return bytes / (crossesSpine ? links.spineBytesPerSecond : links.networkBytesPerSecond) + links.networkLatencySeconds;
}
