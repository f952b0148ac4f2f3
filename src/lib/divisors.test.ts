import { describe, expect, it } from 'vitest';
import { divisorsOf } from './divisors.ts';

describe('divisorsOf', () => {
  it('lists each divisor once, ascending, as counting finds them', () => {
    for (let value = 1; value <= 400; value += 1) {
      const counted = Array.from({ length: value }, (_, index) => index + 1).filter((n) => value % n === 0);
      expect(divisorsOf(value)).toEqual(counted);
    }
  });
});
