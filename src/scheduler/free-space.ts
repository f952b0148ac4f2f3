import { isWithinCap } from './cpu-cap.ts';
import type { GpuWeights } from './gpu-weights.ts';
import type { JobRecord } from './job-record.ts';
import type { NodePool } from './node-pool.ts';
import { NodeMask } from './node-mask.ts';
import { cappedCpusToStay, type NodeRecord } from './node-record.ts';

/** What is free on each node, by index: now, or once some jobs are gone. */
export class FreeSpace {
  readonly #pool: NodePool;
  readonly #gpus: Float64Array;
  readonly #cpus: Float64Array;
  readonly #memoryBytes: Float64Array;
  readonly #jobs: Float64Array;
  /** Of each partition that bounds them, the CPUs that its jobs hold. */
  readonly #capped: readonly Float64Array[];
  /** The leaf switch of each node. */
  readonly leafOf: Int32Array;
  /** The weight of each node; null where all weigh the same. */
  readonly weightOf: Float64Array | null;
  /** What looks for jobs with GPUs have left behind; null where that does not matter. */
  gpuWeights: GpuWeights | null = null;

  constructor(pool: NodePool, copied?: FreeSpace) {
    this.#pool = pool;
    if (copied !== undefined) {
      this.#gpus = copied.#gpus.slice();
      this.#cpus = copied.#cpus.slice();
      this.#memoryBytes = copied.#memoryBytes.slice();
      this.#jobs = copied.#jobs.slice();
      this.#capped = copied.#capped.map((cpus) => cpus.slice());
      this.leafOf = copied.leafOf;
      this.weightOf = copied.weightOf;
      this.gpuWeights = copied.gpuWeights;
      return;
    }
    const size = pool.nodes.length;
    this.#gpus = new Float64Array(size);
    this.#cpus = new Float64Array(size);
    this.#memoryBytes = new Float64Array(size);
    this.#jobs = new Float64Array(size);
    this.#capped = Array.from({ length: pool.capCount }, (_, index) => {
      return Float64Array.from(pool.nodes, ({ cappedCpus }) => cappedCpus[index]!);
    });
    this.leafOf = new Int32Array(size);
    this.weightOf = pool.weights.length > 1 ? Float64Array.from(pool.nodes, ({ nodeClass }) => nodeClass.weight) : null;
    for (const node of pool.nodes) {
      this.#gpus[node.index] = node.freeGpus;
      this.#cpus[node.index] = node.freeCpus;
      this.#memoryBytes[node.index] = node.freeMemoryBytes;
      this.#jobs[node.index] = node.jobs.length;
      this.leafOf[node.index] = node.leafIndex;
    }
  }

  get nodes(): readonly NodeRecord[] {
    return this.#pool.nodes;
  }

  get areSmallLeavesFirst(): boolean {
    return this.#pool.areSmallLeavesFirst;
  }

  get leafCount(): number {
    return this.#pool.leaves.length;
  }

  /** What each node weighs for the job; null where all weigh the same. */
  weightsFor({ request }: JobRecord): Float64Array | null {
    return (request.perNode.gpus === 0 ? this.gpuWeights?.weightOf : null) ?? this.weightOf;
  }

  copy(): FreeSpace {
    return new FreeSpace(this.#pool, this);
  }

  /** What is free there now, and what is held by those who are being ended. */
  takeSpare(index: number): void {
    const node = this.#pool.at(index);
    this.#gpus[index] = node.spareGpus;
    this.#cpus[index] = node.spareCpus;
    this.#memoryBytes[index] = node.spareMemoryBytes;
    this.#jobs[index] = node.spareJobs;
    for (const [capIndex, cpus] of this.#capped.entries()) cpus[index] = cappedCpusToStay(node, capIndex);
  }

  /** The job is gone from these nodes. */
  vacate(job: JobRecord, nodeIndices: readonly number[]): void {
    for (const index of nodeIndices) this.#change(job, index, 1);
  }

  /** The job is on these nodes. */
  occupy(job: JobRecord, nodeIndices: readonly number[]): void {
    for (const index of nodeIndices) this.#change(job, index, -1);
  }

  /** On a node that could hold a part of it if it were empty. */
  hasRoom({ request: { perNode, exclusive }, cap }: Pick<JobRecord, 'request' | 'cap'>, index: number): boolean {
    return (
      (cap === null || isWithinCap(cap, this.#capped[cap.index]?.[index], perNode.cpus)) &&
      (this.#gpus[index] ?? 0) >= perNode.gpus &&
      (this.#cpus[index] ?? 0) >= perNode.cpus &&
      (this.#memoryBytes[index] ?? 0) >= perNode.memoryBytes &&
      (!exclusive || this.#jobs[index] === 0)
    );
  }

  /** Of these nodes those that have room for the job. */
  roomy(usable: NodeMask, job: JobRecord): NodeMask {
    const mask = new NodeMask(this.#pool.nodes.length);
    usable.each((index) => {
      if (this.hasRoom(job, index)) mask.add(index);
    });
    return mask;
  }

  /** Those that jobs of its partition may have. */
  freeCpus(index: number, { cap }: JobRecord): number {
    const free = this.#cpus[index] ?? 0;
    return cap === null ? free : Math.min(free, cap.cpusMax - (this.#capped[cap.index]?.[index] ?? 0));
  }

  #change({ request: { perNode, exclusive }, cap }: JobRecord, index: number, sign: 1 | -1): void {
    const { resources } = this.#pool.at(index).spec;
    const { gpus, cpus, memoryBytes } = exclusive ? resources : perNode;
    this.#gpus[index] = (this.#gpus[index] ?? 0) + sign * gpus;
    this.#cpus[index] = (this.#cpus[index] ?? 0) + sign * cpus;
    this.#memoryBytes[index] = (this.#memoryBytes[index] ?? 0) + sign * memoryBytes;
    this.#jobs[index] = (this.#jobs[index] ?? 0) - sign;
    if (cap !== null) this.#capped[cap.index]![index]! -= sign * cpus;
  }
}

/** Neighbours, by index, that all have room and weigh the same; `size` is what they have to give. */
interface Run {
  weight: number;
  first: number;
  count: number;
  size: number;
}

/**
 * Nodes for the whole gang out of `usable`, ascending, or null: as Slurm's `select/cons_tres` chooses them, by leaf switches where a topology is
 * described and in runs where none is. `usable` must have as many bits as there are nodes.
 */
export function placeInRuns(space: FreeSpace, usable: NodeMask, job: JobRecord): number[] | null {
  return placeAmong(space, space.roomy(usable, job), job);
}

/** The same where it is known which nodes have room. */
export function placeAmong(space: FreeSpace, roomy: NodeMask, job: JobRecord): number[] | null {
  if (roomy.count() < job.request.nodes) return null;
  return space.leafCount > 1 ? placeOnLeaves(space, roomy, job) : placeWithoutLeaves(space, roomy, job);
}

/** Whether it matters to the choice of its nodes what is free on them beyond room for the job. */
export function goesByFreeCpus(space: FreeSpace, { request: { perNode, exclusive } }: JobRecord): boolean {
  return space.leafCount <= 1 && perNode.gpus === 0 && !exclusive;
}

/**
 * With `topology/tree`: of the leaves that have enough for what is still needed the one with the fewest, else the one with the most, and of
 * equals the first; on a leaf the lowest nodes. All leaves are taken to be as far from each other. Where nodes differ in weight the gang has all of
 * the lighter ones, and these rules choose among those of the first weight that makes them enough: first on leaves where it has nodes already.
 */
function placeOnLeaves(space: FreeSpace, roomy: NodeMask, job: JobRecord): number[] {
  const { leafOf, leafCount } = space;
  const weightOf = space.weightsFor(job);
  const { nodes } = job.request;
  const chosen: number[] = [];
  let open = roomy;
  if (weightOf !== null) {
    const lightest = lightestOf(weightOf, roomy, nodes);
    open = lightest.open;
    lightest.all.each((index) => void chosen.push(index));
  }
  const left = new Int32Array(leafCount);
  open.each((index) => void (left[leafOf[index]!]! += 1));
  const wanted = new Int32Array(leafCount);
  const known = chosen.map((index) => leafOf[index]!).sort(ascending);
  const cpus = space.areSmallLeavesFirst && !left.some((size) => size >= nodes) ? cpusOnLeaves(space, open) : null;
  for (let needed = nodes - chosen.length; needed > 0; ) {
    const leaf = known.shift() ?? (cpus === null ? bestLeaf(left, needed) : smallestLeaf(left, cpus));
    const taken = Math.min(left[leaf]!, needed);
    wanted[leaf]! += taken;
    left[leaf] = 0;
    needed -= taken;
  }
  open.each((index) => {
    const leaf = leafOf[index]!;
    if (wanted[leaf] === 0) return;
    wanted[leaf]! -= 1;
    chosen.push(index);
  });
  return weightOf === null ? chosen : chosen.sort(ascending);
}

/** Of the nodes with room, weight by weight: those that a gang has all of, and those of the weight at which there are enough for it. */
function lightestOf(weightOf: Float64Array, roomy: NodeMask, nodes: number): { all: NodeMask; open: NodeMask } {
  const weights = new Set<number>();
  roomy.each((index) => void weights.add(weightOf[index]!));
  const all = roomy.empty();
  let open = all;
  let needed = nodes;
  for (const weight of [...weights].sort(ascending)) {
    open = roomy.empty();
    roomy.each((index) => {
      if (weightOf[index] === weight) open.add(index);
    });
    const count = open.count();
    if (count >= needed) break;
    needed -= count;
    open.each((index) => all.add(index));
  }
  return { all, open };
}

function ascending(a: number, b: number): number {
  return a - b;
}

/** CPUs of these nodes, by leaf. */
function cpusOnLeaves(space: FreeSpace, open: NodeMask): Float64Array {
  const cpus = new Float64Array(space.leafCount);
  open.each((index) => void (cpus[space.leafOf[index]!]! += space.nodes[index]!.spec.resources.cpus));
  return cpus;
}

/** Of the leaves that have nodes left the first with the fewest CPUs. */
function smallestLeaf(left: Int32Array, cpus: Float64Array): number {
  let best = -1;
  for (let leaf = 0; leaf < left.length; leaf++)
    if (left[leaf]! > 0 && (best < 0 || cpus[leaf]! < cpus[best]!)) best = leaf;
  return best;
}

function bestLeaf(left: Int32Array, needed: number): number {
  let best = 0;
  for (let leaf = 1; leaf < left.length; leaf++) {
    const [size, bestSize] = [left[leaf]!, left[best]!];
    const isEnough = size >= needed;
    const isBestEnough = bestSize >= needed;
    if (isEnough !== isBestEnough ? isEnough : isEnough ? size < bestSize : size > bestSize) best = leaf;
  }
  return best;
}

/**
 * Neighbours with room that weigh the same form runs. Of the lightest the smallest run that has all that is still needed is taken, else the
 * largest whole, the first of equals, from its lowest node on. What a run has is counted in nodes, for jobs without GPUs in free CPUs; such a job on one node gets the node of
 * the run with the fewest free CPUs.
 */
function placeWithoutLeaves(space: FreeSpace, roomy: NodeMask, job: JobRecord): number[] {
  const { nodes, perNode } = job.request;
  const weightOf = space.weightsFor(job);
  const isByCpus = goesByFreeCpus(space, job);
  const runs: Run[] = [];
  let run: Run | null = null;
  let before = -1;
  roomy.each((index) => {
    const weight = weightOf === null ? 0 : weightOf[index]!;
    if (run === null || index !== before + 1 || run.weight !== weight) {
      run = { weight, first: index, count: 0, size: 0 };
      runs.push(run);
    }
    before = index;
    run.count += 1;
    run.size += isByCpus ? space.freeCpus(index, job) : 1;
  });
  const chosen: number[] = [];
  while (chosen.length < nodes) {
    const needed = nodes - chosen.length;
    const best = bestRun(runs, needed, isByCpus ? needed * perNode.cpus : needed);
    if (isByCpus && needed === 1) chosen.push(fullest(space, best, job));
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
      run.weight < best.weight ||
      (run.weight === best.weight &&
        ((isEnough && !isBestEnough) || (isEnough && run.size < best.size) || (!isEnough && run.size > best.size)));
    if (!isBetter) continue;
    best = run;
    isBestEnough = isEnough;
  }
  if (best === null) throw new Error('invariant violated: the runs have fewer nodes than were counted');
  return best;
}

function fullest(space: FreeSpace, { first, count }: Run, job: JobRecord): number {
  let best = first;
  for (let index = first; index < first + count; index++) {
    if (space.freeCpus(index, job) < space.freeCpus(best, job)) best = index;
  }
  return best;
}
