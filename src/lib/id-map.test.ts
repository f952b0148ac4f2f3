import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { IdMap } from './id-map.ts';

describe('values by id', () => {
  it('is what a Map is, whatever comes and goes', () => {
    const id = fc.oneof(fc.nat(600), fc.integer({ min: 2 ** 31 - 300, max: 2 ** 31 + 300 }), fc.maxSafeNat());
    const step = fc.record({ id, isPut: fc.boolean() });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 400 }), (steps) => {
        const ids = new IdMap<{ step: number }>();
        const plain = new Map<number, { step: number }>();
        for (const [index, { id: at, isPut }] of steps.entries()) {
          if (isPut) {
            const value = { step: index };
            ids.set(at, value);
            plain.set(at, value);
          } else {
            ids.delete(at);
            plain.delete(at);
          }
          expect(ids.get(at)).toBe(plain.get(at));
          expect(ids.size).toBe(plain.size);
        }
        for (const { id: at } of steps) {
          expect(ids.get(at)).toBe(plain.get(at));
          expect(ids.has(at)).toBe(plain.has(at));
        }
        expect(new Set(ids.values())).toEqual(new Set(plain.values()));
      }),
    );
  });

  it('knows no value of an id that was never given out', () => {
    const ids = new IdMap<object>();
    ids.set(0, {});
    expect([ids.get(-1), ids.get(1), ids.get(256)]).toEqual([undefined, undefined, undefined]);
  });
});
