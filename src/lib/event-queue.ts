import { ZERO_COUNT, ZERO_MS } from './zero-ms.ts';

const ARITY = 4;
const FIRST_CAPACITY = 1024;

/**
 * Events by (time, order of insertion): a 4-ary heap in typed arrays, so that nothing is allocated for an event. What an event is, its owner
 * says with three small integers. The event last taken stands in the fields. Events that always come so long after they were put in need no
 * heap: they wait in line.
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
  #sequences = new Float64Array(FIRST_CAPACITY);
  #kinds = new Uint8Array(FIRST_CAPACITY);
  #subjects = new Int32Array(FIRST_CAPACITY);
  #stamps = new Int32Array(FIRST_CAPACITY);

  readonly #lines: readonly Line[];

  /** `lineCount`: for `pushInLine`. */
  constructor(lineCount = 0) {
    this.#lines = Array.from({ length: lineCount }, () => new Line());
    // Once here: columns that were set but once V8 takes for constants, and throws away all code that was compiled for them when they grow.
    this.#grow();
  }

  get size(): number {
    return this.#lines.reduce((sum, { size }) => sum + size, this.#size);
  }

  /** `kind`: 0 to 255; `subject` and `stamp`: signed 32-bit integers. */
  push(timeMs: number, kind: number, subject: number, stamp: number): void {
    if (this.#size === this.#times.length) this.#grow();
    this.#sequence += 1;
    this.#rise(this.#size, timeMs, this.#sequence, kind, subject, stamp);
    this.#size += 1;
    if (timeMs < this.nextMs) this.nextMs = timeMs;
  }

  /** The same for an event that is hardly ever earlier than the last one in this line. */
  pushInLine(lineNumber: number, timeMs: number, kind: number, subject: number, stamp: number): void {
    const line = this.#lines[lineNumber];
    if (line === undefined || timeMs < line.lastMs) return this.push(timeMs, kind, subject, stamp);
    this.#sequence += 1;
    line.push(timeMs, this.#sequence, kind, subject, stamp);
    if (timeMs < this.nextMs) this.nextMs = timeMs;
  }

  /** Takes the earliest event, of those at the same time the one put in first, into the fields. Throws where there is none. */
  take(): void {
    const line = this.#firstLine();
    if (line === null) this.#takeFromHeap();
    else line.takeInto(this);
    let nextMs = this.#size > 0 ? this.#times[0]! : Infinity;
    for (let number = 0; number < this.#lines.length; number++) {
      const lineMs = this.#lines[number]!.nextMs;
      if (lineMs < nextMs) nextMs = lineMs;
    }
    this.nextMs = nextMs;
  }

  /** The line whose turn it is; null where it is the heap's. */
  #firstLine(): Line | null {
    let first: Line | null = null;
    let firstMs = this.#size > 0 ? this.#times[0]! : Infinity;
    let sequence = this.#size > 0 ? this.#sequences[0]! : Infinity;
    for (let number = 0; number < this.#lines.length; number++) {
      const line = this.#lines[number]!;
      if (line.size === 0 || line.nextMs > firstMs || (line.nextMs === firstMs && line.nextSequence > sequence))
        continue;
      first = line;
      firstMs = line.nextMs;
      sequence = line.nextSequence;
    }
    return first;
  }

  #takeFromHeap(): void {
    if (this.#size === 0) throw new RangeError('the event queue is empty');
    this.timeMs = this.#times[0]!;
    this.kind = this.#kinds[0]!;
    this.subject = this.#subjects[0]!;
    this.stamp = this.#stamps[0]!;
    this.#size -= 1;
    if (this.#size > 0) this.#sinkLast();
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
    const sequences = new Float64Array(capacity);
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
}

/** First in, first out: a ring in typed arrays. */
class Line {
  size = 0;
  /** Of the first; Infinity where there is none. */
  nextMs = Infinity;
  nextSequence = ZERO_COUNT;
  /** Of the last that was put in. */
  lastMs = -Infinity;
  #first = 0;
  #times = new Float64Array(FIRST_CAPACITY);
  #sequences = new Float64Array(FIRST_CAPACITY);
  #kinds = new Uint8Array(FIRST_CAPACITY);
  #subjects = new Int32Array(FIRST_CAPACITY);
  #stamps = new Int32Array(FIRST_CAPACITY);

  push(timeMs: number, sequence: number, kind: number, subject: number, stamp: number): void {
    if (this.size === this.#times.length) this.#grow();
    const index = (this.#first + this.size) & (this.#times.length - 1);
    this.#times[index] = timeMs;
    this.#sequences[index] = sequence;
    this.#kinds[index] = kind;
    this.#subjects[index] = subject;
    this.#stamps[index] = stamp;
    this.lastMs = timeMs;
    this.size += 1;
    if (this.size === 1) this.#lookAtFirst();
  }

  takeInto(queue: EventQueue): void {
    const index = this.#first;
    queue.timeMs = this.#times[index]!;
    queue.kind = this.#kinds[index]!;
    queue.subject = this.#subjects[index]!;
    queue.stamp = this.#stamps[index]!;
    this.#first = (index + 1) & (this.#times.length - 1);
    this.size -= 1;
    this.#lookAtFirst();
  }

  #lookAtFirst(): void {
    this.nextMs = this.size === 0 ? Infinity : this.#times[this.#first]!;
    this.nextSequence = this.#sequences[this.#first]!;
  }

  /** It is full: what stands before the first goes behind the others. */
  #grow(): void {
    const unrolled = <T extends Float64Array | Uint8Array | Int32Array>(from: T, to: T): T => {
      to.set(from.subarray(this.#first));
      to.set(from.subarray(0, this.#first), from.length - this.#first);
      return to;
    };
    const capacity = 2 * this.#times.length;
    this.#times = unrolled(this.#times, new Float64Array(capacity));
    this.#sequences = unrolled(this.#sequences, new Float64Array(capacity));
    this.#kinds = unrolled(this.#kinds, new Uint8Array(capacity));
    this.#subjects = unrolled(this.#subjects, new Int32Array(capacity));
    this.#stamps = unrolled(this.#stamps, new Int32Array(capacity));
    this.#first = 0;
  }
}
