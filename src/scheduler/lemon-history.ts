/** Signals of Kokolis et al. (HPCA 2025, section 5.1) that follow lemon nodes best, under the paper's names. */
export const LEMON_SIGNALS = [
  /** Jobs that asked not to run on the node. */
  'excl_jobid_count',
  /** Different XID errors of its GPUs. */
  'xid_cnt',
  /** Repair tickets. */
  'tickets',
  /** Times it was taken out of service. */
  'out_count',
  /** Jobs on several nodes that ended because of this one. */
  'multi_node_node_fails',
  /** Jobs on this node alone that ended because of it. */
  'single_node_node_fails',
  /** Those, of all jobs that ran on this node alone and ended. */
  'single_node_node_failure_rate',
] as const;
export type LemonSignal = (typeof LEMON_SIGNALS)[number];

/** What is counted by the day. */
export type LemonCount = 'excluded' | 'tickets' | 'outs' | 'multiNodeFails' | 'singleNodeFails' | 'singleNodeEnds';

const COUNTS = {
  excluded: 0,
  tickets: 1,
  outs: 2,
  multiNodeFails: 3,
  singleNodeFails: 4,
  singleNodeEnds: 5,
} as const satisfies Record<LemonCount, number>;
const COUNT_KINDS = 6;
/** Of the signals that are a count and no more. */
const COUNT_OF = {
  excl_jobid_count: 'excluded',
  tickets: 'tickets',
  out_count: 'outs',
  multi_node_node_fails: 'multiNodeFails',
  single_node_node_fails: 'singleNodeFails',
} as const satisfies Partial<Record<LemonSignal, LemonCount>>;
/** One failure of two jobs says nothing of a node. */
const FAILS_FOR_RATE = 2;

/** What happened to one node in a window of days that moves on; memory in proportion to the window. Days are counted from any origin. */
export class LemonHistory {
  readonly #windowDays: number;
  readonly #byDay: Uint32Array;
  readonly #totals = new Float64Array(COUNT_KINDS);
  /** XID error -> day on which it was last seen. */
  readonly #xids = new Map<number, number>();
  #today: number;
  /** A verdict on it was given. */
  isFlagged = false;

  constructor(windowDays: number, today: number) {
    this.#windowDays = windowDays;
    this.#byDay = new Uint32Array(windowDays * COUNT_KINDS);
    this.#today = today;
  }

  count(kind: LemonCount, day: number): void {
    this.moveTo(day);
    if (!this.#isInWindow(day)) return;
    const index = this.#offset(day) + COUNTS[kind];
    this.#byDay[index] = (this.#byDay[index] ?? 0) + 1;
    this.#totals[COUNTS[kind]] = this.#total(kind) + 1;
  }

  seeXid(xid: number, day: number): void {
    this.moveTo(day);
    if (!this.#isInWindow(day)) return;
    this.#xids.set(xid, Math.max(day, this.#xids.get(xid) ?? day));
  }

  /** Drops what lies before the window that ends with this day. Going back changes nothing. */
  moveTo(day: number): void {
    if (day <= this.#today) return;
    const gone = Math.min(day - this.#today, this.#windowDays);
    for (let back = 0; back < gone; back++) {
      const offset = this.#offset(day - back);
      for (let kind = 0; kind < COUNT_KINDS; kind++) {
        this.#totals[kind] = (this.#totals[kind] ?? 0) - (this.#byDay[offset + kind] ?? 0);
        this.#byDay[offset + kind] = 0;
      }
    }
    this.#today = day;
    for (const [xid, seenDay] of this.#xids) if (!this.#isInWindow(seenDay)) this.#xids.delete(xid);
  }

  value(signal: LemonSignal): number {
    if (signal === 'xid_cnt') return this.#xids.size;
    if (signal !== 'single_node_node_failure_rate') return this.#total(COUNT_OF[signal]);
    const fails = this.#total('singleNodeFails');
    return fails < FAILS_FOR_RATE ? 0 : fails / this.#total('singleNodeEnds');
  }

  #total(kind: LemonCount): number {
    return this.#totals[COUNTS[kind]] ?? 0;
  }

  #isInWindow(day: number): boolean {
    return day > this.#today - this.#windowDays;
  }

  #offset(day: number): number {
    const place = day % this.#windowDays;
    return (place < 0 ? place + this.#windowDays : place) * COUNT_KINDS;
  }
}
