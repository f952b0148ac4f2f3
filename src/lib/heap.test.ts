import * as fc from 'fast-check';
import { assert, expect, it } from 'vitest';
import { Heap } from './heap.ts';

interface Item {
  key: number;
  id: number;
  index: number;
}

const isBefore = (a: Item, b: Item) => (a.key === b.key ? a.id < b.id : a.key < b.key);

it('gives items in order, whichever left in between, and always knows where each is', () => {
  const step = fc.oneof(
    fc.record({ do: fc.constant('push' as const), key: fc.nat(9) }),
    fc.record({ do: fc.constant('pop' as const) }),
    fc.record({ do: fc.constant('remove' as const), pick: fc.nat(50) }),
  );
  fc.assert(
    fc.property(fc.array(step, { maxLength: 100 }), (steps) => {
      const heap = new Heap<Item>(isBefore, (item, index) => {
        item.index = index;
      });
      let model: Item[] = [];
      for (const [id, one] of steps.entries()) {
        model.sort((a, b) => (isBefore(a, b) ? -1 : 1));
        if (one.do === 'push') {
          const item = { key: one.key, id, index: -1 };
          heap.push(item);
          model.push(item);
        } else if (one.do === 'pop') {
          assert(heap.pop() === model.shift());
        } else if (model.length > 0) {
          const item = model[one.pick % model.length];
          assert(heap.removeAt(item?.index ?? -1) === item);
          assert(item?.index === -1);
          model = model.filter((other) => other !== item);
        }
        expect(heap.size).toBe(model.length);
        const byIndex = [...heap];
        expect(byIndex.every((item, index) => item.index === index)).toBe(true);
        expect(new Set(byIndex)).toEqual(new Set(model));
      }
    }),
  );
});

it('refuses an index it does not have', () => {
  const heap = new Heap<Item>(isBefore, () => {});
  expect(() => heap.removeAt(0)).toThrow(RangeError);
});

it('is in order again after all keys have changed', () => {
  fc.assert(
    fc.property(fc.array(fc.nat(9)), fc.array(fc.nat(9)), (before, after) => {
      const heap = new Heap<Item>(isBefore, (item, index) => {
        item.index = index;
      });
      const items = before.map((key, id): Item => ({ key, id, index: -1 }));
      for (const item of items) heap.push(item);
      for (const item of items) item.key = after[item.id] ?? item.key;
      heap.reorder();
      expect([...heap].every((item, index) => item.index === index)).toBe(true);
      const sorted = items.toSorted((a, b) => (isBefore(a, b) ? -1 : 1));
      expect(items.map(() => heap.pop())).toEqual(sorted);
    }),
  );
});
