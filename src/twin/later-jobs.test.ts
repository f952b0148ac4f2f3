import { expect, it } from 'vitest';
import { laterJobs, spreadInSeconds } from './later-jobs.ts';
import { traceRow } from './trace-row.test-support.ts';
import type { TraceRow } from './trace-row.ts';

function row(job: string, submitMs: number, rest: Partial<TraceRow> = {}): TraceRow {
  return traceRow({ job, submitMs, actualStartMs: submitMs + 5000, gpusPerNode: 1, cpusPerNode: 1, ...rest });
}

it('goes on from a queue: what was in it learns how long it ran, what came later arrives, what was over before is left out', () => {
  const queue = [
    { ...row('2', -20_000, { runMs: 1, actualStartMs: null }), nodeNames: null, isHeld: false },
    { ...row('9', -1000, { runMs: 7 }), nodeNames: null, isHeld: false },
  ];
  const rows = [
    row('1', 0),
    row('2', 80_000, { runMs: 60_001 }),
    row('3', 100_000, { eligibleMs: 130_000 }),
    row('4', 100_000),
  ];
  // The queue was looked at 100 s after the first submission of the rows.
  const later = laterJobs(queue, { rows, open: [] }, 1_000_000, 1_100_000);
  expect(later.queue.map(({ job, runMs, submitMs }) => [job, runMs, submitMs])).toEqual([
    ['2', 60_001, -20_000],
    ['9', 7, -1000],
  ]);
  expect(
    later.arrivals.map(({ job, submitMs, eligibleMs, actualStartMs }) => [job, submitMs, eligibleMs, actualStartMs]),
  ).toEqual([
    ['3', 250, 30_000, 5000],
    ['4', 750, null, 5000],
  ]);
});

it('knows who cancelled a job that waited, and how long what runs still may be expected to run', () => {
  const ended = Array.from({ length: 10 }, (_, index) =>
    row(`old ${index}`, 0, { runMs: index < 5 ? 30_000 : 90_000, limitMs: 100_000 }),
  );
  const open = [
    row('1', 10_000, { limitMs: 100_000, actualStartMs: null, runMs: 0, cancelAfterMs: 150_000 }),
    row('2', 20_000, { limitMs: 100_000, actualStartMs: 30_000, runMs: 40_000 }),
    row('3', 120_000, { limitMs: 100_000, actualStartMs: null, runMs: 0, cancelAfterMs: 5000 }),
    row('4', 120_000, { limitMs: 100_000, actualStartMs: 125_000, runMs: 60_000 }),
    row('5', 130_000, { limitMs: 100_000, actualStartMs: null, runMs: 0 }),
  ];
  const waiting = { nodeNames: null, isHeld: false, actualStartMs: null, runMs: 1 };
  const queue = [
    { ...row('1', -90_000), ...waiting },
    { ...row('2', -80_000), ...waiting },
  ];
  const later = laterJobs(queue, { rows: ended, open }, 0, 100_000);
  expect(later.queue.map(({ job, runMs, cancelAfterMs }) => [job, runMs, cancelAfterMs])).toEqual([
    ['1', 90_000, 150_000],
    ['2', 90_000, undefined],
  ]);
  expect(later.arrivals.map(({ job, runMs, cancelAfterMs }) => [job, runMs, cancelAfterMs])).toEqual([
    ['3', 90_000, 5000],
    ['4', 90_000, undefined],
    ['5', 90_000, undefined],
  ]);
});

it('has a job cancelled when it was, though it ran then, and would have run on', () => {
  const ended = Array.from({ length: 10 }, (_, index) => row(`old ${index}`, 0, { runMs: 90_001, limitMs: 100_000 }));
  const cancelled = row('1', 120_000, {
    limitMs: 100_000,
    actualStartMs: 150_000,
    runMs: 40_000,
    outcome: 'CANCELLED',
    isCancelledByUser: true,
  });
  const { arrivals } = laterJobs([], { rows: [...ended, cancelled], open: [] }, 0, 100_000);
  expect(arrivals).toMatchObject([{ job: '1', outcome: 'COMPLETED', runMs: 90_001, cancelAfterMs: 70_000 }]);
});

const RUNS_SECONDS = [5, 20];

/** How long jobs run that are recorded to have run so many seconds, and one that ran at the beginning, on average and at most off. */
function runsOf(scale: number) {
  const rows = Array.from({ length: 400 }, (_, index) =>
    row(String(index), 100_000, { runMs: (RUNS_SECONDS[index % 2] ?? 0) * scale }),
  );
  const queued = rows.slice(0, 200).map((one) => ({ ...one, nodeNames: ['n1'], isHeld: false }));
  const { queue, arrivals } = laterJobs(queued, { rows, open: [] }, 0, 0);
  const offs = (jobs: readonly TraceRow[]) =>
    jobs.map(({ job, runMs }) => runMs - (RUNS_SECONDS[Number(job) % 2] ?? 0) * scale);
  return { running: offs(queue), arrivals: offs(arrivals) };
}

it('has jobs end anywhere in the second in which they ended, as long on average as is recorded', () => {
  const { running, arrivals } = runsOf(1000);
  const mean = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;
  expect([arrivals.length, running.length]).toEqual([200, 200]);
  expect(Math.abs(mean(arrivals))).toBeLessThan(20);
  expect(Math.max(...arrivals.map(Math.abs))).toBeLessThan(1000);
  // As many end in each fifth of a second.
  const fifths = [0, 1, 2, 3, 4].map((fifth) =>
    arrivals.filter((ms) => Math.floor(((ms + 1000) % 1000) / 200) === fifth),
  );
  for (const { length } of fifths) expect(Math.abs(length - 40)).toBeLessThan(6);
  // What ran at the beginning started, by the record, at the beginning of a second in which it started somewhere.
  expect(Math.abs(mean(running) - 500)).toBeLessThan(20);
});

it('leaves run times alone that are known to the millisecond', () => {
  const { running, arrivals } = runsOf(1001);
  expect(new Set(arrivals)).toEqual(new Set([0]));
  // Since when what runs at the beginning does is known to the second all the same.
  expect(new Set(running)).toEqual(new Set([500]));
});

it('spreads those of one second over it, in their order', () => {
  const rows = [row('a', 1000), row('b', 1000), row('c', 1000), row('d', 1000), row('e', 2000)];
  expect(spreadInSeconds(rows).map(({ submitMs }) => submitMs)).toEqual([1125, 1375, 1625, 1875, 2500]);
});
