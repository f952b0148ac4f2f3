import type { NodeSpec, NodeState, Resources } from '../cluster/node.ts';
import type { JobRequest, NodeView } from './types.ts';

/** Nodes that offer the same; what a request could ever fit is decided for all of them at once. */
export interface NodeClass {
  resources: Resources;
  gpuType: string | null;
  count: number;
  inServiceCount: number;
}

/** The scheduler's own account of a node. Mutated in place. */
export interface NodeRecord {
  readonly spec: NodeSpec;
  /** Counts up as nodes are added; the tie-break of every choice of nodes. */
  readonly index: number;
  readonly leafIndex: number;
  readonly nodeClass: NodeClass;
  readonly free: Resources;
  /** 1 for each GPU that is taken. */
  readonly takenGpus: Uint8Array;
  readonly jobIds: Set<number>;
  isDown: boolean;
  isDrained: boolean;
  /** Kept in the lists only so that the others keep their index. */
  isRemoved: boolean;
  reason: string | null;
}

export function isInService(node: NodeRecord): boolean {
  return !node.isDown && !node.isDrained && !node.isRemoved;
}

/** True where a node of this class, all of it free, could hold one node's part of the request. */
export function couldHold(nodeClass: NodeClass, request: JobRequest): boolean {
  return holds(nodeClass.resources, request.perNode) && hasGpuType(nodeClass.gpuType, request);
}

/** True where the node has room now. Whether it is in service and excluded or not is not looked at. */
export function hasRoom(node: NodeRecord, request: JobRequest): boolean {
  if (request.exclusive && node.jobIds.size > 0) return false;
  return holds(node.free, request.perNode) && hasGpuType(node.spec.gpuType, request);
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
  const isIdle = node.jobIds.size === 0;
  if (node.isDown) return 'down';
  if (node.isDrained) return isIdle ? 'drained' : 'draining';
  if (isIdle) return 'idle';
  const hasGpus = node.spec.resources.gpus > 0;
  return node.free.cpus === 0 || (hasGpus && node.free.gpus === 0) ? 'allocated' : 'mixed';
}

export function viewOf(node: NodeRecord): NodeView {
  return {
    spec: node.spec,
    state: stateOf(node),
    free: { ...node.free },
    reason: node.reason,
    jobIds: [...node.jobIds].sort((a, b) => a - b),
  };
}

export function holds(offered: Resources, wanted: Resources): boolean {
  return offered.cpus >= wanted.cpus && offered.memoryBytes >= wanted.memoryBytes && offered.gpus >= wanted.gpus;
}

export function hasGpuType(gpuType: string | null, request: JobRequest): boolean {
  return request.gpuType === null || request.gpuType === gpuType;
}
