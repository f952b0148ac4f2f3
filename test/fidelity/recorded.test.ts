import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { ProgressBoard } from '../../src/cli/sim/run-progress.ts';
import { simulate } from '../../src/cli/sim/simulate.ts';
import { compareRecording, CONTROLLER_AGES } from './compare.ts';
import { replayPasses } from './passes.ts';
import { folderOf, plainCsv, readRecordedRows } from './recording.ts';

const RECORDINGS = readdirSync(folderOf('.')).toSorted();
const ofCase = (pattern: RegExp) => RECORDINGS.filter((name) => pattern.test(name));

const scratch = mkdtempSync(join(tmpdir(), 'orrery-recorded-'));
afterAll(() => rmSync(scratch, { recursive: true }));

/**
 * What a real Slurm did with the same workload twice differs by this much where it backfills every second (fifo-swift-3, 3b and 3c: a quarter of the
 * mean wait): milliseconds decide whether a job ends before or after a pass, and everything behind it is another history. A tolerance below the
 * spread of the real one would test chance.
 */
const SWIFT_TOLERANCE = 0.25;
/**
 * A preempted job waits for two minutes before it may start again, four times the mean wait: what the mean comes to is the number of preemptions,
 * some thirty a run, and one more or less decides who meets whom from then on.
 */
const PREEMPTION_TOLERANCE = 0.45;

describe('the twin of a recorded Slurm', () => {
  it('has recordings of each kind to be held against', () => {
    for (const kind of [/^fifo-\d/, /^fifo-swift-\d/, /^dependencies/, /^preemption/, /^fairshare/]) {
      expect(ofCase(kind).length).toBeGreaterThan(0);
    }
  });

  it.each(ofCase(/^fifo-(?:\d|long)/))('waits as it did with FIFO and backfill every 30 s: %s', (name) => {
    const compared = compareRecording(name);
    expect(Math.abs(compared.meanWaitDifference)).toBeLessThan(0.03);
    expect(compared.medianStartDifferenceSeconds).toBeLessThanOrEqual(3);
    expect(compared.overAllocations).toBe(0);
  });

  it.each(ofCase(/^fifo-(?:light|small)/))('comes close with fewer jobs or nodes: %s', (name) => {
    // Fewer jobs: a single one that is backfilled a pass later weighs more.
    const compared = compareRecording(name);
    expect(Math.abs(compared.meanWaitDifference)).toBeLessThan(0.08);
    expect(compared.medianStartDifferenceSeconds).toBeLessThanOrEqual(3);
    expect(compared.overAllocations).toBe(0);
  });

  it.each(ofCase(/swift|dependencies|preemption|fairshare/))(
    'is within what chance does where passes come every second: %s',
    (name) => {
      const runs = CONTROLLER_AGES.map((controllerAgeSeconds) => compareRecording(name, { controllerAgeSeconds }));
      const mean = runs.reduce((sum, { meanWaitDifference }) => sum + meanWaitDifference, 0) / runs.length;
      expect(Math.abs(mean)).toBeLessThan(name.startsWith('preemption') ? PREEMPTION_TOLERANCE : SWIFT_TOLERANCE);
      expect(Math.min(...runs.map((run) => run.medianStartDifferenceSeconds))).toBeLessThanOrEqual(8);
      for (const { overAllocations } of runs) expect(overAllocations).toBe(0);
    },
    60_000,
  );
});

describe('a pass of backfill in the state that a recorded controller was in', () => {
  it.each(ofCase(/^(?:fifo-(?!swift)|dependencies)/))(
    'comes to the same starts on the same nodes: %s',
    (name) => {
      const { plans, same, differences } = replayPasses(name);
      expect(plans).toBeGreaterThan(100);
      expect(differences).toEqual([]);
      expect(same).toBe(plans);
    },
    60_000,
  );

  it.each(ofCase(/swift|fairshare/))(
    'does so but for passes that meet nodes still being cleaned up: %s',
    (name) => {
      const { plans, same } = replayPasses(name);
      expect(plans).toBeGreaterThan(1000);
      expect(same / plans).toBeGreaterThan(0.97);
    },
    120_000,
  );
});

describe('orrery sim --trace --slurm-conf', () => {
  it('starts the jobs of a recording as the comparison says', async () => {
    const [name = ''] = ofCase(/^fifo-\d/);
    const rows = readRecordedRows(readFileSync(join(folderOf(name), 'jobs.csv'), 'utf8'));
    const [trace, jobsOut] = [join(scratch, 'jobs.csv'), join(scratch, 'out.csv')];
    writeFileSync(trace, plainCsv(rows));
    await simulate({ fields: { trace, slurmConf: join(folderOf(name), 'slurm.conf') }, jobsOut }, new ProgressBoard());
    const lines = readFileSync(jobsOut, 'utf8').trim().split('\n').slice(1);
    const starts = lines.map((line) => line.split(',')).map(([job = '', , start = '']) => [job, Number(start)]);
    const expected = compareRecording(name).starts.map(({ job, twinSeconds }) => [job, twinSeconds]);
    expect(Object.fromEntries(starts)).toEqual(Object.fromEntries(expected));
  });
});
