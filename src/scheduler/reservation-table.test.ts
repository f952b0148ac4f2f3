import { describe, expect, it } from 'vitest';
import { NodeMask } from './node-mask.ts';
import { ReservationTable } from './reservation-table.ts';

const MINUTE = 60_000;

function mask(...indices: number[]): NodeMask {
  const made = new NodeMask(4);
  for (const index of indices) made.add(index);
  return made;
}

/** Of all four nodes those that nobody has reserved from then until then, and the next instant at which others are free. */
function free(table: ReservationTable, from: number, to: number) {
  const usable = mask(0, 1, 2, 3);
  const available = usable.copy();
  const laterMs = table.narrow(available, usable, from * MINUTE, to * MINUTE);
  return [[0, 1, 2, 3].filter((index) => available.has(index)), laterMs === null ? null : laterMs / MINUTE];
}

describe('the slots of reserved nodes', () => {
  it('tell what is free throughout, and when more is', () => {
    const table = new ReservationTable(4, 0, 1000 * MINUTE, MINUTE);
    table.reserve([0, 1], 5 * MINUTE, 8 * MINUTE);
    // It also looks at the first slot behind.
    expect(free(table, 0, 4)).toEqual([[0, 1, 2, 3], 8]);
    expect(free(table, 0, 5)).toEqual([[2, 3], 8]);
    expect(free(table, 5, 6)).toEqual([[2, 3], 8]);
    expect(free(table, 8, 90)).toEqual([[0, 1, 2, 3], null]);
    expect(table.isReserved([1, 2], 7 * MINUTE, 9 * MINUTE)).toBe(true);
    expect(table.isReserved([1, 2], 8 * MINUTE, 9 * MINUTE)).toBe(false);
  });

  it('are merged where two neighbours have become alike, one pair at a time', () => {
    const table = new ReservationTable(4, 0, 1000 * MINUTE, MINUTE);
    table.reserve([0], 5 * MINUTE, 6 * MINUTE);
    table.reserve([0], 6 * MINUTE, 7 * MINUTE);
    // One slot from 5 to 7: whoever looks from before it sees that more is free at its end, and no further.
    expect(free(table, 5, 5.5)).toEqual([[1, 2, 3], 7]);
    // What was merged is still counted: three cuts, and the one that a slot begins with.
    expect(table.size).toBe(4);
  });

  it('count the empty one that Slurm begins with', () => {
    const table = new ReservationTable(4, 0, 1000 * MINUTE, MINUTE);
    table.reserve([0], 0, 2 * MINUTE);
    expect(table.size).toBe(3);
    table.reserve([1], 0, 2 * MINUTE);
    expect(table.size).toBe(3);
  });
});
