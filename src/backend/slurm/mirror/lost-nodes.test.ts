import { describe, expect, it } from 'vitest';
import type { AttemptFacts } from '../batch/job-folder.ts';
import { findOut } from './mirror.ts';
import type { MirrorJob } from './mirror-job.ts';
import { exited, facts, left, look, NOW, onNodes, over, run, running, short, told } from './mirror.test-support.ts';
import type { SlurmJob } from '../output/slurm-job.ts';

const LOST = ['AttemptEnded 1 NODE_FAIL 1', 'JobRequeued 1'];
/** What a script leaves whose gang failed with n2, of which srun heard nothing and Slurm neither. */
const gone = () => ({ ...told(1), lostNodes: ['n2'] });
const failed = (secondsAgo: number) => ({ rank: 1, status: 1, nodeName: 'n2', atMs: NOW - secondsAgo * 1000 });

/** With facts, after it was seen that they are asked for. */
function find(job: MirrorJob, slurm: SlurmJob, attempts: AttemptFacts[], silent: string[] = []) {
  const seen = { listed: [slurm], silentNodes: new Set(silent) };
  expect(findOut(job, look({ ...seen, facts: null })).needsFacts).toBe(true);
  return findOut(job, look({ ...seen, facts: facts({ attempts }) }));
}

describe('a gang that failed with a node that has gone', () => {
  const completing = (fields: Partial<SlurmJob> = {}) =>
    onNodes({
      state: 'COMPLETING',
      isCompleting: true,
      reason: 'NonZeroExitCode',
      endMs: NOW - 30_000,
      exitStatus: { code: 1, signal: 0 },
      ...fields,
    });

  it.each([
    ['22.05', completing()],
    ['24.11', completing({ state: 'FAILED' })],
  ])('is submitted again while Slurm %s waits for that node', (_version, slurm) => {
    const found = find(running(), slurm, [gone()]);
    expect(short(found.records)).toEqual(LOST);
    expect(found).toMatchObject({
      isSubmissionDue: true,
      cancel: [],
      records: [{ event: { lostNodes: ['n2'] }, message: 'node n2 failed' }, {}],
    });
  });

  it('is left to Slurm where that may put it back in the queue, or has only just ended', () => {
    for (const slurm of [
      completing({ reason: 'NodeDown' }),
      completing({ endMs: NOW - 1000 }),
      completing({ restarts: 1 }),
      completing({ nodeNames: ['n1'] }),
    ]) {
      const found = findOut(running(), look({ listed: [slurm], facts: null }));
      expect(found).toMatchObject({ needsFacts: false, records: [] });
    }
  });

  it('is waited for as long as nobody says that a node has gone', () => {
    for (const own of [exited(1), told(1), left()])
      expect(find(running(), completing(), [own])).toMatchObject({ records: [], isSubmissionDue: false });
  });

  it('is lost also where the node is back by the time that somebody looks', () => {
    expect(short(find(running(), over('FAILED', 1), [gone()]).records)).toEqual(LOST);
    const vanished = look({
      facts: facts({ attempts: [gone()], runs: [run('FAILED', { exitStatus: { code: 1, signal: 0 } })] }),
    });
    expect(short(findOut(running(), vanished).records)).toEqual(LOST);
    const unknown = findOut(running(), look({ facts: facts({ attempts: [gone()] }) }));
    expect(short(unknown.records)).toEqual(LOST);
    expect(unknown.records[0]).toMatchObject({ event: { lostNodes: ['n2'] }, message: 'node n2 failed' });
  });

  it('is not begun again for ever, nor where somebody cancelled it', () => {
    const last = find(running({ requeues: 1 }), completing(), [gone()]);
    expect(short(last.records)).toEqual(['AttemptEnded 1 NODE_FAIL 1', 'JobEnded NODE_FAIL 1']);
    const cancelled = find(running({ isCancelRequested: true }), completing(), [gone()]);
    expect(short(cancelled.records)).toEqual(['AttemptEnded 1 NODE_FAIL 1', 'JobEnded CANCELLED 1']);
  });
});

describe('a gang of which nodes do not answer', () => {
  const runs = onNodes({ state: 'RUNNING' });

  it.each(['n1', 'n2'])('is taken back and submitted again without %s once a rank has failed for long', (silent) => {
    const found = find(running(), runs, [left({ failed: failed(61) })], [silent]);
    expect(short(found.records)).toEqual(LOST);
    expect(found).toMatchObject({ isSubmissionDue: true, cancel: ['50'] });
    expect(found.records[0]).toMatchObject({ event: { lostNodes: [silent] }, message: `node ${silent} failed` });
  });

  it('runs on while nothing has failed, or only a moment ago, and where its script has ended', () => {
    for (const own of [left(), left({ failed: failed(59) }), told(1)])
      expect(find(running(), runs, [own], ['n1'])).toMatchObject({ records: [], cancel: [], isSubmissionDue: false });
  });

  it('is not looked into where its nodes answer, none of them does, or somebody cancels it', () => {
    const needs = (mirror: MirrorJob, silent: string[]) =>
      findOut(mirror, look({ listed: [runs], silentNodes: new Set(silent), facts: null })).needsFacts;
    expect(needs(running(), ['n1'])).toBe(true);
    expect(needs(running(), ['n7'])).toBe(false);
    expect(needs(running(), ['n1', 'n2'])).toBe(false);
    expect(needs(running({ isCancelRequested: true }), ['n1'])).toBe(false);
  });
});

describe('an attempt that SIGTERM ended without anybody asking for it', () => {
  const ended = (restarts: number, seconds: number) =>
    over('FAILED', 143, { restarts, startMs: 900_000 - seconds * 1000 });
  const told2 = { ...told(143), attempt: 2 };

  it('was hit by what was meant for the one before, where Slurm had only just begun it again', () => {
    const found = find(running({}, 2), ended(1, 5), [told2]);
    expect(short(found.records)).toEqual(['AttemptEnded 2 NODE_FAIL 143', 'JobRequeued 1']);
  });

  it('has failed where it is the first, or had run for a while, or ended with another status', () => {
    expect(short(find(running(), ended(0, 5), [told(143)]).records)).toContain('JobEnded FAILED 143');
    expect(short(find(running({}, 2), ended(1, 61), [told2]).records)).toContain('JobEnded FAILED 143');
    const own = { ...exited(143), attempt: 2 };
    expect(short(find(running({}, 2), ended(1, 5), [own]).records)).toContain('JobEnded FAILED 143');
  });
});

describe('tasks that Slurm killed without a word to their script', () => {
  const killed = left({ exit: { status: 137, endedMs: 899_000, isTold: true, isCalledOff: true } });
  const failedBy9 = over('FAILED', 0, { exitStatus: { code: 0, signal: 9 } });

  it('are lost, and run again', () => {
    const found = find(running(), failedBy9, [killed]);
    expect(short(found.records)).toEqual(['AttemptEnded 1 NODE_FAIL 137', 'JobRequeued 1']);
    expect(found).toMatchObject({
      isSubmissionDue: true,
      records: [{ message: expect.stringContaining('nobody') }, {}],
    });
  });

  it('have ended as Slurm says where it names who did it, or a time limit', () => {
    for (const state of ['CANCELLED', 'TIMEOUT'])
      expect(short(find(running(), over(state), [killed]).records)).toEqual([
        `AttemptEnded 1 ${state} 137`,
        `JobEnded ${state} 137`,
      ]);
  });

  it('are cancelled where a user asked for that', () => {
    const found = find(running({ isCancelRequested: true }), failedBy9, [killed]);
    expect(short(found.records)).toEqual(['AttemptEnded 1 NODE_FAIL 137', 'JobEnded CANCELLED 137']);
  });
});
