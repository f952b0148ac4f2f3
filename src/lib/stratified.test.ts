import { describe, expect, it } from 'vitest';
import { Random } from './random.ts';
import { Stratified } from './stratified.ts';

describe('Stratified', () => {
  it('has one number of each part in every row of as many, in another order each time', () => {
    const uniforms = new Stratified(new Random(2), 32);
    const orders = new Set<string>();
    for (let row = 0; row < 50; row++) {
      const parts = Array.from({ length: 32 }, () => Math.floor(uniforms.nextUniform() * 32));
      orders.add(parts.join(' '));
      expect(parts.toSorted((a, b) => a - b)).toEqual(Array.from({ length: 32 }, (_, index) => index));
    }
    expect(orders.size).toBe(50);
  });

  it('divides its parts where it is asked to, and still has one of each part in every row', () => {
    const uniforms = new Stratified(new Random(5), 8, 4);
    const cells: number[] = [];
    for (let row = 0; row < 4; row++) {
      const drawn = Array.from({ length: 8 }, () => uniforms.nextUniform());
      expect(drawn.map((uniform) => Math.floor(uniform * 8)).sort((a, b) => a - b)).toEqual([0, 1, 2, 3, 4, 5, 6, 7]);
      cells.push(...drawn.map((uniform) => Math.floor(uniform * 32)));
    }
    expect(cells.toSorted((a, b) => a - b)).toEqual(Array.from({ length: 32 }, (_, index) => index));
  });

  it('is uniform at each place of a row', () => {
    const uniforms = new Stratified(new Random(8), 4);
    const sums = [0, 0, 0, 0];
    for (let row = 0; row < 20_000; row++) {
      for (let place = 0; place < 4; place++) sums[place] = (sums[place] ?? 0) + uniforms.nextUniform();
    }
    // Four standard errors.
    for (const sum of sums) expect(Math.abs(sum / 20_000 - 0.5)).toBeLessThan(0.0082);
  });
});
