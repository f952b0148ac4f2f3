import { DEFAULT_ACCOUNT, DEFAULT_QOS, DEFAULT_USER } from './default-names.ts';
import { FairShare } from './fair-share.ts';
import type { LimitProfile } from './limit-profile.ts';
import { LimitCounters } from './limits.ts';
import { Multifactor } from './multifactor.ts';
import type { LiftedLimit } from './qos-and-accounts.ts';
import { type Policy, partitionFinder } from './policy.ts';
import { partitionNames } from './partition-names.ts';
import { type PreemptionClass, PreemptionRules } from './preemption-rules.ts';
import type { CarriedMinutes, JobRequest } from './types.ts';

/** What the policy makes of all jobs of one user, account, QOS and partition; the same object for all of them. */
export interface JobKind {
  readonly user: string;
  readonly account: string;
  /** Index into fair-share. */
  readonly association: number;
  readonly usageFactor: number;
  readonly limits: LimitProfile;
  /** False where no limit can ever hold such a job up (its array's aside). */
  readonly isLimited: boolean;
  /** The limits of their partition that they need not keep. */
  readonly lifts: readonly LiftedLimit[];
  /** They start where they can and have no reservation. */
  readonly isNeverReserved: boolean;
  readonly preemption: PreemptionClass;
  /** Others may have to go for such a job. */
  readonly mayPreempt: boolean;
  /** Such a job may have to go for others. */
  readonly isPreemptible: boolean;
}

const NO_LIFTS: readonly LiftedLimit[] = [];

interface KnownKind {
  kind: JobKind;
  qos: string;
  partition: string | undefined;
}

/** The parts of the policy that look at who a job belongs to, and the kinds of jobs met so far. */
export class JobKinds {
  readonly fairShare: FairShare;
  readonly multifactor: Multifactor;
  readonly limits: LimitCounters;
  readonly preemption: PreemptionRules;
  readonly #policy: Policy;
  readonly #partitionOf: ReturnType<typeof partitionFinder>;
  /** Names of QOS that some other may preempt. */
  readonly #preempted: ReadonlySet<string>;
  /** By user: none has many. */
  readonly #kinds = new Map<string, KnownKind[]>();

  constructor(policy: Policy) {
    this.#policy = policy;
    this.#partitionOf = partitionFinder(policy.partitions);
    const isByQos = policy.preempt.type === 'qos';
    this.#preempted = new Set(isByQos ? policy.qos.flatMap(({ preempts }) => preempts ?? []) : []);
    this.fairShare = new FairShare(policy);
    this.multifactor = new Multifactor(policy);
    this.limits = new LimitCounters(policy);
    this.preemption = new PreemptionRules(policy);
  }

  of(request: JobRequest): JobKind {
    const { user = DEFAULT_USER, account = DEFAULT_ACCOUNT, qos = DEFAULT_QOS, partition } = request;
    let known = this.#kinds.get(user);
    if (known === undefined) {
      known = [];
      this.#kinds.set(user, known);
    }
    for (let index = 0; index < known.length; index++) {
      const each = known[index]!;
      if (each.qos === qos && each.partition === partition && each.kind.account === account) return each.kind;
    }
    const kind = this.#make(user, account, qos, partition);
    known.push({ kind, qos, partition });
    return kind;
  }

  /** Limits on such a job, of its own QOS, of its partition's and of its account. */
  limitsOf(request: JobRequest): LimitProfile {
    const { user = DEFAULT_USER, account = DEFAULT_ACCOUNT, qos = DEFAULT_QOS } = request;
    // Submitted jobs count in the first of their partitions.
    return this.#limitsOf(user, account, qos, partitionNames(request.partition)[0]);
  }

  /** What jobs of a kind used that are not told of. */
  carryMinutes(used: CarriedMinutes, atMs: number): void {
    const { account, user, qos, partition } = used;
    this.limits.carry(this.#limitsOf(user, account, qos, partition ?? undefined), used, atMs);
  }

  #limitsOf(user: string, account: string, qos: string, partition: string | undefined): LimitProfile {
    return this.limits.profile(account, user, qos, this.#partitionOf(partition ?? null)?.qos ?? null);
  }

  #make(user: string, account: string, qos: string, partition: string | undefined): JobKind {
    const ofQos = this.#policy.qos.find(({ name }) => name === qos);
    const limits = this.#limitsOf(user, account, qos, partition);
    const preemption = this.preemption.classOf(qos, partition ?? null);
    const { type } = this.#policy.preempt;
    return {
      user,
      account,
      association: this.fairShare.association(account, user),
      usageFactor: ofQos?.usageFactor ?? 1,
      limits,
      lifts: ofQos?.lifts ?? NO_LIFTS,
      isNeverReserved: ofQos?.isNeverReserved ?? false,
      isLimited: isLimiting(limits),
      preemption,
      isPreemptible: preemption.mode !== 'off' && (type === 'partition_prio' || this.#preempted.has(qos)),
      mayPreempt: type === 'partition_prio' || (type === 'qos' && preemption.preempts.size > 0),
    };
  }
}

function isLimiting(profile: LimitProfile): boolean {
  const { checks, perJob, perNode, perJobMin, wallMsMax, perJobMinutes, runChecks, budgets } = profile;
  const ofMinutes = perJobMinutes.length + runChecks.length + budgets.length;
  return checks.length + perJob.length + perNode.length + perJobMin.length + ofMinutes > 0 || wallMsMax !== null;
}
