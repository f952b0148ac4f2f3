import { floorTo } from '../lib/floor-to.ts';
import type { JobRecord } from './job-record.ts';
import type { Ledger } from './ledger.ts';
import type { Policy } from './policy.ts';

const SECOND = 1000;

/** Whether passes of backfill look only at some jobs of a user, a partition or an account: then they look at the whole queue for them. */
export function isChoosy({
  backfillType,
  bfMaxJobUser,
  bfMaxJobPart,
  bfMaxJobUserPart,
  bfMaxJobAssoc,
}: Policy): boolean {
  return backfillType === 'conservative' && bfMaxJobUser + bfMaxJobPart + bfMaxJobUserPart + bfMaxJobAssoc > 0;
}

/** Whether the job starts where it can and has no reservation: its QOS says so, it has not waited for long, or its priority is low. */
export function isWithoutReservation(
  { bfMinAgeReserveSeconds, bfMinPrioReserve, priority }: Policy,
  job: JobRecord,
  nowMs: number,
): boolean {
  if (job.kind.isNeverReserved) return true;
  // Slurm's own numbers without a multifactor priority are beyond any such bound.
  if (bfMinPrioReserve > 0 && priority.type === 'multifactor' && job.priority < bfMinPrioReserve) return true;
  if (bfMinAgeReserveSeconds === 0) return false;
  return floorTo(nowMs, SECOND) - floorTo(job.eligibleMs, SECOND) < bfMinAgeReserveSeconds * SECOND;
}

/** Counts what a pass of Slurm's main scheduler has done, against the limits that there are. */
export class MainLimits {
  readonly #policy: Policy;
  readonly #depthMax: number;
  /** By partition. */
  readonly #looked = new Map<number, number>();
  #depth = 0;
  #started = 0;

  /** `isFull`: through the whole queue. */
  constructor(policy: Policy, isFull: boolean) {
    this.#policy = policy;
    // Slurm looks at one more than it says, and counts those of partitions that it has closed.
    this.#depthMax = isFull ? Infinity : policy.defaultQueueDepth + 1;
  }

  /** Whether the pass looks at the job, which counts then. */
  admits({ partitionBit }: JobRecord): boolean {
    if (this.isReached) return false;
    const { partitionJobDepth } = this.#policy;
    if (partitionJobDepth > 0) {
      const count = this.#looked.get(partitionBit) ?? 0;
      if (count >= partitionJobDepth) return false;
      this.#looked.set(partitionBit, count + 1);
    }
    this.#depth += 1;
    return true;
  }

  started(): void {
    this.#started += 1;
  }

  /** Whether it is over. */
  get isReached(): boolean {
    const { schedMaxJobStart } = this.#policy;
    return this.#depth >= this.#depthMax || (schedMaxJobStart > 0 && this.#started >= schedMaxJobStart);
  }
}

/** Counts what a pass of Slurm's backfill has done, against the limits that there are. */
export class PassLimits {
  readonly #policy: Policy;
  readonly #limits: readonly { max: number; keyOf: (job: JobRecord) => string }[];
  /** By limit and whose jobs they are. */
  readonly #looked: readonly Map<string, number>[];
  /** By partition. */
  readonly #reserved = new Map<number, number>();
  #tested = 0;
  #started = 0;
  #admitted: JobRecord | null = null;

  constructor(policy: Policy) {
    const { bfMaxJobUserPart, bfMaxJobPart, bfMaxJobAssoc, bfMaxJobUser } = policy;
    this.#policy = policy;
    this.#limits = [
      { max: bfMaxJobUserPart, keyOf: ({ kind, partitionBit }: JobRecord) => `${partitionBit}/${kind.user}` },
      { max: bfMaxJobPart, keyOf: ({ partitionBit }: JobRecord) => String(partitionBit) },
      { max: bfMaxJobAssoc, keyOf: ({ kind }: JobRecord) => String(kind.association) },
      { max: bfMaxJobUser, keyOf: ({ kind }: JobRecord) => kind.user },
    ].filter(({ max }) => max > 0);
    this.#looked = this.#limits.map(() => new Map<string, number>());
  }

  /** Whether the pass looks at the job; one more of its user, partition and account if it does. */
  admits(job: JobRecord): boolean {
    // It may have to look at one again.
    if (this.#limits.length === 0 || job === this.#admitted) return true;
    const keys = this.#limits.map(({ keyOf }) => keyOf(job));
    const countOf = (index: number) => this.#looked[index]?.get(keys[index] ?? '') ?? 0;
    if (this.#limits.some(({ max }, index) => countOf(index) >= max)) return false;
    this.#admitted = job;
    for (const [index, looked] of this.#looked.entries()) looked.set(keys[index] ?? '', countOf(index) + 1);
    return true;
  }

  /** It has looked for nodes for one more job. */
  tested(): void {
    this.#tested += 1;
  }

  /** It has started one more. */
  started(): void {
    this.#started += 1;
  }

  /** Whether it is over. */
  get isReached(): boolean {
    const { bfMaxJobTest, bfMaxJobStart } = this.#policy;
    return this.#tested >= bfMaxJobTest || (bfMaxJobStart > 0 && this.#started >= bfMaxJobStart);
  }

  /** Whether as many jobs of its partition have a reservation as may. */
  isReserved({ partitionBit }: JobRecord): boolean {
    const { bfJobPartCountReserve } = this.#policy;
    return bfJobPartCountReserve > 0 && (this.#reserved.get(partitionBit) ?? 0) >= bfJobPartCountReserve;
  }

  reserve({ partitionBit }: JobRecord): void {
    this.#reserved.set(partitionBit, (this.#reserved.get(partitionBit) ?? 0) + 1);
  }
}

/** Whether these nodes are more than a QOS or an account of the job's may have: passes find nodes first, and then look at that. */
export function isBeyondLimit({ kinds }: Ledger, { demand, kind }: JobRecord, nodeIndices: readonly number[]): boolean {
  return demand !== null && kinds.limits.isBeyondOn(kind.limits, nodeIndices);
}

/** Whether any such limit holds the job up, were none of its nodes to count already. */
export function isLimited({ kinds }: Ledger, { demand, kind }: JobRecord): boolean {
  return demand !== null && kinds.limits.blockedBy(kind.limits, demand) !== null;
}
