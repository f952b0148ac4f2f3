import { Forecast } from './forecast.ts';
import type { JobRecord } from './job-record.ts';
import type { Ledger } from './ledger.ts';
import type { Policy } from './policy.ts';
import { isAhead } from './queue.ts';
import type { Placement } from './types.ts';

interface Plan {
  forecast: Forecast;
  version: number;
  /** From here on the passing of time alone may change it. */
  validUntilMs: number;
}

/**
 * Slurm's `sched/backfill` without its period: of the jobs at the front of the queue, the first that cannot start get reservations, and the
 * others start where no reservation is in their way. What was found out is kept while nodes, attempts and the front stay as they are: time
 * alone makes no room, so that a job that came since is all there is to try.
 */
export class Backfill {
  readonly #ledger: Ledger;
  readonly #policy: Policy;
  #plan: Plan | null = null;

  constructor(ledger: Ledger, policy: Policy) {
    this.#ledger = ledger;
    this.#policy = policy;
  }

  /** One pass over the front, whose first job does not fit. Returns whether any job started: then another pass may start more. */
  run(nowMs: number, start: (job: JobRecord, placement: Placement) => void): boolean {
    const arrivals = this.#ledger.queue.takeArrivals();
    const isKept = this.#isKept(arrivals, nowMs);
    const plan = isKept && this.#plan !== null ? this.#plan : this.#createPlan(nowMs);
    this.#plan = plan;
    let hasStarted = false;
    for (const job of isKept ? arrivals : [...this.#ledger.queue.front()]) {
      const placement = plan.forecast.place(job, nowMs);
      if (placement === null) {
        this.#reserve(plan, job, nowMs);
        continue;
      }
      start(job, placement);
      plan.forecast.take(job, placement, nowMs);
      hasStarted = true;
    }
    return hasStarted;
  }

  #isKept(arrivals: readonly JobRecord[], nowMs: number): boolean {
    const plan = this.#plan;
    if (plan === null || plan.version !== this.#version() || nowMs >= plan.validUntilMs) return false;
    if (arrivals.length === 0) return true;
    const { reservations } = plan.forecast;
    const last = reservations.at(-1);
    if (last === undefined || reservations.length < this.#policy.bfMaxJobReserve) return false;
    return arrivals.every((job) => isAhead(last.job, job));
  }

  #createPlan(nowMs: number): Plan {
    // An attempt that is overdue (it is being ended, or was never reported to run) is expected to end now, whenever that is.
    const validUntilMs = this.#ledger.ends.sorted()[0]?.endMsMax ?? Infinity;
    return { forecast: new Forecast(this.#ledger, nowMs), version: this.#version(), validUntilMs };
  }

  #reserve(plan: Plan, job: JobRecord, nowMs: number): void {
    const { bfMaxJobReserve, bfWindowSeconds } = this.#policy;
    const { reservations } = plan.forecast;
    if (reservations.length >= bfMaxJobReserve) return;
    const windowMs = bfWindowSeconds * 1000;
    const startMsMax = reservations.length === 0 ? Infinity : nowMs + windowMs;
    const startMs = plan.forecast.reserve(job, startMsMax);
    if (startMs > startMsMax) plan.validUntilMs = Math.min(plan.validUntilMs, startMs - windowMs);
  }

  #version(): number {
    const { pool, ends, queue } = this.#ledger;
    return pool.version + ends.version + queue.departures;
  }
}

/**
 * When the job starts at the latest, if what runs ends no later than by its time limit and no job comes before it; null for a job without
 * reservation, and where no time limit bounds its wait.
 */
export function expectedStartMs(ledger: Ledger, policy: Policy, job: JobRecord, nowMs: number): number | null {
  const forecast = new Forecast(ledger, nowMs);
  for (const one of ledger.queue.front()) {
    const { length } = forecast.reservations;
    if (length >= policy.bfMaxJobReserve) return null;
    if (forecast.place(one, nowMs) !== null) {
      if (one === job) return null;
      continue;
    }
    const startMsMax = length === 0 ? Infinity : nowMs + policy.bfWindowSeconds * 1000;
    const startMs = forecast.reserve(one, startMsMax);
    if (one === job) return startMs <= startMsMax && startMs < Infinity ? startMs : null;
  }
  return null;
}
