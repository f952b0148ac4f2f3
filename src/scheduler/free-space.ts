import type { JobRecord } from './job-record.ts';
import type { NodePool } from './node-pool.ts';
import { NodeMask } from './node-mask.ts';
import { couldHold, isAvailable, isKeptOff, type NodeRecord } from './node-record.ts';

/** What is free on each node, by index: now, or once some jobs are gone. */
export class FreeSpace {
  readonly #pool: NodePool;
  readonly #gpus: Float64Array;
  readonly #cpus: Float64Array;
  readonly #memoryBytes: Float64Array;
  readonly #jobs: Float64Array;

  constructor(pool: NodePool) {
    const size = pool.nodes.length;
    this.#pool = pool;
    this.#gpus = new Float64Array(size);
    this.#cpus = new Float64Array(size);
    this.#memoryBytes = new Float64Array(size);
    this.#jobs = new Float64Array(size);
    for (const node of pool.nodes) {
      this.#gpus[node.index] = node.freeGpus;
      this.#cpus[node.index] = node.freeCpus;
      this.#memoryBytes[node.index] = node.freeMemoryBytes;
      this.#jobs[node.index] = node.jobs.length;
    }
  }

  get nodes(): readonly NodeRecord[] {
    return this.#pool.nodes;
  }

  get leafCount(): number {
    return this.#pool.leaves.length;
  }

  copy(): FreeSpace {
    const copy = new FreeSpace(this.#pool);
    copy.copyFrom(this);
    return copy;
  }

  /** Both are of the same nodes. */
  copyFrom(other: FreeSpace): void {
    this.#gpus.set(other.#gpus);
    this.#cpus.set(other.#cpus);
    this.#memoryBytes.set(other.#memoryBytes);
    this.#jobs.set(other.#jobs);
  }

  /** The job is gone from these nodes. */
  vacate(job: JobRecord, nodeIndices: readonly number[]): void {
    for (const index of nodeIndices) this.#change(job, index, 1);
  }

  /** The job is on these nodes. */
  occupy(job: JobRecord, nodeIndices: readonly number[]): void {
    for (const index of nodeIndices) this.#change(job, index, -1);
  }

  hasRoom({ request: { perNode, exclusive } }: JobRecord, index: number): boolean {
    return (
      (this.#gpus[index] ?? 0) >= perNode.gpus &&
      (this.#cpus[index] ?? 0) >= perNode.cpus &&
      (this.#memoryBytes[index] ?? 0) >= perNode.memoryBytes &&
      (!exclusive || this.#jobs[index] === 0)
    );
  }

  freeCpus(index: number): number {
    return this.#cpus[index] ?? 0;
  }

  #change({ request: { perNode, exclusive } }: JobRecord, index: number, sign: 1 | -1): void {
    const { resources } = this.#pool.at(index).spec;
    const { gpus, cpus, memoryBytes } = exclusive ? resources : perNode;
    this.#gpus[index] = (this.#gpus[index] ?? 0) + sign * gpus;
    this.#cpus[index] = (this.#cpus[index] ?? 0) + sign * cpus;
    this.#memoryBytes[index] = (this.#memoryBytes[index] ?? 0) + sign * memoryBytes;
    this.#jobs[index] = (this.#jobs[index] ?? 0) - sign;
  }
}

/** Nodes that may be given out and that the job might have, whatever runs there; `closed`: bits of partitions whose nodes it is not to have. */
export function usableNodes({ nodes }: NodePool, job: JobRecord, closed = 0): NodeMask {
  const mask = new NodeMask(nodes.length);
  for (const node of nodes) {
    if (!isAvailable(node) || (node.nodeClass.partitionMask & closed) !== 0) continue;
    if (couldHold(node.nodeClass, job) && !isKeptOff(node, job)) mask.add(node.index);
  }
  return mask;
}

/** Neighbours, by index, that all have room; `size` is what they have to give. */
interface Run {
  first: number;
  count: number;
  size: number;
}

/**
 * Nodes for the whole gang out of `usable`, ascending, or null: as Slurm's `select/cons_tres` chooses them, by leaf switches where a topology is
 * described and in runs where none is. `usable` must have as many bits as there are nodes.
 */
export function placeInRuns(space: FreeSpace, usable: NodeMask, job: JobRecord): number[] | null {
  return space.leafCount > 1 ? placeOnLeaves(space, usable, job) : placeWithoutLeaves(space, usable, job);
}

/**
 * With `topology/tree`: of the leaves that have enough for what is still needed the one with the fewest, else the one with the most, and of
 * equals the first; on a leaf the lowest nodes. All leaves are taken to be as far from each other.
 */
function placeOnLeaves(space: FreeSpace, usable: NodeMask, job: JobRecord): number[] | null {
  const byLeaf: number[][] = Array.from({ length: space.leafCount }, () => []);
  let found = 0;
  for (const { index, leafIndex } of space.nodes) {
    if (!usable.has(index) || !space.hasRoom(job, index)) continue;
    byLeaf[leafIndex]?.push(index);
    found += 1;
  }
  const { nodes } = job.request;
  if (found < nodes) return null;
  const chosen: number[] = [];
  while (chosen.length < nodes) {
    const needed = nodes - chosen.length;
    let best: number[] = [];
    for (const leaf of byLeaf) {
      const isEnough = leaf.length >= needed;
      const isBestEnough = best.length >= needed;
      if (isEnough !== isBestEnough ? isEnough : isEnough ? leaf.length < best.length : leaf.length > best.length)
        best = leaf;
    }
    chosen.push(...best.splice(0, needed));
  }
  return chosen.sort((a, b) => a - b);
}

/**
 * Neighbours with room form runs. The smallest run that has all that is still needed is taken, else the largest whole, the first of equals,
 * from its lowest node on. What a run has is counted in nodes, for jobs without GPUs in free CPUs; such a job on one node gets the node of
 * the run with the fewest free CPUs.
 */
function placeWithoutLeaves(space: FreeSpace, usable: NodeMask, job: JobRecord): number[] | null {
  const { nodes, perNode, exclusive } = job.request;
  const isByCpus = perNode.gpus === 0 && !exclusive;
  const runs: Run[] = [];
  let run: Run | null = null;
  let found = 0;
  const nodeCount = space.nodes.length;
  for (let index = 0; index < nodeCount; index++) {
    if (!usable.has(index) || !space.hasRoom(job, index)) {
      run = null;
      continue;
    }
    if (run === null) {
      run = { first: index, count: 0, size: 0 };
      runs.push(run);
    }
    found += 1;
    run.count += 1;
    run.size += isByCpus ? space.freeCpus(index) : 1;
  }
  if (found < nodes) return null;
  const chosen: number[] = [];
  while (chosen.length < nodes) {
    const needed = nodes - chosen.length;
    const best = bestRun(runs, needed, isByCpus ? needed * perNode.cpus : needed);
    if (isByCpus && needed === 1) chosen.push(fullest(space, best));
    else for (let offset = 0; offset < best.count && chosen.length < nodes; offset++) chosen.push(best.first + offset);
    best.count = 0;
  }
  return chosen.sort((a, b) => a - b);
}

function bestRun(runs: readonly Run[], neededNodes: number, neededSize: number): Run {
  let best: Run | null = null;
  let isBestEnough = false;
  for (const run of runs) {
    if (run.count === 0) continue;
    const isEnough = run.count >= neededNodes && run.size >= neededSize;
    const isBetter =
      best === null ||
      (isEnough && !isBestEnough) ||
      (isEnough && run.size < best.size) ||
      (!isEnough && run.size > best.size);
    if (!isBetter) continue;
    best = run;
    isBestEnough = isEnough;
  }
  if (best === null) throw new Error('invariant violated: the runs have fewer nodes than were counted');
  return best;
}

function fullest(space: FreeSpace, { first, count }: Run): number {
  let best = first;
  for (let index = first; index < first + count; index++) {
    if (space.freeCpus(index) < space.freeCpus(best)) best = index;
  }
  return best;
}
