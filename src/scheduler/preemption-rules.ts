import type { PreemptMode, QosPolicy } from './qos-and-accounts.ts';
import { defaultPartition, type PartitionPolicy, type PreemptPolicy } from './policy.ts';
import { QosRanks } from './qos-ranks.ts';

export interface PreemptionPolicy {
  readonly preempt: PreemptPolicy;
  readonly qos: readonly QosPolicy[];
  readonly partitions: readonly PartitionPolicy[];
}

/** All jobs of one QOS and partition, as far as preemption goes; the same object for all of them. */
export interface PreemptionClass {
  readonly qos: string;
  /** Of its partition; 1 where the policy does not say. */
  readonly tier: number;
  /** Who goes first when several could: the priority of the QOS, or the tier of the partition. */
  readonly priority: number;
  /** Higher ranks are scheduled first, whatever their tier and priority: see `QosRanks`. Changes as QOS come into use. */
  rank: number;
  /** What becomes of a job that is preempted; `off`: it never is. */
  readonly mode: PreemptMode;
  /** Not before it has run this long (`PreemptExemptTime`). */
  readonly exemptMs: number;
  /** Between the first signal and its end (`GraceTime`). */
  readonly graceMs: number;
  /** Names of the QOS that its jobs may preempt. */
  readonly preempts: ReadonlySet<string>;
}

/**
 * Who may preempt whom: by QOS, those that the QOS of the preempting job names; by partition, those of a lower `PriorityTier`
 * (preempt.html). A QOS, or by partition a partition, may not be preempted at all by `preemptMode: off`.
 */
export class PreemptionRules {
  readonly #policy: PreemptionPolicy;
  readonly #classes = new Map<string, PreemptionClass>();
  readonly #ranks: QosRanks;

  constructor(policy: PreemptionPolicy) {
    this.#policy = policy;
    this.#ranks = new QosRanks(policy.preempt.type === 'qos' ? policy.qos : []);
  }

  get isEnabled(): boolean {
    return this.#policy.preempt.type !== 'none';
  }

  /** To be asked for once a job, at its submission. `partition` null: the default one. */
  classOf(qosName: string, partitionName: string | null): PreemptionClass {
    const id = JSON.stringify([qosName, partitionName]);
    let known = this.#classes.get(id);
    if (known === undefined) {
      known = this.#makeClass(qosName, partitionName);
      this.#classes.set(id, known);
    }
    return known;
  }

  /** There are jobs of this QOS from now on. Returns whether ranks have changed for it. */
  use(qosName: string): boolean {
    if (!this.#ranks.use(qosName)) return false;
    let hasChanged = false;
    for (const known of this.#classes.values()) {
      const rank = this.#ranks.of(known.qos);
      hasChanged ||= rank !== known.rank;
      known.rank = rank;
    }
    return hasChanged;
  }

  canPreempt(preemptor: PreemptionClass, victim: PreemptionClass): boolean {
    if (victim.mode === 'off') return false;
    const { type } = this.#policy.preempt;
    if (type === 'qos') return preemptor.preempts.has(victim.qos);
    return type === 'partition_prio' && victim.tier < preemptor.tier;
  }

  #makeClass(qosName: string, partitionName: string | null): PreemptionClass {
    const { preempt, partitions } = this.#policy;
    const qos = this.#policy.qos.find(({ name }) => name === qosName);
    const partition =
      partitionName === null ? defaultPartition(partitions) : partitions.find(({ name }) => name === partitionName);
    const tier = partition?.priorityTier ?? 1;
    const isByPartition = preempt.type === 'partition_prio';
    const own = isByPartition ? partition : undefined;
    return {
      qos: qosName,
      tier,
      priority: isByPartition ? tier : (qos?.priority ?? 0),
      rank: this.#ranks.of(qosName),
      mode: own?.preemptMode ?? qos?.preemptMode ?? preempt.mode,
      exemptMs: (qos?.preemptExemptSeconds ?? preempt.exemptSeconds) * 1000,
      graceMs: (own?.graceSeconds ?? qos?.graceSeconds ?? 0) * 1000,
      preempts: new Set(qos?.preempts),
    };
  }
}
