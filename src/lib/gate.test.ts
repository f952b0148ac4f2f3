import { describe, expect, it } from 'vitest';
import { Gate } from './gate.ts';

describe('a gate', () => {
  it('lets so many through at once, in the order in which they came, whatever becomes of them', async () => {
    const gate = new Gate(3);
    const order: number[] = [];
    let inside = 0;
    let insideMax = 0;
    const work = (index: number) => async () => {
      order.push(index);
      inside += 1;
      insideMax = Math.max(insideMax, inside);
      await Promise.resolve();
      inside -= 1;
      if (index % 4 === 0) throw new Error(`work ${index}`);
      return index;
    };
    const results = await Promise.allSettled(Array.from({ length: 20 }, (_, index) => gate.run(work(index))));
    expect(insideMax).toBe(3);
    expect(order).toEqual(Array.from({ length: 20 }, (_, index) => index));
    expect(results.filter(({ status }) => status === 'rejected')).toHaveLength(5);
    expect(await gate.run(work(21))).toBe(21);
  });
});
