import { isIntersectionWithin, NodeMask } from './node-mask.ts';

interface Slot {
  beginMs: number;
  endMs: number;
  /** Nodes that no reservation holds. */
  free: NodeMask;
}

/** Which nodes are promised to pending jobs and when, in the slots of time that Slurm's backfill cuts a pass into. */
export class ReservationTable {
  /** Ascending and without gaps. */
  readonly #slots: Slot[];
  readonly #resolutionMs: number;
  /** Slots as Slurm counts them: it never counts one less. */
  size = 1;
  #isBegun = false;

  constructor(nodeCount: number, beginMs: number, endMs: number, resolutionMs: number) {
    const free = new NodeMask(nodeCount);
    for (let index = 0; index < nodeCount; index++) free.add(index);
    this.#slots = [{ beginMs, endMs, free }];
    this.#resolutionMs = resolutionMs;
  }

  /**
   * Leaves of `available`, which is `usable` at first, what nobody has reserved from `fromMs` to `toMs`. Returns the first instant after
   * `fromMs` at which usable nodes become free that are missing here; null for none.
   */
  narrow(available: NodeMask, usable: NodeMask, fromMs: number, toMs: number): number | null {
    let laterMs: number | null = null;
    const slots = this.#slots;
    for (let at = 0; at < slots.length; at++) {
      const slot = slots[at];
      if (slot === undefined || slot.endMs <= fromMs) continue;
      const next = slots[at + 1];
      if (laterMs === null && next !== undefined && !isIntersectionWithin(usable, next.free, available, slot.free)) {
        laterMs = slot.endMs;
      }
      if (slot.beginMs > toMs) break;
      available.intersect(slot.free);
    }
    return laterMs;
  }

  /** Whether any of the nodes is reserved at any time between the two. */
  isReserved(nodeIndices: readonly number[], fromMs: number, toMs: number): boolean {
    return this.#slots.some(
      ({ beginMs, endMs, free }) => endMs > fromMs && beginMs < toMs && !free.hasAll(nodeIndices),
    );
  }

  /**
   * The nodes belong to one job from then until then, for one step of the resolution at least. Of neighbouring slots that have become alike two
   * are made one: no more, as in Slurm, and it matters, since `narrow` looks from one slot to the next only.
   */
  reserve(nodeIndices: readonly number[], fromMs: number, toMs: number): void {
    const slots = this.#slots;
    const tableMs = slots[0]?.beginMs ?? fromMs;
    const beginMs = Math.max(fromMs, tableMs);
    const endMs = Math.max(toMs, beginMs + this.#resolutionMs);
    if (beginMs === tableMs && !this.#isBegun) {
      // Slurm cuts an empty slot off the first one.
      this.#isBegun = true;
      this.size += 1;
    }
    const first = this.#cut(beginMs);
    if (first === null) return;
    const after = this.#cut(endMs);
    for (let at = first; at < (after ?? slots.length); at++) {
      for (const index of nodeIndices) slots[at]?.free.delete(index);
    }
    this.#mergeOne(Math.max(0, first - 2), after ?? slots.length - 1);
  }

  /** Of the slots from `first` to `last`. */
  #mergeOne(first: number, last: number): void {
    const slots = this.#slots;
    for (let at = first; at < last; at++) {
      const [slot, next] = [slots[at], slots[at + 1]];
      if (slot === undefined || next === undefined || !slot.free.equals(next.free)) continue;
      slot.endMs = next.endMs;
      slots.splice(at + 1, 1);
      return;
    }
  }

  /** Index of the slot that begins then; null where that is after all slots. */
  #cut(atMs: number): number | null {
    const at = this.#slots.findIndex((slot) => slot.endMs > atMs);
    const slot = this.#slots[at];
    if (slot === undefined) return null;
    if (slot.beginMs >= atMs) return at;
    this.#slots.splice(at + 1, 0, { beginMs: atMs, endMs: slot.endMs, free: slot.free.copy() });
    slot.endMs = atMs;
    this.size += 1;
    return at + 1;
  }
}
