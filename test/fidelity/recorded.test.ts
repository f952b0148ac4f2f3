import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { ProgressBoard } from '../../src/cli/sim/run-progress.ts';
import { simulate } from '../../src/cli/sim/simulate.ts';
import { compareOften, compareRecording, compareWorkload, kindOf, meanDifference, workloadOf } from './compare.ts';
import { replayPasses } from './passes.ts';
import { folderOf, readRecordedRows, sacctDump } from './recording.ts';

const RECORDINGS = readdirSync(folderOf('.')).toSorted();
const ofCase = (pattern: RegExp) => RECORDINGS.filter((name) => pattern.test(name));
const WORKLOADS = [...Map.groupBy(RECORDINGS, workloadOf)];
const KINDS = [...Map.groupBy(RECORDINGS, kindOf)].filter(([, names]) => names.length > 1);
const REPEATED = WORKLOADS.filter(([, names]) => names.length > 1);

const scratch = mkdtempSync(join(tmpdir(), 'orrery-recorded-'));
afterAll(() => rmSync(scratch, { recursive: true }));

/**
 * How far a single run may be off. The same workload does not wait alike in two runs of the real one either (the repeated recordings): where passes
 * come every second milliseconds decide whether a job ends before or after one, and a preempted job waits for two minutes besides.
 */
const TOLERANCES: readonly [RegExp, number][] = [
  [/^fifo-(?:\d|long)/, 0.03],
  [/^fifo-(?:bounds|light|small|weights)/, 0.1],
  [/^dependencies/, 0.1],
  [/^fairshare/, 0.12],
  [/^fifo-swift/, 0.25],
  [/^preemption/, 0.5],
];

/** How far the mean of the twin's runs may be from the mean of the real ones: some standard errors of this, and what the twin itself may be off. */
const STANDARD_ERRORS = 2;
const OWN_TOLERANCE = 0.03;

describe('the twin of a recorded Slurm', () => {
  it('has recordings of each kind to be held against', () => {
    for (const kind of [/^fifo-\d/, /^fifo-swift-\d/, /^dependencies/, /^preemption/, /^fairshare/]) {
      expect(ofCase(kind).length).toBeGreaterThan(0);
    }
    expect(REPEATED.length).toBeGreaterThan(3);
  });

  it.each(RECORDINGS)(
    'waits as it did, and never gives out more than there is: %s',
    (name) => {
      const tolerance = TOLERANCES.find(([pattern]) => pattern.test(name))?.[1] ?? 0;
      const runs = compareOften(name);
      const mean = runs.reduce((sum, { meanWaitDifference }) => sum + meanWaitDifference, 0) / runs.length;
      expect(Math.abs(mean)).toBeLessThan(tolerance);
      for (const { overAllocations } of runs) expect(overAllocations).toBe(0);
      const medians = runs.map(({ medianStartDifferenceSeconds }) => medianStartDifferenceSeconds);
      expect(Math.min(...medians)).toBeLessThanOrEqual(name.includes('swift') ? 8 : 3);
    },
    60_000,
  );

  it.each(KINDS)(
    'waits no longer and no less where chance evens out: %s',
    (kind, names) => {
      const difference = meanDifference(names).mean;
      expect(Math.abs(difference)).toBeLessThan(/swift|preemption/.test(kind) ? 0.06 : 0.03);
    },
    120_000,
  );

  it.each(REPEATED)(
    'waits on average as the real one does on average: %s',
    (_workload, names) => {
      const { meanWaitDifference, standardError } = compareWorkload(names);
      expect(Math.abs(meanWaitDifference)).toBeLessThan(OWN_TOLERANCE + STANDARD_ERRORS * standardError);
    },
    60_000,
  );
});

describe('a pass of backfill in the state that a recorded controller was in', () => {
  // Of passes that began a while after the last end of a job: most of what differs else met nodes being cleaned up, of which the log does not tell.
  it.each([
    ['first in, first out', /^fifo-(?!swift)/, 0.999],
    ['a pass every second', /^fifo-swift/, 0.99],
    ['dependencies', /^dependencies/, 0.999],
    ['fair-share', /^fairshare/, 0.99],
    ['preemption', /^preemption/, 0.998],
  ] as const)(
    'comes to the same starts on the same nodes: %s',
    (_case, pattern, least) => {
      const replayed = ofCase(pattern).map((name) => replayPasses(name));
      const plans = replayed.reduce((sum, { clean }) => sum + clean.plans, 0);
      const same = replayed.reduce((sum, { clean }) => sum + clean.same, 0);
      expect(plans).toBeGreaterThan(5000);
      expect(same / plans).toBeGreaterThan(least);
    },
    240_000,
  );
});

describe('orrery sim --trace --slurm-conf', () => {
  it('starts the jobs of a dump of accounting as the comparison says', async () => {
    const [name = ''] = ofCase(/^fifo-\d/);
    const rows = readRecordedRows(readFileSync(join(folderOf(name), 'jobs.csv'), 'utf8'));
    const [trace, jobsOut] = [join(scratch, 'sacct.txt'), join(scratch, 'out.csv')];
    writeFileSync(trace, sacctDump(rows));
    await simulate({ fields: { trace, slurmConf: join(folderOf(name), 'slurm.conf') }, jobsOut }, new ProgressBoard());
    const lines = readFileSync(jobsOut, 'utf8').trim().split('\n').slice(1);
    const starts = lines.map((line) => line.split(',')).map(([job = '', , start = '']) => [job, Number(start)]);
    const { starts: compared } = compareRecording(name, { inputs: 'records' });
    const expected = compared.map(({ job, twinSeconds }) => [job, twinSeconds]);
    expect(Object.fromEntries(starts)).toEqual(Object.fromEntries(expected));
  });
});
