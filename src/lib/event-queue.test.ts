import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { EventQueue } from './event-queue.ts';

interface Event {
  timeMs: number;
  subject: number;
}

/** By time, then by order of insertion: what the queue is held against. */
class SortedEvents {
  readonly #events: Event[] = [];

  push(event: Event): void {
    const index = this.#events.findIndex(({ timeMs }) => timeMs > event.timeMs);
    this.#events.splice(index < 0 ? this.#events.length : index, 0, event);
  }

  take(): Event | undefined {
    return this.#events.shift();
  }
}

describe('EventQueue', () => {
  it('gives events by time, and of those at one time first the one put in first, however they come and go', () => {
    const event = fc.record({ timeMs: fc.integer({ min: 0, max: 20 }), line: fc.integer({ min: -1, max: 2 }) });
    const step = fc.oneof(event, fc.constant('take' as const));
    fc.assert(
      fc.property(fc.array(step, { maxLength: 300 }), (steps) => {
        const queue = new EventQueue(2);
        const sorted = new SortedEvents();
        const took = () => {
          const expected = sorted.take();
          if (expected === undefined) return;
          expect(queue.nextMs).toBe(expected.timeMs);
          queue.take();
          expect([queue.timeMs, queue.subject]).toEqual([expected.timeMs, expected.subject]);
        };
        for (const [subject, each] of steps.entries()) {
          if (each === 'take') {
            took();
            continue;
          }
          const { timeMs, line } = each;
          if (line < 0) queue.push(timeMs, 0, subject, 0);
          else queue.pushInLine(line, timeMs, 0, subject, 0);
          sorted.push({ timeMs, subject });
        }
        while (queue.size > 0) took();
        expect(queue.nextMs).toBe(Infinity);
      }),
    );
  });

  it('keeps what an event says, past its first capacity and for times beyond 32 bits', () => {
    const queue = new EventQueue();
    const count = 5000;
    for (let index = 0; index < count; index++) {
      queue.push(2 ** 45 + (index % 7), index % 256, 1 - index, 2 ** 31 - 1 - index);
    }
    let previousMs = 0;
    const seen = new Set<number>();
    while (queue.size > 0) {
      queue.take();
      const index = 1 - queue.subject;
      expect(queue.timeMs).toBe(2 ** 45 + (index % 7));
      expect(queue.timeMs).toBeGreaterThanOrEqual(previousMs);
      expect(queue.kind).toBe(index % 256);
      expect(queue.stamp).toBe(2 ** 31 - 1 - index);
      previousMs = queue.timeMs;
      seen.add(index);
    }
    expect(seen.size).toBe(count);
  });

  it('keeps what events in line say, past its first capacity, wherever the line begins', () => {
    const queue = new EventQueue(1);
    let put = 0;
    let taken = 0;
    const take = () => {
      queue.take();
      expect([queue.timeMs, queue.kind, queue.subject, queue.stamp]).toEqual([
        2 ** 45 + taken,
        taken % 256,
        1 - taken,
        taken,
      ]);
      taken += 1;
    };
    while (put < 6000) {
      queue.pushInLine(0, 2 ** 45 + put, put % 256, 1 - put, put);
      put += 1;
      if (put % 3 === 0) take();
    }
    while (queue.size > 0) take();
    expect(taken).toBe(6000);
  });

  it('refuses to give an event it does not have', () => {
    expect(() => new EventQueue().take()).toThrow('the event queue is empty');
  });
});
