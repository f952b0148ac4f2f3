import type { NodeSpec, Resources } from '../cluster/node.ts';
import { assert, definite } from '../lib/assert.ts';
import { BitSet } from '../lib/bit-set.ts';
import type { JobRecord } from './job-record.ts';
import { couldHold, isInService, type NodeClass, type NodeRecord } from './node-record.ts';
import type { NodeAllocation, Placement } from './types.ts';

/** A leaf switch and the nodes on it. Nodes without a described fabric share one nameless leaf. */
export interface Leaf {
  name: string | null;
  /** Ascending by index. */
  nodes: NodeRecord[];
  /** Idle nodes in service. */
  idleCount: number;
}

/**
 * The nodes, what is free on them, and the index by which a gang's nodes are found: nodes in service by the number of free GPUs, idle
 * ones apart from those partly taken, and idle ones counted by leaf.
 */
export class NodePool {
  /** Counts changes of what is free or in service. */
  version = 0;
  /** By index, removed ones included. */
  readonly nodes: NodeRecord[] = [];
  readonly leaves: Leaf[] = [];
  readonly classes: NodeClass[] = [];
  /** By free GPUs: indices of nodes in service on which nothing runs. */
  readonly idle: BitSet[] = [];
  /** By free GPUs: indices of nodes in service on which something runs. */
  readonly mixed: BitSet[] = [];
  readonly #byName = new Map<string, NodeRecord>();

  find(name: string): NodeRecord | undefined {
    return this.#byName.get(name);
  }

  get(name: string): NodeRecord {
    const node = this.#byName.get(name);
    if (node === undefined) throw new Error(`invariant violated: node ${name} is unknown`);
    return node;
  }

  /** A node once added cannot be added again with other properties. */
  add(spec: NodeSpec): void {
    const known = this.#byName.get(spec.name);
    if (known !== undefined) {
      assert(isSame(known.spec, spec), `node ${spec.name} is added again only as it was`);
      return;
    }
    const nodeClass = this.#classOf(spec);
    const leafIndex = this.#leafIndexOf(spec.leaf);
    const node: NodeRecord = {
      spec,
      index: this.nodes.length,
      leafIndex,
      nodeClass,
      free: { ...spec.resources },
      takenGpus: new Uint8Array(spec.resources.gpus),
      jobIds: new Set(),
      isDown: false,
      isDrained: false,
      isRemoved: false,
      reason: null,
    };
    while (this.idle.length <= spec.resources.gpus) {
      this.idle.push(new BitSet());
      this.mixed.push(new BitSet());
    }
    this.nodes.push(node);
    definite(this.leaves[leafIndex], 'the leaf exists').nodes.push(node);
    this.#byName.set(spec.name, node);
    nodeClass.count += 1;
    this.#enter(node);
  }

  remove(node: NodeRecord): void {
    assert(node.jobIds.size === 0, `node ${node.spec.name} is removed only when no job holds any of it`);
    this.#change(node, () => {
      node.isRemoved = true;
    });
    this.#byName.delete(node.spec.name);
    const { nodeClass } = node;
    nodeClass.count -= 1;
    if (nodeClass.count === 0) this.classes.splice(this.classes.indexOf(nodeClass), 1);
  }

  /** The nodes of the cluster, in the order in which they were added. */
  present(): NodeRecord[] {
    return this.nodes.filter((node) => !node.isRemoved);
  }

  /** False where nothing changed: the node was down already. */
  fail(node: NodeRecord, reason: string): boolean {
    if (node.isDown) return false;
    this.#change(node, () => {
      node.isDown = true;
      node.reason = reason;
    });
    return true;
  }

  drain(node: NodeRecord, reason: string): void {
    if (node.isDrained) return;
    this.#change(node, () => {
      node.isDrained = true;
      if (!node.isDown) node.reason = reason;
    });
  }

  /** False where nothing changed: the node was in service. */
  resume(node: NodeRecord): boolean {
    if (isInService(node)) return false;
    this.#change(node, () => {
      node.isDown = false;
      node.isDrained = false;
      node.reason = null;
    });
    return true;
  }

  /** Throws where any of it is taken, unknown or out of service: nothing is ever double-booked. */
  take(jobId: number, placement: Placement): void {
    for (const allocation of placement) {
      this.#check(jobId, allocation);
      const { nodeName, resources, gpuIndices } = allocation;
      const node = this.get(nodeName);
      this.#change(node, () => {
        add(node.free, resources, -1);
        for (const index of gpuIndices) node.takenGpus[index] = 1;
        node.jobIds.add(jobId);
      });
    }
  }

  release(jobId: number, placement: Placement): void {
    for (const { nodeName, resources, gpuIndices } of placement) {
      const node = this.get(nodeName);
      this.#change(node, () => {
        add(node.free, resources, 1);
        for (const index of gpuIndices) node.takenGpus[index] = 0;
        node.jobIds.delete(jobId);
      });
    }
  }

  /** How many nodes, all of each free, could hold one node's part of the job: of all there are, or of those in service. */
  countCapable(job: JobRecord, which: 'all' | 'inService'): number {
    let count = 0;
    for (const nodeClass of this.classes) {
      if (couldHold(nodeClass, job.request)) count += which === 'all' ? nodeClass.count : nodeClass.inServiceCount;
    }
    for (const name of job.excluded) {
      const node = this.#byName.get(name);
      if (node === undefined || !couldHold(node.nodeClass, job.request)) continue;
      if (which === 'all' || isInService(node)) count -= 1;
    }
    return count;
  }

  /** Messages are made only where they are needed: this runs for every node of every attempt. */
  #check(jobId: number, { nodeName, resources, gpuIndices }: NodeAllocation): void {
    const node = this.get(nodeName);
    const { free } = node;
    const refuse = (what: string) => {
      throw new Error(`invariant violated: job ${jobId} is given node ${nodeName}, ${what}`);
    };
    if (!isInService(node)) refuse('which is out of service');
    if (node.jobIds.has(jobId)) refuse('which it holds already');
    if (free.cpus < resources.cpus || free.memoryBytes < resources.memoryBytes || free.gpus < resources.gpus) {
      refuse('which has no room for it');
    }
    if (gpuIndices.length !== resources.gpus)
      refuse(`with GPUs ${gpuIndices.join(',')} for a count of ${resources.gpus}`);
    let previous = -1;
    for (const index of gpuIndices) {
      if (node.takenGpus[index] !== 0) refuse(`whose GPU ${index} is not free`);
      if (index <= previous) refuse('with GPUs that do not ascend');
      previous = index;
    }
  }

  #change(node: NodeRecord, change: () => void): void {
    this.#leave(node);
    change();
    this.#enter(node);
  }

  #enter(node: NodeRecord): void {
    this.version += 1;
    if (!isInService(node)) return;
    node.nodeClass.inServiceCount += 1;
    this.#bucketOf(node).add(node.index);
    if (node.jobIds.size === 0) definite(this.leaves[node.leafIndex], 'the leaf exists').idleCount += 1;
  }

  #leave(node: NodeRecord): void {
    if (!isInService(node)) return;
    node.nodeClass.inServiceCount -= 1;
    this.#bucketOf(node).delete(node.index);
    if (node.jobIds.size === 0) definite(this.leaves[node.leafIndex], 'the leaf exists').idleCount -= 1;
  }

  #bucketOf(node: NodeRecord): BitSet {
    const buckets = node.jobIds.size === 0 ? this.idle : this.mixed;
    return definite(buckets[node.free.gpus], 'there is a bucket for every number of GPUs');
  }

  #classOf(spec: NodeSpec): NodeClass {
    const { resources, gpuType } = spec;
    const known = this.classes.find((other) => other.gpuType === gpuType && isEqual(other.resources, resources));
    if (known !== undefined) return known;
    const created: NodeClass = { resources: { ...resources }, gpuType, count: 0, inServiceCount: 0 };
    this.classes.push(created);
    return created;
  }

  #leafIndexOf(name: string | null): number {
    const known = this.leaves.findIndex((leaf) => leaf.name === name);
    return known >= 0 ? known : this.leaves.push({ name, nodes: [], idleCount: 0 }) - 1;
  }
}

function add(free: Resources, resources: Resources, sign: 1 | -1): void {
  free.cpus += sign * resources.cpus;
  free.memoryBytes += sign * resources.memoryBytes;
  free.gpus += sign * resources.gpus;
}

function isEqual(a: Resources, b: Resources): boolean {
  return a.cpus === b.cpus && a.memoryBytes === b.memoryBytes && a.gpus === b.gpus;
}

function isSame(a: NodeSpec, b: NodeSpec): boolean {
  return a.gpuType === b.gpuType && a.leaf === b.leaf && isEqual(a.resources, b.resources);
}
