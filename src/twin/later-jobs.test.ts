import { expect, it } from 'vitest';
import { laterJobs, spreadInSeconds } from './later-jobs.ts';
import { traceRow } from './trace-row.test-support.ts';
import type { TraceRow } from './trace-source.ts';

function row(job: string, submitMs: number, rest: Partial<TraceRow> = {}): TraceRow {
  return traceRow({ job, submitMs, actualStartMs: submitMs + 5000, gpusPerNode: 1, cpusPerNode: 1, ...rest });
}

it('goes on from a queue: what was in it learns how long it ran, what came later arrives, what was over before is left out', () => {
  const queue = [
    { ...row('2', -20_000, { runMs: 1, actualStartMs: null }), nodeNames: null, isHeld: false },
    { ...row('9', -1000, { runMs: 7 }), nodeNames: null, isHeld: false },
  ];
  const rows = [row('1', 0), row('2', 80_000), row('3', 100_000, { eligibleMs: 130_000 }), row('4', 100_000)];
  // The queue was looked at 100 s after the first submission of the rows.
  const later = laterJobs(queue, { rows, open: [] }, 1_000_000, 1_100_000);
  expect(later.queue.map(({ job, runMs, submitMs }) => [job, runMs, submitMs])).toEqual([
    ['2', 60_000, -20_000],
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

it('spreads those of one second over it, in their order', () => {
  const rows = [row('a', 1000), row('b', 1000), row('c', 1000), row('d', 1000), row('e', 2000)];
  expect(spreadInSeconds(rows).map(({ submitMs }) => submitMs)).toEqual([1125, 1375, 1625, 1875, 2500]);
});
