import type { NodeSpec } from '../cluster/node.ts';
import type { QosPolicy } from './qos-and-accounts.ts';
import { defaultPartition, type PartitionPolicy, type PriorityPolicy } from './policy.ts';

export interface MultifactorPolicy {
  readonly priority: PriorityPolicy;
  readonly qos: readonly QosPolicy[];
  readonly partitions: readonly PartitionPolicy[];
}

/** What the priority of a job depends on, besides how long it waits and what its association used. */
export interface PrioritizedJob {
  readonly nodes: number;
  /** On all of its nodes together, as the next two. */
  readonly cpus: number;
  readonly memoryBytes: number;
  readonly gpus: number;
  /** For how long it may run, whoever says so: where it asks for no time its limits or its partition. Infinity for ever. */
  readonly limitMs: number;
  readonly qos: string;
  /** Null: the default partition. */
  readonly partition: string | null;
  /** The job's own `priority`: what its `--nice` takes off, or an administrator gives. */
  readonly base: number;
}

/** What a partition has, or a job asks for. */
type Amounts = Pick<PrioritizedJob, 'nodes' | 'cpus' | 'memoryBytes' | 'gpus'>;

/** The largest a priority can be: Slurm keeps it in 32 bits. */
const PRIORITY_MAX = 0xffff_ffff;
const MINUTE_MS = 60_000;

/**
 * Slurm's `priority/multifactor` (priority_multifactor.html): the sum of weight times factor, each factor in [0, 1], cut to an integer of
 * at least 1. It falls into three parts: `staticPriority` never changes while the job waits; age is the same for all jobs that became
 * eligible at the same instant; fair-share is the same for all jobs of an association. So among the jobs of one association, of two with
 * the same static part the one eligible first is never behind: the queue keeps one lane each (`Backlog`).
 *
 * Slurm works priorities out anew every `calcPeriodSeconds` and gives a job in between the factors of the last time, with no age. The same
 * comes out if `nowMs` is the instant of the last `FairShare.recalculate`. With `type: basic` a priority is the job's own `base`.
 */
export class Multifactor {
  readonly #priority: PriorityPolicy;
  readonly #isBasic: boolean;
  readonly #maxAgeMs: number;
  readonly #qosFactors = new Map<string, number>();
  readonly #partitionFactors = new Map<string, number>();
  readonly #defaultPartitionFactor: number;
  readonly #partitions: readonly PartitionPolicy[];
  readonly #defaultPartition: string | null;
  /** By the partition; that of null is the cluster. Empty where resources have no weight. */
  readonly #amounts = new Map<string | null, Amounts>();
  #nodeCount = 0;
  #cpuCount = 0;

  constructor(policy: MultifactorPolicy) {
    this.#priority = policy.priority;
    this.#isBasic = policy.priority.type === 'basic';
    this.#maxAgeMs = policy.priority.maxAgeSeconds * 1000;
    const qosMax = Math.max(0, ...policy.qos.map(({ priority }) => priority ?? 0));
    for (const { name, priority } of policy.qos) this.#qosFactors.set(name, ratio(priority ?? 0, qosMax));
    const partitionMax = Math.max(1, ...policy.partitions.map(({ priorityJobFactor }) => priorityJobFactor ?? 1));
    for (const { name, priorityJobFactor } of policy.partitions) {
      this.#partitionFactors.set(name, ratio(priorityJobFactor ?? 1, partitionMax));
    }
    const standard = defaultPartition(policy.partitions);
    this.#defaultPartitionFactor = standard === undefined ? 1 : (this.#partitionFactors.get(standard.name) ?? 0);
    this.#partitions = policy.partitions;
    this.#defaultPartition = standard?.name ?? null;
  }

  /** The nodes of the cluster, in service or not. Static parts worked out before are void. */
  setCluster(nodes: readonly NodeSpec[]): void {
    const all = amountsOf(nodes);
    this.#nodeCount = all.nodes;
    this.#cpuCount = all.cpus;
    if (this.#priority.weights.tres === undefined) return;
    this.#amounts.set(null, all);
    for (const { name, nodes: names = null } of this.#partitions) {
      const members = names === null ? null : new Set(names);
      this.#amounts.set(name, members === null ? all : amountsOf(nodes.filter((node) => members.has(node.name))));
    }
  }

  /** Weighted size, QOS, partition and resources, and the job's own. A QOS or partition that the policy does not name counts 0. */
  staticPriority(job: PrioritizedJob): number {
    if (this.#isBasic) return job.base;
    const { jobSize, qos, partition } = this.#priority.weights;
    const partitionFactor =
      job.partition === null ? this.#defaultPartitionFactor : (this.#partitionFactors.get(job.partition) ?? 0);
    return (
      jobSize * this.sizeFactor(job) +
      partition * partitionFactor +
      qos * (this.#qosFactors.get(job.qos) ?? 0) +
      this.#tresPart(job) +
      job.base
    );
  }

  /** Slurm's source (priority_multifactor.c, set_priority_factors): what it asks for over what its partition has, of each resource that weighs. */
  #tresPart(job: PrioritizedJob): number {
    const { tres } = this.#priority.weights;
    const amounts = this.#amounts.get(job.partition ?? this.#defaultPartition);
    if (tres === undefined || amounts === undefined) return 0;
    const { cpu = 0, memory = 0, gpu = 0, node = 0 } = tres;
    return (
      cpu * ratio(job.cpus, amounts.cpus) +
      memory * ratio(job.memoryBytes, amounts.memoryBytes) +
      gpu * ratio(job.gpus, amounts.gpus) +
      node * ratio(job.nodes, amounts.nodes)
    );
  }

  /**
   * The mean of its shares of the nodes and of the CPUs; where it asks for no CPUs, of the nodes. Relative to time it is the larger share, divided by
   * the minutes of its limit (Slurm's source: priority_multifactor.c, set_priority_factors). 1 less that if small jobs are favoured.
   */
  sizeFactor({ nodes, cpus, limitMs }: Pick<PrioritizedJob, 'nodes' | 'cpus' | 'limitMs'>): number {
    const [nodeShare, cpuShare] = [ratio(nodes, this.#nodeCount), ratio(cpus, this.#cpuCount)];
    const mean = cpus > 0 ? (nodeShare + cpuShare) / 2 : nodeShare;
    const share = this.#priority.isSizeRelativeToTime ? Math.max(nodeShare, cpuShare) / (limitMs / MINUTE_MS) : mean;
    return Math.min(1, Math.max(0, this.#priority.isSmallFavored ? 1 - share : share));
  }

  /** How much of `maxAgeSeconds` it has been eligible, 1 at most; 0 for a job not eligible yet. */
  ageFactor(eligibleMs: number, nowMs: number): number {
    const ageMs = nowMs - eligibleMs;
    if (ageMs >= this.#maxAgeMs) return 1;
    return ageMs > 0 ? ageMs / this.#maxAgeMs : 0;
  }

  /** From its parts: what `staticPriority` gave, when it became eligible, and the factor of its association. */
  priorityOf(staticPriority: number, eligibleMs: number, fairshareFactor: number, nowMs: number): number {
    if (this.#isBasic) return staticPriority;
    const { age, fairshare } = this.#priority.weights;
    const sum = age * this.ageFactor(eligibleMs, nowMs) + fairshare * fairshareFactor + staticPriority;
    return Math.min(PRIORITY_MAX, Math.max(1, Math.floor(sum)));
  }

  /** Weighted factors one by one, for people; null where a priority is the job's own. */
  parts(job: PrioritizedJob, eligibleMs: number, fairshareFactor: number, nowMs: number) {
    if (this.#isBasic) return null;
    const { age, fairshare, jobSize, partition, qos } = this.#priority.weights;
    const { qos: qosName, partition: name } = job;
    const partitionFactor = name === null ? this.#defaultPartitionFactor : (this.#partitionFactors.get(name) ?? 0);
    return {
      age: age * this.ageFactor(eligibleMs, nowMs),
      fairshare: fairshare * fairshareFactor,
      jobSize: jobSize * this.sizeFactor(job),
      partition: partition * partitionFactor,
      qos: qos * (this.#qosFactors.get(qosName) ?? 0),
      tres: this.#tresPart(job),
    };
  }
}

function amountsOf(nodes: readonly NodeSpec[]): Amounts {
  const sum = { nodes: nodes.length, cpus: 0, memoryBytes: 0, gpus: 0 };
  for (const { resources } of nodes) {
    sum.cpus += resources.cpus;
    sum.memoryBytes += resources.memoryBytes;
    sum.gpus += resources.gpus;
  }
  return sum;
}

function ratio(part: number, whole: number): number {
  return whole > 0 ? part / whole : 0;
}
