import * as fc from 'fast-check';
import { expect, it } from 'vitest';
import { BitSet } from './bit-set.ts';

it('is a set of numbers walked in ascending order', () => {
  const step = fc.record({ isAdded: fc.boolean(), value: fc.oneof(fc.nat(70), fc.nat(3000)) });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 80 }), fc.nat(3100), (steps, from) => {
      const bits = new BitSet();
      const model = new Set<number>();
      for (const { isAdded, value } of steps) {
        if (isAdded) {
          bits.add(value);
          model.add(value);
        } else {
          bits.delete(value);
          model.delete(value);
        }
      }
      const walked: number[] = [];
      for (let value = bits.next(from); value >= 0; value = bits.next(value + 1)) walked.push(value);
      expect(walked).toEqual([...model].filter((value) => value >= from).sort((a, b) => a - b));
      expect(bits.size).toBe(model.size);
      expect(steps.every(({ value }) => bits.has(value) === model.has(value))).toBe(true);
    }),
  );
});
