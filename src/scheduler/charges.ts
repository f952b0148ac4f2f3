import type { JobKinds } from './job-kind.ts';
import type { Held, JobRecord } from './job-record.ts';
import { totalOf, usageRate, type UsageWorld } from './usage.ts';

const NO_NODES: readonly number[] = [];

/** What an attempt takes of its limits and of fair-share, from its start to its end. */
export class Charges {
  readonly #world: UsageWorld & { readonly kinds: JobKinds };
  readonly #isFairShare: boolean;

  constructor(world: UsageWorld & { readonly kinds: JobKinds }) {
    this.#world = world;
    const { type, weights } = world.policy.priority;
    this.#isFairShare = type === 'multifactor' && weights.fairshare > 0;
  }

  begin(job: JobRecord, held: Held, atMs: number): void {
    const { kinds, pool } = this.#world;
    const { kind, demand: asked } = job;
    if (asked !== null) {
      const demand = { ...asked, ...totalOf(job, held, pool) };
      kinds.limits.start(kind.limits, demand, held.nodeIndices);
      kinds.limits.begin(kind.limits, demand, job, atMs, kind.usageFactor);
    }
    if (this.#isFairShare) kinds.fairShare.begin(kind.association, usageRate(job, held, this.#world), atMs);
  }

  /** Of an attempt that still holds its nodes. `queue`: where jobs wait for the limits that it leaves. */
  end(job: JobRecord, atMs: number, queue: { unpark: (limit: number) => void }): void {
    const { kinds, pool } = this.#world;
    const { kind, held, demand: asked } = job;
    if (this.#isFairShare) kinds.fairShare.end(kind.association, usageRate(job, held, this.#world), atMs);
    if (asked === null) return;
    const demand = { ...asked, ...totalOf(job, held, pool) };
    for (const limit of kinds.limits.end(kind.limits, demand, held?.nodeIndices ?? NO_NODES)) queue.unpark(limit);
    for (const limit of kinds.limits.leave(kind.limits, job, atMs)) queue.unpark(limit);
  }
}
