import { describe, expect, it } from 'vitest';
import { NodeReservations, type ReservationUser } from './node-reservations.ts';
import type { NodeReservation } from './policy.ts';

const HOUR = 3_600_000;
const upgrade = { name: 'upgrade', nodes: ['n2', 'n3'], startMs: 10 * HOUR, endMs: 12 * HOUR, users: [], accounts: [] };
const course = {
  name: 'course',
  nodes: ['n0', 'n1', 'gone'],
  startMs: 2 * HOUR,
  endMs: 4 * HOUR,
  users: ['ann', 'bob'],
  accounts: ['teaching'],
};

function reservations(...list: NodeReservation[]): NodeReservations {
  const accounts = [{ name: 'teaching' }, { name: 'lab', parent: 'teaching' }, { name: 'vision' }];
  const result = new NodeReservations(list, accounts);
  result.setNodes(['n0', 'n1', 'n2', 'n3', 'n4']);
  return result;
}

function job(rest: Partial<ReservationUser> = {}): ReservationUser {
  return { user: 'ann', account: 'teaching', reservation: null, timeLimitMs: HOUR, ...rest };
}

/** Names of the barred nodes, joined. */
function barred(of: NodeReservations, who: ReservationUser, atHours: number): string {
  const set = of.barred(who, atHours * HOUR);
  return set === null ? '' : [...set].flatMap((value, index) => (value === 1 ? [`n${index}`] : [])).join(' ');
}

describe('a job that names no reservation', () => {
  const both = reservations(upgrade, course);

  it('stays off reserved nodes from when its time limit reaches into one until that is over', () => {
    const times = [0.9, 1, 1.1, 3.9, 4, 8.9, 9, 9.1, 11.9, 12];
    expect(times.map((at) => barred(both, job(), at))).toEqual([
      '',
      '',
      'n0 n1',
      'n0 n1',
      '',
      '',
      '',
      'n2 n3',
      'n2 n3',
      '',
    ]);
  });

  it('stays off them from the first where it has no time limit', () => {
    expect(barred(both, job({ timeLimitMs: null }), 0)).toBe('n0 n1 n2 n3');
    expect(barred(both, job({ timeLimitMs: null }), 12)).toBe('');
  });
});

describe('a job that names a reservation', () => {
  const both = reservations(upgrade, course);
  const inCourse = job({ reservation: 'course' });

  it('runs on its nodes, while it lasts', () => {
    expect([1.9, 2, 3.9, 4].map((at) => both.isOpen(inCourse, at * HOUR))).toEqual([false, true, true, false]);
    expect(barred(both, inCourse, 3)).toBe('n2 n3 n4');
    expect(barred(both, inCourse, 1)).toBe('n0 n1 n2 n3 n4');
  });

  it('stays off another one that has some of the same nodes', () => {
    const overlapping = reservations({ ...upgrade, nodes: ['n1'], startMs: 3 * HOUR }, course);
    expect(barred(overlapping, inCourse, 2)).toBe('n2 n3 n4');
    expect(barred(overlapping, inCourse, 2.5)).toBe('n1 n2 n3 n4');
  });

  it('must be of one of its users and of its accounts or one below', () => {
    const refusals = [
      job({ reservation: 'course' }),
      job({ reservation: 'course', account: 'lab' }),
      job({ reservation: 'course', account: 'vision' }),
      job({ reservation: 'course', user: 'eve' }),
      job({ reservation: 'upgrade' }),
      job({ reservation: 'nothing' }),
    ].map((who) => both.admission(who, 0));
    expect(refusals).toEqual([
      null,
      null,
      'reservation course is not for user ann of account vision',
      'reservation course is not for user eve of account teaching',
      'reservation upgrade is not for user ann of account teaching',
      'no reservation nothing: known are upgrade, course',
    ]);
    expect(both.admission(inCourse, 4 * HOUR)).toBe('reservation course is over');
    expect(both.isOpen(job({ reservation: 'course', user: 'eve' }), 3 * HOUR)).toBe(false);
  });
});

it('tells the next instant at which a reservation starts or ends', () => {
  const both = reservations(upgrade, course);
  expect([0, 2, 4, 10, 12].map((at) => both.nextChangeMs(at * HOUR) / HOUR)).toEqual([2, 4, 10, 12, Infinity]);
});

it('bars nothing where there are none, follows the nodes of the cluster, and wants an end after the start', () => {
  expect(reservations().isEmpty).toBe(true);
  expect(reservations().barred(job(), 0)).toBeNull();
  const both = reservations(upgrade, course);
  expect(barred(both, job(), 3)).toBe('n0 n1');
  both.setNodes(['gone', 'n5', 'n0']);
  expect(barred(both, job(), 3)).toBe('n0 n2');
  expect(() => reservations({ ...upgrade, endMs: upgrade.startMs })).toThrow('expected an end after its start');
});
