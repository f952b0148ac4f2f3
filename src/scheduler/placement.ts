import type { BitSet } from '../lib/bit-set.ts';
import type { Held, JobRecord } from './job-record.ts';
import type { NodePool } from './node-pool.ts';
import { freeGpuIndices, hasRoom, isInService, isKeptOff, type NodeRecord } from './node-record.ts';

export type NodeFilter = (node: NodeRecord) => boolean;

/**
 * Nodes for the whole gang, by index, or null. Nodes already in use come before idle ones, fewer free GPUs before more, then the order in which
 * nodes were added: small jobs fill up what is open and leave whole nodes whole. A gang takes the fewest leaves it can: the fullest-free
 * leaves first, and for what then remains the leaf that has just enough. Node ranks follow leaf, then node order. Where nodes differ in weight
 * this is how the gang's nodes are chosen among those of one weight: see `placeByWeight`.
 * Only nodes that `isAllowed` lets through are taken.
 */
export function placeGang(pool: NodePool, job: JobRecord, isAllowed: NodeFilter | null = null): number[] | null {
  const { nodes } = job.request;
  if (pool.weights.length > 1) return placeByWeight(pool, job, isAllowed);
  if (nodes === 1) {
    const index = firstWithRoom(pool, job, isAllowed);
    return index < 0 ? null : [index];
  }
  if (countAtMost(pool, job) < nodes) return null;
  if (isAllowed === null && takesWholeNodes(pool, job)) {
    const shares = chooseLeaves(pool.idleByLeaf, nodes);
    return shares === null ? null : idleNodes(pool, shares);
  }
  const byLeaf: number[][] = pool.leaves.map(() => []);
  for (const node of nodesWithRoom(pool, job)) {
    if (isAllowed === null || isAllowed(node)) byLeaf[node.leafIndex]?.push(node.index);
  }
  const shares = chooseLeaves(
    byLeaf.map((indices) => indices.length),
    nodes,
  );
  if (shares === null) return null;
  return shares.flatMap(({ leafIndex, take }) => (byLeaf[leafIndex] ?? []).slice(0, take).sort((a, b) => a - b));
}

/**
 * Lighter nodes come before heavier ones: the gang has all of them that have room as long as they are not enough. Of the weight at which there are
 * enough nodes on leaves where it has some already come first.
 */
function placeByWeight(pool: NodePool, job: JobRecord, isAllowed: NodeFilter | null): number[] | null {
  const { nodes } = job.request;
  if (countAtMost(pool, job) < nodes) return null;
  const fitting = nodesWithRoom(pool, job).filter((node) => isAllowed === null || isAllowed(node));
  if (fitting.length < nodes) return null;
  const chosen: NodeRecord[] = [];
  for (const weight of pool.weights) {
    const ofWeight = fitting.filter(({ nodeClass }) => nodeClass.weight === weight);
    if (chosen.length + ofWeight.length < nodes) {
      chosen.push(...ofWeight);
      continue;
    }
    if (nodes === 1) return ofWeight.slice(0, 1).map(({ index }) => index);
    const known = new Set(chosen.map(({ leafIndex }) => leafIndex));
    const byLeaf: NodeRecord[][] = pool.leaves.map(() => []);
    for (const node of ofWeight) byLeaf[node.leafIndex]?.push(node);
    for (const [leafIndex, there] of byLeaf.entries()) {
      if (known.has(leafIndex)) chosen.push(...there.splice(0, nodes - chosen.length));
    }
    const counts = byLeaf.map((there, leafIndex) => (known.has(leafIndex) ? 0 : there.length));
    const shares = nodes > chosen.length ? (chooseLeaves(counts, nodes - chosen.length) ?? []) : [];
    for (const { leafIndex, take } of shares) chosen.push(...(byLeaf[leafIndex] ?? []).slice(0, take));
    break;
  }
  return chosen.sort((a, b) => a.leafIndex - b.leafIndex || a.index - b.index).map(({ index }) => index);
}

/** Whether `placeGang` would find nodes. */
export function hasRoomForGang(pool: NodePool, job: JobRecord): boolean {
  const { nodes } = job.request;
  if (nodes === 1) return firstWithRoom(pool, job, null) >= 0;
  if (takesWholeNodes(pool, job)) return countIdle(pool, job) >= nodes;
  if (countAtMost(pool, job) < nodes) return false;
  return nodesWithRoom(pool, job, nodes).length === nodes;
}

/** How many nodes have room for one node's part of the job now. */
export function countWithRoom(pool: NodePool, job: JobRecord): number {
  if (takesWholeNodes(pool, job)) return countIdle(pool, job);
  return nodesWithRoom(pool, job).length;
}

/** True where all nodes are alike and only an idle one can hold a part of the job, whatever else runs: idle nodes need only be counted. */
export function takesWholeNodes(pool: NodePool, { request, excluded, barred }: JobRecord): boolean {
  const [nodeClass] = pool.classes;
  if (nodeClass === undefined || pool.classes.length > 1 || excluded.size > 0 || barred !== null) return false;
  const { cpus, gpus } = nodeClass.resources;
  if (request.exclusive || request.perNode.cpus === cpus) return true;
  return gpus > 0 && request.perNode.gpus === gpus && pool.gpulessCount === 0;
}

/** The GPUs its nodes give the job: the lowest that are free. */
export function holdNodes(pool: NodePool, job: JobRecord, nodeIndices: readonly number[]): Held {
  const { exclusive, perNode } = job.request;
  const { gpus } = perNode;
  const isOfParts = gpus > 0 && !exclusive && hasPartly(pool, nodeIndices, gpus);
  const gpuIndices = isOfParts ? nodeIndices.map((index) => freeGpuIndices(pool.at(index), gpus)) : null;
  const gpusPerNode = exclusive ? pool.at(nodeIndices[0] ?? -1).spec.resources.gpus : gpus;
  return { nodeIndices, gpusPerNode, cpusPerNode: perNode.cpus, gpuIndices };
}

/** Whether so many GPUs are not all that one of the nodes has. */
function hasPartly(pool: NodePool, nodeIndices: readonly number[], gpus: number): boolean {
  for (let rank = 0; rank < nodeIndices.length; rank++)
    if (gpus < pool.at(nodeIndices[rank]!).spec.resources.gpus) return true;
  return false;
}

/** Whether all of these are. */
export function areInService(pool: NodePool, nodeIndices: readonly number[]): boolean {
  for (let rank = 0; rank < nodeIndices.length; rank++) if (!isInService(pool.at(nodeIndices[rank]!))) return false;
  return true;
}

/** Whether each of these has room for one node's part of the job now. */
export function haveRoom(pool: NodePool, nodeIndices: readonly number[], job: JobRecord): boolean {
  for (let rank = 0; rank < nodeIndices.length; rank++) if (!hasRoom(pool.at(nodeIndices[rank]!), job)) return false;
  return true;
}

/** In the order in which they are preferred; no more than `max`. */
export function nodesWithRoom(pool: NodePool, job: JobRecord, max = Infinity): NodeRecord[] {
  const nodes: NodeRecord[] = [];
  if (!job.request.exclusive) addWithRoom(nodes, pool, pool.mixed, job, max);
  addWithRoom(nodes, pool, pool.idle, job, max);
  return nodes;
}

/** Those in these buckets, until there are `max`. */
function addWithRoom(
  nodes: NodeRecord[],
  pool: NodePool,
  buckets: readonly BitSet[],
  job: JobRecord,
  max: number,
): void {
  for (let gpus = job.request.perNode.gpus; gpus < buckets.length; gpus++) {
    const bucket = buckets[gpus]!;
    if (bucket.size === 0) continue;
    for (let index = bucket.next(0); index >= 0; index = bucket.next(index + 1)) {
      if (nodes.length === max) return;
      const node = pool.nodes[index];
      if (node !== undefined && hasRoom(node, job) && !isKeptOff(node, job)) nodes.push(node);
    }
  }
}

function firstWithRoom(pool: NodePool, job: JobRecord, isAllowed: NodeFilter | null): number {
  if (!job.request.exclusive) {
    const index = firstIn(pool, pool.mixed, job, isAllowed);
    if (index >= 0) return index;
  }
  return firstIn(pool, pool.idle, job, isAllowed);
}

function firstIn(pool: NodePool, buckets: readonly BitSet[], job: JobRecord, isAllowed: NodeFilter | null): number {
  for (let gpus = job.request.perNode.gpus; gpus < buckets.length; gpus++) {
    const bucket = buckets[gpus];
    if (bucket === undefined || bucket.size === 0) continue;
    for (let index = bucket.next(0); index >= 0; index = bucket.next(index + 1)) {
      const node = pool.nodes[index];
      if (node === undefined || !hasRoom(node, job) || isKeptOff(node, job)) continue;
      if (isAllowed === null || isAllowed(node)) return index;
    }
  }
  return -1;
}

/** An upper bound on the nodes with room, by free GPUs alone: most gangs that must wait are found out here. */
function countAtMost(pool: NodePool, { request }: JobRecord): number {
  let count = 0;
  for (let gpus = request.perNode.gpus; gpus < pool.idle.length; gpus++) {
    count += pool.idle[gpus]?.size ?? 0;
    if (!request.exclusive) count += pool.mixed[gpus]?.size ?? 0;
  }
  return count;
}

/** How many idle nodes have room: all there is to a job that takes whole nodes. */
export function countIdle(pool: NodePool, { request }: JobRecord): number {
  let count = 0;
  for (let gpus = request.perNode.gpus; gpus < pool.idle.length; gpus++) count += pool.idle[gpus]?.size ?? 0;
  return count;
}

interface LeafShare {
  leafIndex: number;
  take: number;
}

/**
 * Leaves and how many nodes to take of each, ascending by leaf: the fewest that together have enough. As long as no leaf has enough for what is
 * missing the largest is taken whole, then the tightest that has enough; of equals the first. `counts` is by leaf index.
 */
function chooseLeaves(counts: readonly number[], nodes: number): LeafShare[] | null {
  const tightest = tightestOf(counts, nodes);
  if (tightest >= 0) return [{ leafIndex: tightest, take: nodes }];
  const order = byCountDescending(counts);
  const shares: LeafShare[] = [];
  let needed = nodes;
  for (let place = 0; place < order.length; place++) {
    const largest = order[place] ?? -1;
    const count = counts[largest] ?? 0;
    if (count < needed) {
      addShare(shares, largest, count);
      needed -= count;
      continue;
    }
    // From here on in the order: the last that has enough is the tightest, and of its equals the first comes first.
    let chosen = place;
    for (let other = place + 1; (counts[order[other] ?? -1] ?? 0) >= needed; other++) {
      if ((counts[order[other] ?? -1] ?? 0) < (counts[order[chosen] ?? -1] ?? 0)) chosen = other;
    }
    addShare(shares, order[chosen] ?? -1, needed);
    return shares;
  }
  return null;
}

/** In its place. */
function addShare(shares: LeafShare[], leafIndex: number, take: number): void {
  const share = { leafIndex, take };
  shares.push(share);
  let place = shares.length - 1;
  for (; place > 0 && shares[place - 1]!.leafIndex > leafIndex; place--) shares[place] = shares[place - 1]!;
  shares[place] = share;
}

/** Leaves that have any, those with most first, of equals the first: sorted by counting, since a leaf has few nodes. */
function byCountDescending(counts: readonly number[]): number[] {
  let most = 0;
  for (let leafIndex = 0; leafIndex < counts.length; leafIndex++) most = Math.max(most, counts[leafIndex]!);
  // Plain lists: those of fixed size lie outside of the heap, where it takes longer to get one than to fill it.
  const places = zeros(most + 2);
  for (let leafIndex = 0; leafIndex < counts.length; leafIndex++) places[counts[leafIndex]!]! += 1;
  let place = 0;
  for (let count = most; count > 0; count--) {
    const size = places[count]!;
    places[count] = place;
    place += size;
  }
  const order = zeros(place);
  for (let leafIndex = 0; leafIndex < counts.length; leafIndex++) {
    const count = counts[leafIndex]!;
    if (count > 0) {
      order[places[count]!] = leafIndex;
      places[count]! += 1;
    }
  }
  return order;
}

function zeros(length: number): number[] {
  const list: number[] = [];
  for (let index = 0; index < length; index++) list.push(0);
  return list;
}

function tightestOf(counts: readonly number[], needed: number): number {
  let tightest = -1;
  for (let leafIndex = 0; leafIndex < counts.length; leafIndex++) {
    const count = counts[leafIndex] ?? 0;
    if (count >= needed && (tightest < 0 || count < (counts[tightest] ?? 0))) tightest = leafIndex;
  }
  return tightest;
}

/** Of clusters whose nodes are all alike: an idle one has all of its GPUs free. */
function idleNodes(pool: NodePool, shares: readonly LeafShare[]): number[] {
  const idle = pool.idle[pool.classes[0]?.resources.gpus ?? 0];
  const chosen: number[] = [];
  for (const { leafIndex, take } of shares) {
    const first = pool.leaves[leafIndex]?.nodes[0];
    if (idle === undefined || first === undefined) continue;
    // A leaf's nodes are neighbours for the most part.
    let left = take;
    for (let index = idle.next(first.index); left > 0 && index >= 0; index = idle.next(index + 1)) {
      if (pool.nodes[index]?.leafIndex !== leafIndex) continue;
      chosen.push(index);
      left -= 1;
    }
  }
  return chosen;
}
