import type { NodeSpec, NodeState, Resources } from '../cluster/node.ts';
import { ZERO_BYTES } from '../lib/zero-ms.ts';
import { isWithinCap } from './cpu-cap.ts';
import type { JobRecord } from './job-record.ts';
import type { SpareNode } from './preemption.ts';
import type { JobRequest, NodeView } from './types.ts';

/** Nodes that offer the same to the same partitions; what a request could ever fit is decided for all of them at once. */
export interface NodeClass {
  resources: Resources;
  gpuType: string | null;
  partitionMask: number;
  weight: number;
  count: number;
  inServiceCount: number;
}

/** Shared where no partition bounds the CPUs of its jobs. */
const NO_CAPS: number[] = [];

/** The scheduler's own account of a node. Mutated in place. */
export class NodeRecord implements SpareNode {
  readonly spec: NodeSpec;
  /** Counts up as nodes are added; the tie-break of every choice of nodes. */
  readonly index: number;
  readonly leafIndex: number;
  readonly nodeClass: NodeClass;
  // With a value: a field that is declared without one begins as undefined, and from then on V8 keeps each number that is no small integer in a new box.
  freeCpus = 0;
  freeMemoryBytes = ZERO_BYTES;
  freeGpus = 0;
  /** Of each partition that bounds them, the CPUs that its jobs hold. */
  readonly cappedCpus: number[];
  /** What attempts hold of it that are being ended, or are to be. */
  endingCpus = 0;
  endingMemoryBytes = ZERO_BYTES;
  endingGpus = 0;
  endingJobs = 0;
  /** 1 for each GPU that is taken by a job that holds some of the node's GPUs, not all. */
  readonly takenGpus: Uint8Array;
  /** In no particular order. */
  readonly jobs: JobRecord[] = [];
  /** Of these one that ends last, by the time limits: then the node is idle. */
  lastJob: JobRecord | null = null;
  isDown = false;
  isDrained = false;
  /** Kept in the lists only so that the others keep their index. */
  isRemoved = false;
  /** The job for which others were preempted here: nobody else gets the node. */
  claim: JobRecord | null = null;
  reason: string | null = null;

  constructor(spec: NodeSpec, index: number, leafIndex: number, nodeClass: NodeClass, capCount: number) {
    this.spec = spec;
    this.index = index;
    this.leafIndex = leafIndex;
    this.nodeClass = nodeClass;
    this.freeCpus = spec.resources.cpus;
    this.freeMemoryBytes = spec.resources.memoryBytes;
    this.freeGpus = spec.resources.gpus;
    this.cappedCpus = capCount === 0 ? NO_CAPS : Array.from({ length: capCount }, () => 0);
    this.takenGpus = new Uint8Array(spec.resources.gpus);
  }

  get spareGpus(): number {
    return this.freeGpus + this.endingGpus;
  }

  get spareCpus(): number {
    return this.freeCpus + this.endingCpus;
  }

  get spareMemoryBytes(): number {
    return this.freeMemoryBytes + this.endingMemoryBytes;
  }

  get spareJobs(): number {
    return this.jobs.length - this.endingJobs;
  }

  get isGivable(): boolean {
    return isAvailable(this);
  }
}

export function isInService(node: NodeRecord): boolean {
  return !node.isDown && !node.isDrained && !node.isRemoved;
}

/** In service and not kept for a job: it may be given to any. */
export function isAvailable(node: NodeRecord): boolean {
  return !node.isDown && !node.isDrained && !node.isRemoved && node.claim === null;
}

/** True where a node of this class, all of it free, could hold one node's part of the job. */
export function couldHold(nodeClass: NodeClass, job: JobRecord): boolean {
  return (
    (nodeClass.partitionMask & job.partitionBit) !== 0 &&
    holds(nodeClass.resources, job.request.perNode) &&
    isWithinCap(job.cap, 0, cpusOn(nodeClass.resources, job)) &&
    hasGpuType(nodeClass.gpuType, job.request)
  );
}

/** True where the node has room now. Whether it is in service, claimed or excluded is not looked at. */
export function hasRoom(node: NodeRecord, job: JobRecord): boolean {
  const { perNode, exclusive } = job.request;
  return (
    node.freeGpus >= perNode.gpus &&
    node.freeCpus >= perNode.cpus &&
    node.freeMemoryBytes >= perNode.memoryBytes &&
    (!exclusive || node.jobs.length === 0) &&
    (node.nodeClass.partitionMask & job.partitionBit) !== 0 &&
    (job.cap === null || isWithinCap(job.cap, node.cappedCpus[job.cap.index], cpusOn(node.nodeClass.resources, job))) &&
    hasGpuType(node.nodeClass.gpuType, job.request)
  );
}

/** What the job takes of the CPUs of a node. */
function cpusOn(offered: Resources, { request: { exclusive, perNode } }: JobRecord): number {
  return exclusive ? offered.cpus : perNode.cpus;
}

/** CPUs of the node that jobs of the capped partition hold and that are not being ended, nor to be. */
export function cappedCpusToStay(node: NodeRecord, capIndex: number): number {
  let cpus = 0;
  for (const job of node.jobs)
    if (job.cap?.index === capIndex && job.cause === null) cpus += cpusOn(node.nodeClass.resources, job);
  return cpus;
}

/** The job must not be there, whatever room there is: it excludes the node, or a reservation keeps it off. */
export function isKeptOff(node: NodeRecord, job: JobRecord): boolean {
  return job.barred?.[node.index] === 1 || (job.excluded.size > 0 && job.excluded.has(node.spec.name));
}

/** The `count` lowest free GPUs, ascending. */
export function freeGpuIndices(node: NodeRecord, count: number): number[] {
  const indices: number[] = [];
  for (let index = 0; indices.length < count && index < node.takenGpus.length; index++) {
    if (node.takenGpus[index] === 0) indices.push(index);
  }
  return indices;
}

/** `allocated` where no CPU or no GPU is left to give: another job that needs one finds no room. */
export function stateOf(node: NodeRecord): NodeState {
  const isIdle = node.jobs.length === 0;
  if (node.isDown) return 'down';
  if (node.isDrained) return isIdle ? 'drained' : 'draining';
  if (isIdle) return 'idle';
  const hasGpus = node.spec.resources.gpus > 0;
  return node.freeCpus === 0 || (hasGpus && node.freeGpus === 0) ? 'allocated' : 'mixed';
}

export function viewOf(node: NodeRecord): NodeView {
  return {
    spec: node.spec,
    state: stateOf(node),
    free: { cpus: node.freeCpus, memoryBytes: node.freeMemoryBytes, gpus: node.freeGpus },
    reason: node.reason,
    jobIds: node.jobs.map((job) => job.request.jobId).sort((a, b) => a - b),
  };
}

export function holds(offered: Resources, wanted: Resources): boolean {
  return offered.cpus >= wanted.cpus && offered.memoryBytes >= wanted.memoryBytes && offered.gpus >= wanted.gpus;
}

function hasGpuType(gpuType: string | null, request: JobRequest): boolean {
  return request.gpuType === null || request.gpuType === gpuType;
}
