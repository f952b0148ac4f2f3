import type { SchedulerEvent } from '../../scheduler/types.ts';
import type { Store } from '../../store/store.ts';

type XidSeen = Extract<SchedulerEvent, { kind: 'XidSeen' }>;

const DAY_MS = 86_400_000;

/** XID errors in the journal: each node, number and day once, also over restarts, however often and by whomever it is told. */
export class XidJournal {
  readonly #store: Store;
  readonly #recorded = new Set<string>();

  constructor(store: Store) {
    this.#store = store;
    for (const event of store.nodeHistory(Infinity)) if (event.kind === 'XidSeen') this.#recorded.add(keyOf(event));
  }

  /** Resolves once those that are new are on disk. Where the disk refuses it rejects, and they are still new. */
  async record(events: readonly XidSeen[]): Promise<void> {
    const fresh = new Map<string, XidSeen>();
    for (const event of events) if (!this.#recorded.has(keyOf(event))) fresh.set(keyOf(event), event);
    if (fresh.size === 0) return;
    // Before the disk has them, so that whoever is told the same meanwhile does not write it twice.
    for (const key of fresh.keys()) this.#recorded.add(key);
    try {
      await this.#store.append([...fresh.values()].map((event) => ({ event })));
    } catch (error) {
      for (const key of fresh.keys()) this.#recorded.delete(key);
      throw error;
    }
  }
}

/** The signal counts different errors and when each was seen last, by the day: more often would fill the journal for nothing. */
function keyOf({ nodeName, xid, atMs }: XidSeen): string {
  return `${nodeName} ${xid} ${Math.floor(atMs / DAY_MS)}`;
}
