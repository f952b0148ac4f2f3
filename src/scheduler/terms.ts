import type { JobTerms } from './job-record.ts';
import { defaultPartition, PARTITIONS_MAX, type PartitionPolicy, type Policy } from './policy.ts';
import type { JobRequest } from './types.ts';

const ALL_PARTITIONS = 0x7fffffff;

interface PartitionTerms {
  bit: number;
  tier: number;
  maxMs: number;
  defaultMs: number;
  nodes: ReadonlySet<string> | null;
}

/** What the policy's partitions make of jobs and nodes; numbers the shapes of requests. */
export class Terms {
  readonly #partitions = new Map<string, PartitionTerms>();
  readonly #default: PartitionTerms | null;
  readonly #shapes = new Map<string, number>();
  /** By the identity of `perNode`, which jobs of one kind share: no key is made for each. */
  readonly #shapesByObject = new WeakMap<object, { request: JobRequest; shape: number }>();

  /** Throws a RangeError for more than 31 partitions. */
  constructor({ partitions }: Policy) {
    if (partitions.length > PARTITIONS_MAX)
      throw new RangeError(`partitions: expected at most ${PARTITIONS_MAX}, got ${partitions.length}`);
    for (const [index, partition] of partitions.entries())
      this.#partitions.set(partition.name, termsOf(partition, index));
    const named = defaultPartition(partitions);
    this.#default = named === undefined ? null : (this.#partitions.get(named.name) ?? null);
  }

  /** Where no partition of the job's name is defined, it belongs to none: no node is for it. */
  of(request: JobRequest): JobTerms {
    const shape = this.#shapeOf(request);
    const partition = request.partition === undefined ? this.#default : this.#partitions.get(request.partition);
    const limitMs = request.timeLimitMs ?? partition?.defaultMs ?? Infinity;
    if (this.#partitions.size === 0)
      return { limitMs, partitionBit: ALL_PARTITIONS, tier: 0, isOverTime: false, shape };
    if (partition === undefined || partition === null)
      return { limitMs, partitionBit: 0, tier: 0, isOverTime: false, shape };
    const isOverTime = (request.timeLimitMs ?? 0) > partition.maxMs;
    return { limitMs, partitionBit: partition.bit, tier: partition.tier, isOverTime, shape };
  }

  /** Bits of the partitions a node belongs to. */
  maskOf(nodeName: string): number {
    if (this.#partitions.size === 0) return ALL_PARTITIONS;
    let mask = 0;
    for (const { bit, nodes } of this.#partitions.values()) if (nodes === null || nodes.has(nodeName)) mask |= bit;
    return mask;
  }

  #shapeOf(request: JobRequest): number {
    if (request.excludedNodes.length > 0) return -1;
    const { perNode } = request;
    const known = this.#shapesByObject.get(perNode);
    if (known !== undefined && isAlikeBesides(known.request, request)) return known.shape;
    const { gpuType, exclusive, partition, reservation } = request;
    const suffix = `${gpuType ?? ''}/${exclusive ? 1 : 0}/${partition ?? ''}/${reservation ?? ''}`;
    const key = `${perNode.cpus}/${perNode.memoryBytes}/${perNode.gpus}/${suffix}`;
    let shape = this.#shapes.get(key);
    if (shape === undefined) {
      shape = this.#shapes.size;
      this.#shapes.set(key, shape);
    }
    this.#shapesByObject.set(perNode, { request, shape });
    return shape;
  }
}

/** Whether all that makes the shape is the same, what they ask for on a node aside. */
function isAlikeBesides(a: JobRequest, b: JobRequest): boolean {
  return (
    a.gpuType === b.gpuType &&
    a.exclusive === b.exclusive &&
    a.partition === b.partition &&
    a.reservation === b.reservation
  );
}

function termsOf(partition: PartitionPolicy, index: number): PartitionTerms {
  const { nodes = null, priorityTier = 1, maxTimeSeconds = null, defaultTimeSeconds = null } = partition;
  const maxMs = maxTimeSeconds === null ? Infinity : maxTimeSeconds * 1000;
  return {
    bit: 1 << index,
    tier: priorityTier,
    maxMs,
    defaultMs: defaultTimeSeconds === null ? maxMs : defaultTimeSeconds * 1000,
    nodes: nodes === null ? null : new Set(nodes),
  };
}
