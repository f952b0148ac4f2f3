import { expect, it } from 'vitest';
import { unlikeTimes } from './unlike-times.ts';

it('is said of runs of other lengths, and of another warm-up', () => {
  expect(unlikeTimes({ days: 30, warmupDays: 0 }, { days: 30, warmupDays: 0 })).toBeNull();
  expect(unlikeTimes({ days: null, warmupDays: 0 }, { days: null, warmupDays: 0 })).toBeNull();
  expect(unlikeTimes({ days: 30, warmupDays: 0 }, { days: 1, warmupDays: 0 })).toBe(
    'It is measured over 1 day, the base over 30 days: sums such as energy, work lost and jobs that end differ for that alone.',
  );
  expect(unlikeTimes({ days: null, warmupDays: 0 }, { days: 30, warmupDays: 7 })).toMatch(
    /^It is measured over 30 days without the first 7, the base over the time to the end of its jobs: /,
  );
});
