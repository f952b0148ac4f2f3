import { ZERO_MS } from './zero-ms.ts';

const ARITY = 4;
const FIRST_CAPACITY = 1024;
/** The sequence number is an unsigned 32-bit integer; where it would overflow, those in the queue are numbered anew. */
const SEQUENCE_MAX = 0xffff_ffff;

/**
 * Events by (time, order of insertion): a 4-ary heap in typed arrays, so that nothing is allocated for an event. What an event is, its owner
 * says with three small integers. The event last taken stands in the fields.
 */
export class EventQueue {
  /** Of the earliest event; Infinity where there is none. */
  nextMs = Infinity;
  /** Of the event last taken. */
  timeMs = ZERO_MS;
  kind = 0;
  subject = 0;
  stamp = 0;
  #size = 0;
  #sequence = 0;
  #times = new Float64Array(FIRST_CAPACITY);
  #sequences = new Uint32Array(FIRST_CAPACITY);
  #kinds = new Uint8Array(FIRST_CAPACITY);
  #subjects = new Int32Array(FIRST_CAPACITY);
  #stamps = new Int32Array(FIRST_CAPACITY);

  get size(): number {
    return this.#size;
  }

  /** `kind`: 0 to 255; `subject` and `stamp`: signed 32-bit integers. */
  push(timeMs: number, kind: number, subject: number, stamp: number): void {
    if (this.#size === this.#times.length) this.#grow();
    if (this.#sequence === SEQUENCE_MAX) this.#renumber();
    this.#sequence += 1;
    this.#rise(this.#size, timeMs, this.#sequence, kind, subject, stamp);
    this.#size += 1;
    if (timeMs < this.nextMs) this.nextMs = timeMs;
  }

  /** Takes the earliest event, of those at the same time the one put in first, into the fields. Throws where there is none. */
  take(): void {
    if (this.#size === 0) throw new RangeError('the event queue is empty');
    this.timeMs = this.#times[0]!;
    this.kind = this.#kinds[0]!;
    this.subject = this.#subjects[0]!;
    this.stamp = this.#stamps[0]!;
    this.#size -= 1;
    if (this.#size > 0) this.#sinkLast();
    this.nextMs = this.#size > 0 ? this.#times[0]! : Infinity;
  }

  #rise(from: number, timeMs: number, sequence: number, kind: number, subject: number, stamp: number): void {
    const times = this.#times;
    let index = from;
    while (index > 0) {
      const parent = (index - 1) >> 2;
      const parentMs = times[parent]!;
      if (parentMs < timeMs || (parentMs === timeMs && this.#sequences[parent]! < sequence)) break;
      this.#move(parent, index);
      index = parent;
    }
    this.#put(index, timeMs, sequence, kind, subject, stamp);
  }

  /** The last event takes the place of the first, and sinks from there. */
  #sinkLast(): void {
    const times = this.#times;
    const sequences = this.#sequences;
    const count = this.#size;
    const timeMs = times[count]!;
    const sequence = sequences[count]!;
    let index = 0;
    for (;;) {
      const first = index * ARITY + 1;
      if (first >= count) break;
      const end = Math.min(first + ARITY, count);
      let child = first;
      let childMs = times[first]!;
      for (let other = first + 1; other < end; other++) {
        const otherMs = times[other]!;
        if (otherMs < childMs || (otherMs === childMs && sequences[other]! < sequences[child]!)) {
          child = other;
          childMs = otherMs;
        }
      }
      if (timeMs < childMs || (timeMs === childMs && sequence < sequences[child]!)) break;
      this.#move(child, index);
      index = child;
    }
    this.#move(count, index);
  }

  #put(index: number, timeMs: number, sequence: number, kind: number, subject: number, stamp: number): void {
    this.#times[index] = timeMs;
    this.#sequences[index] = sequence;
    this.#kinds[index] = kind;
    this.#subjects[index] = subject;
    this.#stamps[index] = stamp;
  }

  #move(from: number, to: number): void {
    this.#times[to] = this.#times[from]!;
    this.#sequences[to] = this.#sequences[from]!;
    this.#kinds[to] = this.#kinds[from]!;
    this.#subjects[to] = this.#subjects[from]!;
    this.#stamps[to] = this.#stamps[from]!;
  }

  #grow(): void {
    const capacity = this.#times.length * 2;
    const times = new Float64Array(capacity);
    const sequences = new Uint32Array(capacity);
    const kinds = new Uint8Array(capacity);
    const subjects = new Int32Array(capacity);
    const stamps = new Int32Array(capacity);
    times.set(this.#times);
    sequences.set(this.#sequences);
    kinds.set(this.#kinds);
    subjects.set(this.#subjects);
    stamps.set(this.#stamps);
    this.#times = times;
    this.#sequences = sequences;
    this.#kinds = kinds;
    this.#subjects = subjects;
    this.#stamps = stamps;
  }

  /** The order stays: a heap stays one where every key is replaced by its rank. */
  #renumber(): void {
    const order = Array.from({ length: this.#size }, (_, index) => index);
    order.sort((a, b) => this.#sequences[a]! - this.#sequences[b]!);
    for (const [rank, index] of order.entries()) this.#sequences[index] = rank + 1;
    this.#sequence = this.#size;
  }
}
