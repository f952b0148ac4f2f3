import { describe, expect, it } from 'vitest';
import { studentBound, studentWithin } from './student.ts';

describe('the Student distribution', () => {
  it('has the two-sided bounds of the printed tables', () => {
    // NIST/SEMATECH e-Handbook of Statistical Methods, 1.3.6.7.2, column 0.975.
    const table = [12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228];
    expect(table.map((_, index) => Number(studentBound(0.95, index + 1).toFixed(3)))).toEqual(table);
    expect(studentBound(0.95, 30)).toBeCloseTo(2.042, 3);
    expect(studentBound(0.99, 9)).toBeCloseTo(3.25, 3);
  });

  it('goes over into the normal distribution', () => {
    expect(studentBound(0.95, 10_000)).toBeCloseTo(1.96, 2);
    expect(studentBound(0.95, 10_001)).toBeCloseTo(1.96, 2);
  });

  it('holds nothing at 0 and all far out', () => {
    for (const degrees of [1, 2, 3, 8, 21]) {
      expect(studentWithin(0, degrees)).toBe(0);
      expect(studentWithin(1e9, degrees)).toBeCloseTo(1, 6);
    }
  });
});
