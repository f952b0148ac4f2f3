import {
  hasBudgets,
  isPastUseHeeded,
  NOTHING_USED,
  type PastAttempt,
  type PastUse,
  pastUse,
  pastUseSinceMs,
} from '../scheduler/past-use.ts';
import type { Policy } from '../scheduler/policy.ts';
import type { CarriedMinutes } from '../scheduler/types.ts';
import type { JournalEntry } from '../store/journal-table.ts';
import type { Store } from '../store/store.ts';
import { EndedNews } from './ended-news.ts';

/**
 * What attempts of ended jobs used, for whoever asks again and again: the store is read through once (a second for 100,000 of them), and then for
 * those that have ended since. `follow` has to be told what is committed.
 */
export class UsedBefore {
  readonly #store: Store;
  readonly #policy: Policy;
  /** Null until somebody asks. */
  #known: { atMs: number; use: PastUse } | null = null;
  /** Jobs that have ended and are not in it. */
  readonly #news = new EndedNews();

  constructor(store: Store, policy: Policy) {
    this.#store = store;
    this.#policy = policy;
  }

  /** With what faded until then taken off; nothing where the policy does not care. */
  at(nowMs: number): PastUse {
    if (!isPastUseHeeded(this.#policy)) return NOTHING_USED;
    const ended = this.#news.take();
    const attempts =
      this.#known === null
        ? this.#store.pastAttempts(pastUseSinceMs(this.#policy, nowMs))
        : ended.flatMap((jobId) => attemptsOf(jobId, this.#store));
    const use = pastUse(this.#policy, attempts, nowMs, this.#known);
    this.#known = { atMs: nowMs, use };
    return use;
  }

  /** The same by kind of job, for limits on used minutes; nothing where there are none. */
  minutes(nowMs: number): readonly CarriedMinutes[] {
    return hasBudgets(this.#policy) ? this.at(nowMs).minutes : [];
  }

  /** What was committed just now. */
  follow(entries: readonly JournalEntry[]): void {
    if (this.#known === null) return;
    // What a job used that begins anew is in the sum, and should not be.
    const isWrong = this.#news.follow(entries).length > 0;
    if (!isWrong && !this.#news.isTooLong) return;
    this.#known = null;
    this.#news.take();
  }
}

function attemptsOf(jobId: number, store: Store): PastAttempt[] {
  const job = store.job(jobId);
  const stored = store.read(jobId);
  if (job === undefined || stored === undefined) return [];
  const { account, user, qos, partition, nodes } = job;
  const { perNode } = stored.request;
  return store
    .attempts(jobId)
    .flatMap(({ startMs, endMs }) =>
      endMs === null ? [] : [{ account, user, qos, partition, nodes, perNode, startMs, endMs }],
    );
}
