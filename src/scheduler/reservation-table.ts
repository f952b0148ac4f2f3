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

  /** The nodes belong to one job from then until then, for one step of the resolution at least. */
  reserve(nodeIndices: readonly number[], fromMs: number, toMs: number): void {
    const slots = this.#slots;
    const beginMs = Math.max(fromMs, slots[0]?.beginMs ?? fromMs);
    const endMs = Math.max(toMs, beginMs + this.#resolutionMs);
    this.#cut(beginMs);
    this.#cut(endMs);
    for (const slot of slots) {
      if (slot.beginMs < beginMs || slot.beginMs >= endMs) continue;
      for (const index of nodeIndices) slot.free.delete(index);
    }
  }

  #cut(atMs: number): void {
    const at = this.#slots.findIndex((slot) => slot.endMs > atMs);
    const slot = this.#slots[at];
    if (slot === undefined || slot.beginMs >= atMs) return;
    this.#slots.splice(at + 1, 0, { beginMs: atMs, endMs: slot.endMs, free: slot.free.copy() });
    slot.endMs = atMs;
  }
}
