import { describe, expect, it } from 'vitest';
import { parseReservations, reservationRefusal } from './reservation-text.ts';

/** Of Slurm 22.05.8. */
const TEXT = [
  'ReservationName=maint StartTime=1795737980 EndTime=1795741580 Duration=01:00:00 Nodes=s[3-4] NodeCnt=2 CoreCnt=16 Features=(null) PartitionName=(null) Flags=MAINT,IGNORE_JOBS,SPEC_NODES TRES=cpu=16 Users=root Groups=(null) Accounts=(null) Licenses=(null) State=ACTIVE BurstBuffer=(null) Watts=n/a MaxStartDelay=(null)',
  'ReservationName=acc StartTime=1795737980 EndTime=1827273980 Duration=365-00:00:00 Nodes=s2 NodeCnt=1 CoreCnt=16 Features=h100 PartitionName=(null) Flags=SPEC_NODES TRES=cpu=16 Users=(null) Groups=(null) Accounts=ml,-course Licenses=(null) State=ACTIVE BurstBuffer=(null) Watts=n/a MaxStartDelay=(null)',
  'ReservationName=lic StartTime=1795737980 EndTime=1795741580 Duration=01:00:00 Nodes=(null) NodeCnt=0 CoreCnt=0 Features=(null) PartitionName=(null) Flags=ANY_NODES TRES=(null) Users=-ann Groups=(null) Accounts=(null) Licenses=matlab:1 State=ACTIVE BurstBuffer=(null) Watts=n/a MaxStartDelay=(null)',
  'ReservationName=grp StartTime=1796170510 EndTime=1796174110 Duration=01:00:00 Nodes=s1 NodeCnt=1 CoreCnt=16 Features=(null) PartitionName=(null) Flags=SPEC_NODES TRES=cpu=16 Users=(null) Groups=staff Accounts=(null) Licenses=(null) State=INACTIVE BurstBuffer=(null) Watts=n/a MaxStartDelay=(null)',
  '',
].join('\n');

describe('reservations of Slurm', () => {
  it('are told with their nodes, times, people and what Slurm calls them', () => {
    expect(parseReservations(TEXT)).toEqual([
      {
        name: 'maint',
        nodes: ['s3', 's4'],
        startMs: 1795737980000,
        endMs: 1795741580000,
        users: ['root'],
        accounts: [],
        flags: ['MAINT', 'IGNORE_JOBS', 'SPEC_NODES'],
      },
      expect.objectContaining({ name: 'acc', users: [], accounts: ['ml', '-course'] }),
      expect.objectContaining({ name: 'lic', nodes: [], users: ['-ann'] }),
      expect.objectContaining({ name: 'grp', users: ['group:staff'] }),
    ]);
    expect(parseReservations('No reservations in the system\n')).toEqual([]);
  });

  it.each([
    ['maint', 'root', null],
    ['maint', 'ann', 'reservation: maint is for users root: ann may not run there'],
    ['lic', 'ann', 'reservation: lic is not for ann'],
    ['lic', 'bob', null],
    // Who is in a group, and which account is below another, is for Slurm to say.
    ['grp', 'ann', null],
    ['acc', 'ann', 'reservation: acc is not for account course'],
    ['acc', 'bob', null],
    ['nosuch', 'ann', 'reservation: no "nosuch": expected one of maint, acc, lic, grp'],
    ['grp,nosuch', 'ann', 'reservation: no "nosuch": expected one of maint, acc, lic, grp'],
  ])('%s, for %s: %s', (name, user, refusal) => {
    const account = user === 'ann' ? 'course' : null;
    expect(reservationRefusal(name, { user, account }, parseReservations(TEXT))).toBe(refusal);
  });

  it('may be none', () => {
    expect(reservationRefusal('x', { user: 'ann', account: null }, [])).toBe('reservation: no "x": there is none');
  });
});
