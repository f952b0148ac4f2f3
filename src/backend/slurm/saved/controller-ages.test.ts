import { describe, expect, it } from 'vitest';
import { readSlurmSaved } from './read-saved.ts';

const file = (name: string, ...lines: string[]) => ({ name, text: lines.join('\n') });

interface Seen {
  /** Jobs run since so many seconds before a squeue at 12:00:00. */
  startedAgo?: readonly number[];
  /** One was submitted so many seconds before, and waits. */
  waitsSince?: number;
  /** Jobs ended so many seconds before, after two seconds each. */
  endedAgo?: readonly number[];
  /** So much later sdiag was asked, */
  sdiagLater?: number;
  /** which tells of a pass of backfill at this second of that minute. */
  last?: number;
  bootAgo?: number;
}

function agesOf({ startedAgo = [], waitsSince, endedAgo = [], sdiagLater = 0, last = -17, bootAgo }: Seen) {
  const civil = (seconds: number) => new Date(Date.UTC(2026, 10, 28, 12, 0, seconds)).toISOString().slice(0, 19);
  const sdiagDate = (seconds: number) => `Sat Nov 28 ${civil(seconds).slice(11)} 2026`;
  // The controller's epoch is not that of its local time.
  const epoch = (seconds: number) => 1_795_800_000 + seconds;
  const boot = bootAgo === undefined ? [] : [`BOOT_TIME               = ${civil(-bootAgo)}`];
  return readSlurmSaved({
    node: file('node.txt', 'NodeName=h1 CPUTot=64 RealMemory=1000 State=IDLE'),
    config: file(
      'config.txt',
      `Configuration data as of ${civil(0)}`,
      ...boot,
      'SchedulerType = sched/backfill',
      'SchedulerParameters = batch_sched_delay=3',
      'PriorityType = priority/multifactor',
      'PriorityCalcPeriod = 00:05:00',
    ),
    squeue: file(
      'squeue.txt',
      'JOBID|STATE|NODES|NODELIST|SUBMIT_TIME|START_TIME|TIME|',
      ...startedAgo.map(
        (ago, index) =>
          `${index + 1}|RUNNING|1|h1|${civil(-ago - 1)}|${civil(-ago)}|0:${String(ago).padStart(2, '0')}|`,
      ),
      ...(waitsSince === undefined ? [] : [`99|PENDING|1||${civil(-waitsSince)}|N/A|0:00|`]),
    ),
    sacct: file(
      'sacct.txt',
      'JobID|State|Submit|Start|End|ElapsedRaw|NNodes',
      ...endedAgo.map((ago, index) => {
        const [submit, start, end] = [civil(-ago - 2), civil(-ago - 2), civil(-ago)];
        return `${index + 50}|COMPLETED|${submit}|${start}|${end}|2|1`;
      }),
    ),
    sdiag: file(
      'sdiag.txt',
      `sdiag output at ${sdiagDate(sdiagLater)} (${epoch(sdiagLater)})`,
      'Backfilling stats',
      `\tLast cycle when: ${sdiagDate(last)} (${epoch(last)})`,
    ),
  });
}

describe('how long ago backfill made its last pass', () => {
  const backfillAge = (seen: Seen) => agesOf(seen).backfillAgeSeconds;

  it('is counted from the queue on, not from the answer of sdiag', () => {
    expect(backfillAge({ waitsSince: 20 })).toBe(17);
    expect(backfillAge({ waitsSince: 20, sdiagLater: 2 })).toBe(17);
    // A pass between the two followed the one that the queue knew of by 30 s.
    expect(backfillAge({ waitsSince: 20, sdiagLater: 2, last: 1 })).toBe(29);
    expect(backfillAge({ waitsSince: 20, sdiagLater: 45, last: 44 })).toBeNull();
  });

  it('is not that of sdiag where changes led to passes with nobody in the queue, which it leaves out', () => {
    // Changed before 30 s were over.
    expect(backfillAge({ last: -50, endedAgo: [30] })).toBe(20);
    // A job began after that, 72 s ago, and ended 2 s later: passes 72 and 42 s ago, and one when the next job came.
    expect(backfillAge({ last: -120, endedAgo: [70, 41] })).toBe(12);
    expect(backfillAge({ last: -120, endedAgo: [70, 5] })).toBe(7);
    // Nothing changed since.
    expect(backfillAge({ last: -120, endedAgo: [125] })).toBe(120);
  });
});

describe('how long ago the main scheduler made its last pass', () => {
  const mainAge = (seen: Seen) => agesOf(seen).mainAgeSeconds;

  it('is known from the last starts where jobs wait, but not from one of backfill', () => {
    expect(mainAge({ startedAgo: [20, 17, 2], sdiagLater: 1, waitsSince: 30 })).toBe(2);
    // The next pass may be due and not have come yet.
    expect(mainAge({ startedAgo: [20, 17, 3], sdiagLater: 1, waitsSince: 30 })).toBe(3);
    expect(mainAge({ startedAgo: [20, 17], sdiagLater: 1, waitsSince: 30 })).toBe(2);
  });

  it('is known from the last change where nobody waits', () => {
    expect(mainAge({ startedAgo: [20, 11] })).toBe(11);
    expect(mainAge({ startedAgo: [20], endedAgo: [8] })).toBe(8);
    expect(mainAge({})).toBeNull();
  });

  it('is known from the start of the controller where it went through the whole queue', () => {
    expect(agesOf({ bootAgo: 75 }).fullAgeSeconds).toBeCloseTo(75 - 1.1 - 60.06, 2);
    expect(agesOf({ bootAgo: 30 }).fullAgeSeconds).toBeCloseTo(28.9, 2);
    expect(agesOf({}).fullAgeSeconds).toBeNull();
  });
});

it('knows from the start of the controller when factors were worked out, now and at the first submission of the past', () => {
  const { calcAgeSeconds, historyCalcAgeSeconds } = agesOf({ bootAgo: 401, endedAgo: [48] });
  expect([calcAgeSeconds, historyCalcAgeSeconds]).toEqual([100, 50]);
});
