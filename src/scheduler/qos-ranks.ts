import type { QosPolicy } from './qos-and-accounts.ts';

/**
 * In which order Slurm looks at jobs of different QOS. It compares them two at a time: one that may preempt the other comes first, and of two of which neither
 * may, or each, the tier and the priority decide (`sort_job_queue2` in slurmctld/job_scheduler.c). QOS whose jobs all come before those of another, by
 * preemption alone, have a higher rank; where some pairs are told apart by priority and others by preemption there is no such order, and they share a
 * rank. Only QOS that have jobs count: one that nobody uses tells nothing apart.
 */
export class QosRanks {
  readonly #preempts: ReadonlyMap<string, ReadonlySet<string>>;
  readonly #used = new Set<string>();
  #ranks: ReadonlyMap<string, number> = new Map();

  constructor(qos: readonly QosPolicy[]) {
    const preempting = qos.filter(({ preempts = [] }) => preempts.length > 0);
    this.#preempts = new Map(preempting.map(({ name, preempts }) => [name, new Set(preempts)]));
  }

  /** Returns whether the QOS is new among those that have jobs, and ranks may be others. */
  use(name: string): boolean {
    if (this.#preempts.size === 0 || this.#used.has(name)) return false;
    this.#used.add(name);
    this.#ranks = this.#rankAll();
    return true;
  }

  of(name: string): number {
    return this.#ranks.get(name) ?? 0;
  }

  /**
   * Of two QOS one at least may come before the other, so those that may come before each other, at once or by way of others, are steps of one
   * staircase: the more QOS one may come before, the higher it stands.
   */
  #rankAll(): Map<string, number> {
    const names = [...this.#used];
    const reach = new Map(names.map((name) => [name, this.#reachOf(name, names)]));
    const steps = [...new Set(reach.values())].sort((a, b) => a - b);
    return new Map(names.map((name) => [name, steps.indexOf(reach.get(name) ?? 0)]));
  }

  #reachOf(from: string, names: readonly string[]): number {
    const reached = new Set([from]);
    for (const name of reached) {
      for (const other of names) if (!this.#isAlwaysBefore(other, name)) reached.add(other);
    }
    return reached.size;
  }

  #isAlwaysBefore(a: string, b: string): boolean {
    return this.#preempts.get(a)?.has(b) === true && this.#preempts.get(b)?.has(a) !== true;
  }
}
