import { expect, it } from 'vitest';
import type { NodeReservation } from '../scheduler/policy.ts';
import { RowReservations } from './row-reservations.ts';
import { traceRow } from './trace-row.test-support.ts';

const of = (name: string, rest: Partial<NodeReservation>): NodeReservation => {
  return { name, nodes: ['n1'], startMs: 0, endMs: 60_000, users: [], accounts: [], ...rest };
};
const reservations = new RowReservations({
  reservations: [of('course', { accounts: ['teaching'] }), of('lab', { users: ['ada'] }), of('repair', {})],
  accounts: [{ name: 'teaching' }, { name: 'first-year', parent: 'teaching' }],
});

it.each([
  ['course', 'bob', 'first-year', 0, 'course', null],
  ['lab', 'ada', 'vision', -5000, 'lab', null],
  ['course,lab', 'ada', 'vision', 0, 'lab', null],
  ['gone,lab', 'ada', 'vision', 0, 'lab', null],
  ['gone', 'ada', 'vision', 0, null, 'reservation gone: there is none of this name'],
  ['lab', 'bob', 'vision', 0, null, 'reservation lab is not for user bob of account vision'],
  ['repair', 'ada', 'vision', 0, null, 'reservation repair is not for user ada of account vision'],
  ['lab', 'ada', 'vision', 60_000, null, 'reservation lab is over'],
])('of %s a job of %s and %s, submitted at %s ms, runs in %s', (named, user, account, submitMs, expected, reason) => {
  const row = traceRow({ job: 'a', reservation: named, user, account, submitMs });
  expect([reservations.of(row), reservations.reasonAgainst(row)]).toEqual([expected, reason]);
});

it('is asked in vain of a job that names none', () => {
  const row = traceRow({ job: 'a', user: 'ada', account: 'teaching' });
  expect([reservations.of(row), reservations.reasonAgainst(row)]).toEqual([null, null]);
});
