import type { CpuCap } from './cpu-cap.ts';
import type { JobKind } from './job-kind.ts';
import type { JobTerms } from './job-record.ts';
import type { LimitProfile } from './limit-profile.ts';
import { JOB_RESOURCES } from './limit-reasons.ts';
import { partitionExcess } from './partition-limits.ts';
import { defaultPartition, PARTITIONS_MAX, type PartitionPolicy, type Policy } from './policy.ts';
import { MINUTE_MS } from './run-minutes.ts';
import type { JobRequest } from './types.ts';

const ALL_PARTITIONS = 0x7fffffff;

type DefaultLimits = Pick<LimitProfile, 'wallMsDefault' | 'deniedMinutes'>;

interface PartitionTerms {
  policy: PartitionPolicy;
  bit: number;
  tier: number;
  overMs: number;
  cap: CpuCap | null;
  nodes: ReadonlySet<string> | null;
}

/** What the policy's partitions make of jobs and nodes; numbers the shapes of requests. */
export class Terms {
  readonly #partitions = new Map<string, PartitionTerms>();
  readonly #default: PartitionTerms | null;
  readonly #overMs: number;
  /** How many partitions bound the CPUs that their jobs have of a node. */
  readonly capCount: number;
  readonly #shapes = new Map<string, number>();
  /** By the identity of `perNode`, which jobs of one kind share: no key is made for each. */
  readonly #shapesByObject = new WeakMap<object, { request: JobRequest; shape: number }>();

  /** Throws a RangeError for more than 31 partitions. */
  constructor({ partitions, overTimeSeconds }: Policy) {
    this.#overMs = spanMs(overTimeSeconds);
    if (partitions.length > PARTITIONS_MAX)
      throw new RangeError(`partitions: expected at most ${PARTITIONS_MAX}, got ${partitions.length}`);
    const capped = partitions.filter(({ maxCpusPerNode }) => maxCpusPerNode !== undefined);
    this.capCount = capped.length;
    for (const [index, partition] of partitions.entries())
      this.#partitions.set(partition.name, termsOf(partition, index, capped.indexOf(partition), this.#overMs));
    const named = defaultPartition(partitions);
    this.#default = named === undefined ? null : (this.#partitions.get(named.name) ?? null);
  }

  /** Where no partition of the job's name is defined, it belongs to none: no node is for it. */
  of(request: JobRequest, { limits, lifts }: Pick<JobKind, 'lifts'> & { limits: DefaultLimits }): JobTerms {
    const shape = this.#shapeOf(request);
    const partition = request.partition === undefined ? this.#default : this.#partitions.get(request.partition);
    const wallMsDefault = request.timeLimitMs === null ? leastDefaultMs(request, limits) : null;
    const ownMs = request.timeLimitMs ?? defaultLimitMs(partition?.policy, { wallMsDefault });
    const limitMs = ownMs ?? Infinity;
    const defaultSeconds = partition?.policy.defaultTimeSeconds ?? null;
    const isLongest = request.timeLimitMs === null && defaultSeconds === null && wallMsDefault === null;
    const minutesMs = isLongest ? Infinity : limitMs;
    if (partition === undefined || partition === null) {
      const partitionBit = this.#partitions.size === 0 ? ALL_PARTITIONS : 0;
      return { limitMs, minutesMs, overMs: this.#overMs, partitionBit, tier: 0, excess: null, cap: null, shape };
    }
    const { bit, tier, overMs, cap, policy } = partition;
    const excess = partitionExcess(
      policy,
      ownMs === request.timeLimitMs ? request : { ...request, timeLimitMs: ownMs },
      lifts,
    );
    return { limitMs, minutesMs, overMs, partitionBit: bit, tier, excess, cap, shape };
  }

  /** The partition that a job of it belongs to; undefined where there is none. */
  partitionOf({ partition }: JobRequest): PartitionPolicy | undefined {
    return (partition === undefined ? this.#default : this.#partitions.get(partition))?.policy;
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

function termsOf(policy: PartitionPolicy, index: number, capIndex: number, overMs: number): PartitionTerms {
  const { nodes = null, priorityTier = 1 } = policy;
  const { overTimeSeconds, maxCpusPerNode } = policy;
  return {
    policy,
    bit: 1 << index,
    tier: priorityTier,
    overMs: overTimeSeconds === undefined ? overMs : spanMs(overTimeSeconds),
    cap: maxCpusPerNode === undefined ? null : { index: capIndex, cpusMax: maxCpusPerNode },
    nodes: nodes === null ? null : new Set(nodes),
  };
}

/** What Slurm gives a job that asks for no time by its limits: of limits on minutes by which it might be refused, as many whole ones as they leave it. */
function leastDefaultMs(request: JobRequest, { wallMsDefault, deniedMinutes }: DefaultLimits): number | null {
  let leastMs = wallMsDefault ?? Infinity;
  for (const limit of deniedMinutes) {
    for (const name of JOB_RESOURCES) {
      const amount = request.nodes * (name === 'nodes' ? 1 : request.perNode[name]);
      const minutes = amount > 0 ? Math.floor(limit[name] / amount) : Infinity;
      // One that could not run for a minute is refused.
      if (minutes > 0) leastMs = Math.min(leastMs, minutes * MINUTE_MS);
    }
  }
  return leastMs === Infinity ? null : leastMs;
}

/** How long a job may run that asks for no time, in Slurm's order; null: for ever. */
export function defaultLimitMs(
  { defaultTimeSeconds = null, maxTimeSeconds = null }: Partial<PartitionPolicy> = {},
  { wallMsDefault }: Pick<LimitProfile, 'wallMsDefault'>,
): number | null {
  if (defaultTimeSeconds !== null) return defaultTimeSeconds * 1000;
  return wallMsDefault ?? (maxTimeSeconds === null ? null : maxTimeSeconds * 1000);
}

function spanMs(seconds: number | null): number {
  return seconds === null ? Infinity : seconds * 1000;
}
