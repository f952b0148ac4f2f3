import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { ProgressBoard } from '../../src/cli/sim/run-progress.ts';
import { simulate } from '../../src/cli/sim/simulate.ts';
import { compareOften, compareRecording, compareWorkload, kindOf, meanDifference, workloadOf } from './compare.ts';
import { replayMainPasses } from './main-passes.ts';
import { replayPasses } from './passes.ts';
import { folderOf, readRecordedRows, sacctDump } from './recording.ts';

const RECORDINGS = readdirSync(folderOf('.')).toSorted();
const ofCase = (pattern: RegExp) => RECORDINGS.filter((name) => pattern.test(name));
/** Of so few recordings chance does not even out. */
const EVEN_LEAST = 4;
const WORKLOADS = [...Map.groupBy(RECORDINGS, workloadOf)];
const KINDS = [...Map.groupBy(RECORDINGS, kindOf)].filter(([, names]) => names.length >= EVEN_LEAST);
const REPEATED = WORKLOADS.filter(([, names]) => names.length > 1);

const scratch = mkdtempSync(join(tmpdir(), 'orrery-recorded-'));
afterAll(() => rmSync(scratch, { recursive: true }));

/**
 * How far a single run may be off. The same workload does not wait alike in two runs of the real one either (the repeated recordings): where passes
 * come every second milliseconds decide whether a job ends before or after one, and a preempted job waits for two minutes besides.
 */
const TOLERANCES: readonly [RegExp, number][] = [
  [/^fifo-(?:\d|long)/, 0.03],
  [/^fifo-(?:bounds|counts|light|small|weights)/, 0.1],
  [/^dependencies/, 0.1],
  // The order of five associations decides who has reservations at all: a rank more or less is another history.
  [/^fairshare-bounds/, 0.25],
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
      expect(Math.min(...medians)).toBeLessThanOrEqual(/swift|fairshare-bounds/.test(name) ? 8 : 3);
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
  // Of clean passes: most of what differs else met nodes being cleaned up, of which the log does not tell.
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

describe('a pass of the main scheduler in the state that a recorded controller was in', () => {
  it.each(ofCase(/-(?:bounds|counts|weights)-/))(
    'starts the same jobs on the same nodes: %s',
    (name) => {
      const { passes, same, starts, differences } = replayMainPasses(name);
      expect(differences).toEqual([]);
      expect(same).toBe(passes);
      expect(starts).toBeGreaterThan(15);
    },
    60_000,
  );

  it('starts no more than sched_max_job_start says', () => {
    const { startsMax } = replayMainPasses('fifo-counts-73');
    expect(startsMax).toBe(2);
    const { same, passes } = replayMainPasses(without('fifo-counts-73', 'sched_max_job_start'));
    expect(same).toBeLessThan(passes);
  });
});

describe('a bound of the passes of a recorded controller', () => {
  it.each([
    ['fifo-bounds-72', 'bf_min_age_reserve'],
    ['fifo-counts-73', 'bf_max_job_part'],
    ['fairshare-bounds-74', 'bf_max_job_assoc'],
    ['fairshare-bounds-74', 'bf_min_prio_reserve'],
  ])(
    'binds, so that plans would differ without: %s, %s',
    (name, bound) => {
      const { plans, same } = replayPasses(without(name, bound));
      expect(same / plans).toBeLessThan(0.97);
    },
    60_000,
  );

  it.each(['sched_max_job_start', 'bf_max_job_start'])(
    'binds, so that jobs would wait less without: fifo-counts-73, %s',
    (bound) => {
      expect(compareRecording(without('fifo-counts-73', bound)).meanWaitDifference).toBeLessThan(-0.1);
    },
    60_000,
  );
});

/** A copy of a recording whose slurm.conf does not have one of the `SchedulerParameters`. */
function without(name: string, parameter: string): string {
  const folder = join(scratch, `${name}-without-${parameter}`);
  cpSync(folderOf(name), folder, { recursive: true });
  const conf = readFileSync(join(folder, 'slurm.conf'), 'utf8');
  const changed = conf.replace(new RegExp(`${parameter}=\\d+,?`), '');
  expect(changed).not.toBe(conf);
  writeFileSync(join(folder, 'slurm.conf'), changed);
  return folder;
}

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
