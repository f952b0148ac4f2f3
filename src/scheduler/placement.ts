import type { BitSet } from '../lib/bit-set.ts';
import type { JobRecord } from './job-record.ts';
import type { NodePool } from './node-pool.ts';
import { freeGpuIndices, hasRoom, type NodeRecord } from './node-record.ts';
import type { JobRequest, NodeAllocation, Placement } from './types.ts';

export type NodeFilter = (node: NodeRecord) => boolean;

/**
 * Nodes for the whole gang, or null. Nodes already in use come before idle ones, fewer free GPUs before more, then the order in which
 * nodes were added: small jobs fill up what is open and leave whole nodes whole. A gang takes the fewest leaves it can: the fullest-free
 * leaves first, and for what then remains the leaf that has just enough. Node ranks follow leaf, then node order.
 * Only nodes that `isAllowed` lets through are taken.
 */
export function placeGang(pool: NodePool, job: JobRecord, isAllowed: NodeFilter | null = null): Placement | null {
  const { request } = job;
  if (request.nodes === 1) {
    const node = firstWithRoom(pool, job, isAllowed);
    return node === null ? null : [allocate(node, request)];
  }
  if (countAtMost(pool, request) < request.nodes) return null;
  const byLeaf = candidatesByLeaf(pool, job, isAllowed);
  const shares = chooseLeaves(byLeaf.counts, request.nodes);
  if (shares === null) return null;
  return shares
    .flatMap(({ leafIndex, take }) => byLeaf.nodesOf(leafIndex, take))
    .sort((a, b) => a.leafIndex - b.leafIndex || a.index - b.index)
    .map((node) => allocate(node, request));
}

/** How many nodes have room for one node's part of the job now. */
export function countWithRoom(pool: NodePool, job: JobRecord): number {
  let count = 0;
  for (const _ of nodesWithRoom(pool, job)) count += 1;
  return count;
}

/** Leaves and how many nodes to take of each: the fewest leaves that together have enough. `counts` is by leaf index. */
function chooseLeaves(counts: readonly number[], nodes: number): { leafIndex: number; take: number }[] | null {
  const left = [...counts];
  const shares: { leafIndex: number; take: number }[] = [];
  let needed = nodes;
  while (needed > 0) {
    let chosen = -1;
    for (const [index, count] of left.entries()) {
      if (count > 0 && (chosen < 0 || isBetter(count, left[chosen] ?? 0, needed))) chosen = index;
    }
    const take = Math.min(needed, left[chosen] ?? 0);
    if (take === 0) return null;
    shares.push({ leafIndex: chosen, take });
    left[chosen] = 0;
    needed -= take;
  }
  return shares;
}

/** Enough is better than too few; of those with enough the tightest, of those with too few the largest. */
function isBetter(count: number, than: number, needed: number): boolean {
  if (than >= needed) return count >= needed && count < than;
  return count > than;
}

function allocate(node: NodeRecord, request: JobRequest): NodeAllocation {
  const resources = request.exclusive ? node.spec.resources : request.perNode;
  return { nodeName: node.spec.name, resources: { ...resources }, gpuIndices: freeGpuIndices(node, resources.gpus) };
}

function firstWithRoom(pool: NodePool, job: JobRecord, isAllowed: NodeFilter | null): NodeRecord | null {
  for (const node of nodesWithRoom(pool, job)) if (isAllowed === null || isAllowed(node)) return node;
  return null;
}

/** In the order in which they are preferred. */
export function* nodesWithRoom(pool: NodePool, job: JobRecord): Generator<NodeRecord> {
  for (const bucket of bucketsFor(pool, job.request)) {
    for (let index = bucket.next(0); index >= 0; index = bucket.next(index + 1)) {
      const node = pool.nodes[index];
      if (node !== undefined && hasRoom(node, job.request) && !job.excluded.has(node.spec.name)) yield node;
    }
  }
}

function* bucketsFor(pool: NodePool, request: JobRequest): Generator<BitSet> {
  const { gpus } = request.perNode;
  if (!request.exclusive) yield* pool.mixed.slice(gpus);
  yield* pool.idle.slice(gpus);
}

/** An upper bound on the nodes with room, by free GPUs alone: most gangs that must wait are found out here. */
function countAtMost(pool: NodePool, request: JobRequest): number {
  let count = 0;
  for (const bucket of bucketsFor(pool, request)) count += bucket.size;
  return count;
}

interface Candidates {
  /** By leaf index. */
  counts: readonly number[];
  nodesOf: (leafIndex: number, take: number) => NodeRecord[];
}

function candidatesByLeaf(pool: NodePool, job: JobRecord, isAllowed: NodeFilter | null): Candidates {
  if (isAllowed === null && takesWholeNodes(pool, job)) return idleByLeaf(pool);
  const byLeaf: NodeRecord[][] = pool.leaves.map(() => []);
  for (const node of nodesWithRoom(pool, job)) {
    if (isAllowed === null || isAllowed(node)) byLeaf[node.leafIndex]?.push(node);
  }
  return {
    counts: byLeaf.map((nodes) => nodes.length),
    nodesOf: (leafIndex, take) => (byLeaf[leafIndex] ?? []).slice(0, take),
  };
}

/** The fast path: all nodes are alike and only idle ones can have room, so the counts by leaf are exact. */
function takesWholeNodes(pool: NodePool, { request, excluded }: JobRecord): boolean {
  if (pool.classes.length !== 1 || excluded.size > 0) return false;
  return (
    request.exclusive || pool.mixed.every((bucket, freeGpus) => freeGpus < request.perNode.gpus || bucket.size === 0)
  );
}

function idleByLeaf(pool: NodePool): Candidates {
  return {
    counts: pool.leaves.map((leaf) => leaf.idleCount),
    nodesOf: (leafIndex, take) => {
      const chosen: NodeRecord[] = [];
      for (const node of pool.leaves[leafIndex]?.nodes ?? []) {
        if (chosen.length === take) break;
        if (pool.idle[node.free.gpus]?.has(node.index)) chosen.push(node);
      }
      return chosen;
    },
  };
}
