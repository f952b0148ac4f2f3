import { DEFAULT_WEIGHT, type NodeSpec, type Resources } from '../cluster/node.ts';
import { assert, definite } from '../lib/assert.ts';
import { BitSet } from '../lib/bit-set.ts';
import type { Held, JobRecord } from './job-record.ts';
import { couldHold, isAvailable, isInService, type NodeClass, NodeRecord } from './node-record.ts';

/** A leaf switch and the nodes on it. Nodes without a described fabric share one nameless leaf. */
export interface Leaf {
  name: string | null;
  /** Ascending by index. */
  nodes: NodeRecord[];
}

/**
 * The nodes, what is free on them, and the index by which a gang's nodes are found: nodes that may be given out (in service, not claimed) by
 * the number of free GPUs, idle ones apart from those partly taken, and idle ones counted by leaf.
 */
export class NodePool {
  /**
   * Counts what could make room or take it away otherwise than by a start: attempts that leave, nodes that come and go, claims, reservations.
   */
  changes = 0;
  /** Of these how often there was another node, or one was given out that was not before, or no longer. */
  serviceChanges = 0;
  /** GPUs that no attempt holds, of nodes in service or not. */
  freeGpus = 0;
  /** Counts the nodes on which there may be more room than before. */
  freedNodes = 0;
  /** Attempts on nodes that hold no GPUs. */
  gpulessCount = 0;
  /** By index, removed ones included. */
  readonly nodes: NodeRecord[] = [];
  readonly leaves: Leaf[] = [];
  /** By leaf: idle nodes that may be given out. */
  readonly idleByLeaf: number[] = [];
  readonly classes: NodeClass[] = [];
  /** Of the nodes there are, ascending, each once. */
  weights: readonly number[] = [];
  /** By free GPUs: indices of available nodes on which nothing runs. */
  readonly idle: BitSet[] = [];
  /** By free GPUs: indices of available nodes on which something runs. */
  readonly mixed: BitSet[] = [];
  readonly #byName = new Map<string, NodeRecord>();
  readonly #leafIndices = new Map<string | null, number>();
  readonly #maskOf: (nodeName: string) => number;
  /** How many partitions bound the CPUs that their jobs have of a node. */
  readonly capCount: number;
  /** As Slurm's `select/linear` has it, a gang on several leaves takes those with the fewest CPUs first, and not the largest. */
  readonly areSmallLeavesFirst: boolean;

  /** `maskOf`: the partitions of a node. */
  constructor(maskOf: (nodeName: string) => number, capCount = 0, areSmallLeavesFirst = false) {
    this.#maskOf = maskOf;
    this.capCount = capCount;
    this.areSmallLeavesFirst = areSmallLeavesFirst;
  }

  find(name: string): NodeRecord | undefined {
    return this.#byName.get(name);
  }

  get(name: string): NodeRecord {
    const node = this.#byName.get(name);
    if (node === undefined) throw new Error(`invariant violated: node ${name} is unknown`);
    return node;
  }

  at(index: number): NodeRecord {
    const node = this.nodes[index];
    if (node === undefined) throw new Error(`invariant violated: there is no node ${index}`);
    return node;
  }

  /** Returns its index. A node once added cannot be added again with other properties. */
  add(spec: NodeSpec): number {
    const known = this.#byName.get(spec.name);
    if (known !== undefined) {
      assert(isSame(known.spec, spec), `node ${spec.name} is added again only as it was`);
      return known.index;
    }
    const nodeClass = this.#classOf(spec);
    const leafIndex = this.#leafIndexOf(spec.leaf);
    const node = new NodeRecord(spec, this.nodes.length, leafIndex, nodeClass, this.capCount);
    while (this.idle.length <= spec.resources.gpus) {
      this.idle.push(new BitSet());
      this.mixed.push(new BitSet());
    }
    this.nodes.push(node);
    definite(this.leaves[leafIndex], 'the leaf exists').nodes.push(node);
    this.#byName.set(spec.name, node);
    nodeClass.count += 1;
    nodeClass.inServiceCount += 1;
    this.#enter(node);
    this.changes += 1;
    this.serviceChanges += 1;
    this.freedNodes += 1;
    this.freeGpus += spec.resources.gpus;
    return node.index;
  }

  remove(node: NodeRecord): void {
    assert(node.jobs.length === 0, `node ${node.spec.name} is removed only when no job holds any of it`);
    this.#changeService(node, () => {
      node.isRemoved = true;
    });
    this.#byName.delete(node.spec.name);
    this.freeGpus -= node.spec.resources.gpus;
    const { nodeClass } = node;
    nodeClass.count -= 1;
    if (nodeClass.count > 0) return;
    this.classes.splice(this.classes.indexOf(nodeClass), 1);
    this.#noteWeights();
  }

  /** The nodes of the cluster, in the order in which they were added. */
  present(): NodeRecord[] {
    return this.nodes.filter((node) => !node.isRemoved);
  }

  /** False where nothing changed: the node was down already. */
  fail(node: NodeRecord, reason: string): boolean {
    if (node.isDown) return false;
    this.#changeService(node, () => {
      node.isDown = true;
      node.reason = reason;
    });
    return true;
  }

  drain(node: NodeRecord, reason: string): void {
    if (node.isDrained) return;
    this.#changeService(node, () => {
      node.isDrained = true;
      if (!node.isDown) node.reason = reason;
    });
  }

  /** False where nothing changed: the node was in service. */
  resume(node: NodeRecord): boolean {
    if (isInService(node)) return false;
    this.#changeService(node, () => {
      node.isDown = false;
      node.isDrained = false;
      node.reason = null;
    });
    return true;
  }

  claim(node: NodeRecord, job: JobRecord | null): void {
    this.#changeService(node, () => {
      node.claim = job;
    });
  }

  /** Throws where any of it is taken, unknown or out of service: nothing is ever double-booked. The job's `endMsMax` is known. */
  take(job: JobRecord, held: Held): void {
    const { exclusive, perNode } = job.request;
    const { nodeIndices, gpuIndices } = held;
    for (let rank = 0; rank < nodeIndices.length; rank++) {
      const node = this.at(nodeIndices[rank] ?? -1);
      this.#check(job, node, gpuIndices?.[rank] ?? null);
      this.#leave(node);
      const taken = exclusive ? node.nodeClass.resources : perNode;
      node.freeCpus -= taken.cpus;
      if (job.cap !== null) node.cappedCpus[job.cap.index]! += taken.cpus;
      node.freeMemoryBytes -= taken.memoryBytes;
      node.freeGpus -= taken.gpus;
      this.freeGpus -= taken.gpus;
      if (gpuIndices !== null) for (const index of gpuIndices[rank] ?? []) node.takenGpus[index] = 1;
      // Not `push`: of a list that was empty until now V8 calls it, of one that was not it makes it part of the code here.
      node.jobs[node.jobs.length] = job;
      if (node.lastJob === null || job.endMsMax >= node.lastJob.endMsMax) node.lastJob = job;
      this.#enter(node);
    }
    if (perNode.gpus === 0 && !exclusive) this.gpulessCount += 1;
  }

  release(job: JobRecord, held: Held): void {
    const { exclusive, perNode } = job.request;
    const { nodeIndices, gpuIndices } = held;
    for (let rank = 0; rank < nodeIndices.length; rank++) {
      const node = this.at(nodeIndices[rank] ?? -1);
      this.#leave(node);
      const taken = exclusive ? node.nodeClass.resources : perNode;
      node.freeCpus += taken.cpus;
      if (job.cap !== null) node.cappedCpus[job.cap.index]! -= taken.cpus;
      node.freeMemoryBytes += taken.memoryBytes;
      node.freeGpus += taken.gpus;
      this.freeGpus += taken.gpus;
      if (gpuIndices !== null) for (const index of gpuIndices[rank] ?? []) node.takenGpus[index] = 0;
      const last = node.jobs.pop();
      if (last !== job && last !== undefined) node.jobs[node.jobs.indexOf(job)] = last;
      if (node.lastJob === job) node.lastJob = lastOf(node);
      this.#enter(node);
    }
    if (perNode.gpus === 0 && !exclusive) this.gpulessCount -= 1;
    this.changes += 1;
    this.freedNodes += nodeIndices.length;
  }

  /** A reservation begins or is over: who may have which nodes is another matter, and what found no room before may find some. */
  reservationsChanged(): void {
    this.changes += 1;
  }

  /** The job's `endMsMax` is another than when it was given its nodes. */
  reckonEnd({ held }: JobRecord): void {
    if (held === null) return;
    const { nodeIndices } = held;
    for (let rank = 0; rank < nodeIndices.length; rank++) {
      const node = this.at(nodeIndices[rank]!);
      if (node.jobs.length === 1) continue;
      const last = lastOf(node);
      if (last === node.lastJob) continue;
      this.#leave(node);
      node.lastJob = last;
      this.#enter(node);
    }
  }

  /** The job, which holds these nodes, is being ended, or (-1) no longer on them: what it holds is as good as free to those who look for victims. */
  countEnding({ request: { exclusive, perNode } }: JobRecord, nodeIndices: readonly number[], sign: 1 | -1): void {
    for (let rank = 0; rank < nodeIndices.length; rank++) {
      const node = this.at(nodeIndices[rank]!);
      const held = exclusive ? node.nodeClass.resources : perNode;
      node.endingJobs += sign;
      const isLeft = node.endingJobs > 0;
      node.endingCpus = isLeft ? node.endingCpus + sign * held.cpus : 0;
      node.endingMemoryBytes = isLeft ? node.endingMemoryBytes + sign * held.memoryBytes : 0;
      node.endingGpus = isLeft ? node.endingGpus + sign * held.gpus : 0;
    }
    if (sign === 1) this.freedNodes += nodeIndices.length;
  }

  /** How many nodes, all of each free, could hold one node's part of the job: of all there are, or of those in service. */
  countCapable(job: JobRecord, which: 'all' | 'inService'): number {
    const { classes } = this;
    let count = 0;
    for (let index = 0; index < classes.length; index++) {
      const nodeClass = classes[index]!;
      if (couldHold(nodeClass, job)) count += which === 'all' ? nodeClass.count : nodeClass.inServiceCount;
    }
    return job.excluded.size === 0 ? count : count - this.#countExcluded(job, which);
  }

  /** Of these those that the job excludes. */
  #countExcluded(job: JobRecord, which: 'all' | 'inService'): number {
    let count = 0;
    for (const name of job.excluded) {
      const node = this.#byName.get(name);
      if (node === undefined || !couldHold(node.nodeClass, job)) continue;
      if (which === 'all' || isInService(node)) count += 1;
    }
    return count;
  }

  /** Messages are made only where they are needed: this runs for every node of every attempt. */
  #check(job: JobRecord, node: NodeRecord, gpuIndices: readonly number[] | null): void {
    const { exclusive, perNode } = job.request;
    const taken = exclusive ? node.nodeClass.resources : perNode;
    if (!isInService(node)) refuse(job, node, 'which is out of service');
    if (node.jobs.length > 0 && node.jobs.includes(job)) refuse(job, node, 'which it holds already');
    if (
      node.freeCpus < taken.cpus ||
      node.freeMemoryBytes < taken.memoryBytes ||
      node.freeGpus < taken.gpus ||
      (exclusive && node.jobs.length > 0)
    )
      refuse(job, node, 'which has no room for it');
    if (node.claim !== null && node.claim !== job)
      refuse(job, node, `which is kept for job ${node.claim.request.jobId}`);
    if (gpuIndices === null) return;
    if (gpuIndices.length !== taken.gpus)
      refuse(job, node, `with GPUs ${gpuIndices.join(',')} for a count of ${taken.gpus}`);
    let previous = -1;
    for (const index of gpuIndices) {
      if (node.takenGpus[index] !== 0) refuse(job, node, `whose GPU ${index} is not free`);
      if (index <= previous) refuse(job, node, 'with GPUs that do not ascend');
      previous = index;
    }
  }

  #changeService(node: NodeRecord, change: () => void): void {
    const wasInService = isInService(node);
    this.#leave(node);
    change();
    this.#enter(node);
    node.nodeClass.inServiceCount += Number(isInService(node)) - Number(wasInService);
    this.changes += 1;
    this.serviceChanges += 1;
    this.freedNodes += 1;
  }

  #enter(node: NodeRecord): void {
    if (!isAvailable(node)) return;
    if (node.lastJob !== null) {
      node.lastJob.lastOnCount += 1;
      return definite(this.mixed[node.freeGpus], 'a bucket').add(node.index);
    }
    definite(this.idle[node.freeGpus], 'a bucket').add(node.index);
    this.idleByLeaf[node.leafIndex]! += 1;
  }

  #leave(node: NodeRecord): void {
    if (!isAvailable(node)) return;
    if (node.lastJob !== null) {
      node.lastJob.lastOnCount -= 1;
      return definite(this.mixed[node.freeGpus], 'a bucket').delete(node.index);
    }
    definite(this.idle[node.freeGpus], 'a bucket').delete(node.index);
    this.idleByLeaf[node.leafIndex]! -= 1;
  }

  #classOf(spec: NodeSpec): NodeClass {
    const { resources, gpuType, weight = DEFAULT_WEIGHT } = spec;
    const partitionMask = this.#maskOf(spec.name);
    const known = this.classes.find(
      (other) =>
        other.gpuType === gpuType &&
        other.partitionMask === partitionMask &&
        other.weight === weight &&
        isEqual(other.resources, resources),
    );
    if (known !== undefined) return known;
    const created = { resources: { ...resources }, gpuType, partitionMask, weight, count: 0, inServiceCount: 0 };
    this.classes.push(created);
    this.#noteWeights();
    return created;
  }

  #noteWeights(): void {
    this.weights = [...new Set(this.classes.map(({ weight }) => weight))].sort((a, b) => a - b);
  }

  #leafIndexOf(name: string | null): number {
    const known = this.#leafIndices.get(name);
    if (known !== undefined) return known;
    this.#leafIndices.set(name, this.leaves.length);
    this.idleByLeaf.push(0);
    return this.leaves.push({ name, nodes: [] }) - 1;
  }
}

function refuse(job: JobRecord, node: NodeRecord, what: string): never {
  throw new Error(`invariant violated: job ${job.request.jobId} is given node ${node.spec.name}, ${what}`);
}

function lastOf({ jobs }: NodeRecord): JobRecord | null {
  let last: JobRecord | null = null;
  for (let index = 0; index < jobs.length; index++) {
    const job = jobs[index]!;
    if (last === null || job.endMsMax > last.endMsMax) last = job;
  }
  return last;
}

function isEqual(a: Resources, b: Resources): boolean {
  return a.cpus === b.cpus && a.memoryBytes === b.memoryBytes && a.gpus === b.gpus;
}

function isSame(a: NodeSpec, b: NodeSpec): boolean {
  const isAlike = a.gpuType === b.gpuType && a.leaf === b.leaf && isEqual(a.resources, b.resources);
  return isAlike && (a.weight ?? DEFAULT_WEIGHT) === (b.weight ?? DEFAULT_WEIGHT);
}
