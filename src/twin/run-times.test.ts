import { expect, it } from 'vitest';
import { RunTimes } from './run-times.ts';

const HOUR = 3_600_000;
const past = (user: string, partition: string, hours: readonly number[], limitHours = 10) =>
  hours.map((one) => ({ user, partition, limitMs: limitHours * HOUR, runMs: one * HOUR }));

const RUN_TIMES = new RunTimes([
  ...past('ada', 'train', [1, 2, 3, 4, 5]),
  ...past('eve', 'train', [9, 9, 9, 9, 9]),
  ...past('ada', 'debug', [10]),
]);

it('expects of a job the median share of the limit that its like used', () => {
  expect(RUN_TIMES.expected({ user: 'ada', partition: 'train', limitMs: 20 * HOUR }, 0)).toBe(6 * HOUR);
  expect(RUN_TIMES.expected({ user: 'eve', partition: 'train', limitMs: 10 * HOUR }, 0)).toBe(9 * HOUR);
  expect(RUN_TIMES.expected({ user: 'ada', partition: 'train', limitMs: 10 * HOUR }, 0, 0)).toBe(HOUR);
});

it('looks at those that ran longer than the job has run, among a wider circle where they are too few', () => {
  // Of ada's in train one ran longer than 4 h; of all of hers two; of all in train six.
  expect(RUN_TIMES.expected({ user: 'ada', partition: 'train', limitMs: 10 * HOUR }, 4 * HOUR)).toBe(9 * HOUR);
});

it('expects the limit where nothing is known, and a while more of a job without one', () => {
  const nobody = { user: 'new', partition: 'new', limitMs: 2 * HOUR };
  expect(new RunTimes([]).expected(nobody, HOUR)).toBe(2 * HOUR);
  expect(new RunTimes([]).expected(nobody, 3 * HOUR)).toBe(3 * HOUR + 1);
  expect(new RunTimes([]).expected({ ...nobody, limitMs: null }, HOUR)).toBe(2 * HOUR);
});
