import { describe, expect, it } from 'vitest';
import { type JobFacts, PATIENCE_MS } from './finding.ts';
import { findOut } from './mirror.ts';
import { type MirrorJob, NO_SUBMISSION } from './mirror-job.ts';
import { NOW, exited, facts, job, left, look, run, running, short, slurm, told } from './mirror.test-support.ts';

const waitingTask = () => slurm({ slurmJobId: null, arrayJobId: 50, arrayTaskId: 3 });

describe('a job that squeue does not list', () => {
  const since = (ms: number) => ({ missingSinceMs: NOW - ms });

  it('is missed where all that waited of its array was cancelled, and it had begun: its script tells the end', () => {
    const cancelled = slurm({ slurmJobId: null, arrayJobId: 50, arrayTaskId: 3, state: 'CANCELLED' });
    const task = job({ ...since(0), record: { ...NO_SUBMISSION, submission: 1, arrayTask: '50_3' } });
    const end = (attempts: JobFacts['attempts']) =>
      short(findOut(task, look({ listed: [cancelled], facts: facts({ attempts }) })).records);
    expect(end([])).toEqual(['JobEnded CANCELLED 1']);
    expect(end([told(143)])).toContain('JobRequeued 1');
  });

  it('is not taken for cancelled where accounting says so of what a slurmctld has forgotten that began just now', () => {
    const forgotten = { runs: [run('CANCELLED', { nodeNames: [], startMs: null })], isFreshController: true };
    const byNobody = { runs: [run('CANCELLED', { cancelledBy: null })] };
    const waiting = job(since(PATIENCE_MS.forgotten));
    expect(findOut(waiting, look({ facts: facts(forgotten) }))).toMatchObject({ records: [], isSubmissionDue: true });
    const lost = running(since(PATIENCE_MS.lost));
    const begun = { ...byNobody, attempts: [left()], isFreshController: true };
    expect(short(findOut(lost, look({ facts: facts(begun) })).records)).toContain('AttemptEnded 1 NODE_FAIL 1');
    expect(findOut(waiting, look({ facts: facts(byNobody) }))).toMatchObject({ records: [], isSubmissionDue: true });
    const ended = { runs: [run('CANCELLED')], attempts: [told(143)], isFreshController: true };
    expect(short(findOut(running(since(0)), look({ facts: facts(ended) })).records)).toContain(
      'JobEnded CANCELLED 143',
    );
    const meant = { ...waiting, isCancelRequested: true };
    expect(short(findOut(meant, look({ facts: facts(forgotten) })).records)).toEqual(['JobEnded CANCELLED 1']);
  });

  it.each<[string, Partial<MirrorJob>, Partial<JobFacts>, string[]]>([
    ['is held', {}, {}, ['JobEnded CANCELLED 1']],
    ['is held, a moment ago', { ...since(PATIENCE_MS.forgotten - 1) }, {}, []],
    ['is held, and accounting is away', {}, { isAccountingAway: true }, []],
    ['is not held, so that it may have failed to begin', { isHeld: false }, {}, []],
    ['is held, and slurmctld began since', {}, { isSteadyController: false }, []],
    ['is held, and nobody knows whether Slurm took it', { phase: 'unknown', ...since(PATIENCE_MS.unanswered) }, {}, []],
  ])('was cancelled there and is forgotten since where it %s', (_what, fields, found, expected) => {
    const held = job({ ...since(PATIENCE_MS.forgotten), isHeld: true, ...fields });
    const finding = findOut(held, look({ facts: facts({ isSteadyController: true, ...found }) }));
    expect(short(finding.records)).toEqual(expected);
  });

  it.each<[string, Partial<MirrorJob>, Partial<JobFacts>, string[]]>([
    ['by accounting it did not begin', {}, { runs: [] }, ['JobEnded CANCELLED 1']],
    ['there is no accounting, and it waited a moment ago', { slurm: waitingTask() }, {}, ['JobEnded CANCELLED 1']],
    ['there is no accounting', {}, {}, []],
    ['it has a number of its own', { slurm: slurm({ slurmJobId: 60 }) }, {}, []],
    ['it was told to begin', {}, { runs: [], attempts: [left()] }, []],
    ['it failed', {}, { runs: [run('TIMEOUT', { nodeNames: [] })] }, ['JobEnded TIMEOUT 1']],
  ])('is left out of its array, which Slurm has: %s', (_what, fields, found, expected) => {
    const task = job({ ...since(0), record: { ...NO_SUBMISSION, submission: 1, arrayTask: '50_3' }, ...fields });
    const finding = findOut(task, look({ isLeftOut: true, facts: facts(found) }));
    expect(short(finding.records)).toEqual(expected);
    expect(finding.isSubmissionDue).toBe(false);
  });

  it('has the end of its own attempt, and not once more that of the one before', () => {
    const second = (ms: number) => running({ ...since(ms), requeues: 0 }, 2);
    const before = { attempts: [told(143)] };
    expect(findOut(second(0), look({ facts: facts(before) })).records).toEqual([]);
    const lost = findOut(second(PATIENCE_MS.lost), look({ facts: facts(before) }));
    expect(short(lost.records)).toEqual(['AttemptEnded 2 NODE_FAIL 1', 'JobRequeued 1']);
  });

  it('is not missed before sbatch had answered', () => {
    expect(findOut(job({ phaseSinceMs: NOW }), look()).needsFacts).toBe(false);
  });

  it.each<[string, MirrorJob, Partial<JobFacts>, string[], boolean]>([
    [
      'ended, by accounting',
      running(since(0)),
      { runs: [run('COMPLETED')], attempts: [exited(0)] },
      ['AttemptEnded 1 COMPLETED 0', 'JobEnded COMPLETED 0'],
      false,
    ],
    [
      'ended unseen, by accounting',
      job(since(0)),
      { runs: [run('TIMEOUT')] },
      ['AttemptStarting 1', 'AttemptStarted 1', 'AttemptEnded 1 TIMEOUT 1', 'JobEnded TIMEOUT 1'],
      false,
    ],
    [
      'ended, by its exit file',
      running(since(0)),
      { attempts: [exited(4)] },
      ['AttemptEnded 1 FAILED 4', 'JobEnded FAILED 4'],
      false,
    ],
    [
      'is running by an accounting that is behind',
      running(since(1000)),
      { runs: [run('RUNNING', { endMs: null })], attempts: [left()] },
      [],
      false,
    ],
    ['was claimed a moment ago', running(since(PATIENCE_MS.lost - 1)), { attempts: [left()] }, [], false],
    [
      'was claimed and is lost',
      running(since(PATIENCE_MS.lost)),
      { attempts: [left()] },
      ['AttemptEnded 1 NODE_FAIL 1', 'JobRequeued 1'],
      true,
    ],
    [
      'was claimed and is lost once too often',
      running({ ...since(PATIENCE_MS.lost), requeues: 1 }),
      { attempts: [left()] },
      ['AttemptEnded 1 NODE_FAIL 1', 'JobEnded NODE_FAIL 1'],
      false,
    ],
    ['was forgotten a moment ago', job(since(PATIENCE_MS.forgotten - 1)), {}, [], false],
    ['was forgotten and never claimed', job(since(PATIENCE_MS.forgotten)), {}, [], true],
    [
      'was forgotten and is to be cancelled',
      job({ ...since(PATIENCE_MS.forgotten), isCancelRequested: true }),
      {},
      ['JobEnded CANCELLED 1'],
      false,
    ],
    [
      'was told to end, and accounting, which knows why, is away',
      running(since(PATIENCE_MS.accounting - 1)),
      { attempts: [told(143)], isAccountingAway: true },
      [],
      false,
    ],
    [
      'was told to end, and accounting has been away for too long',
      running(since(PATIENCE_MS.accounting)),
      { attempts: [told(143)], isAccountingAway: true },
      ['AttemptEnded 1 NODE_FAIL 143', 'JobRequeued 1'],
      true,
    ],
    [
      'was told to end, of which accounting has not heard',
      running(since(PATIENCE_MS.behind - 1)),
      { attempts: [told(143)], runs: [run('RUNNING', { endMs: null })] },
      [],
      false,
    ],
    [
      'was told to end, of which accounting never hears',
      running(since(PATIENCE_MS.behind)),
      { attempts: [told(143)], runs: [run('RUNNING', { endMs: null })] },
      ['AttemptEnded 1 NODE_FAIL 143', 'JobRequeued 1'],
      true,
    ],
    ['was never claimed, and accounting is away', job(since(PATIENCE_MS.lost)), { isAccountingAway: true }, [], false],
    [
      'is to be cancelled, and accounting is away',
      job({ ...since(PATIENCE_MS.forgotten), isCancelRequested: true }),
      { isAccountingAway: true },
      ['JobEnded CANCELLED 1'],
      false,
    ],
    [
      'ended by itself, and accounting is away',
      running(since(0)),
      { attempts: [exited(0)], isAccountingAway: true },
      ['AttemptEnded 1 COMPLETED 0', 'JobEnded COMPLETED 0'],
      false,
    ],
    ['is of a call that was not answered', job({ ...since(PATIENCE_MS.forgotten), phase: 'unknown' }), {}, [], false],
    ['is of a call that never got through', job({ ...since(PATIENCE_MS.unanswered), phase: 'unknown' }), {}, [], true],
    [
      'was lost before and its submission is due',
      job({ attempt: 1, ...since(PATIENCE_MS.forgotten) }),
      { attempts: [left()] },
      [],
      true,
    ],
    [
      'was put back in the queue and is gone from there, and accounting, which knows why, is away',
      job({ attempt: 1, ...since(PATIENCE_MS.lost) }),
      { attempts: [told(143)], isAccountingAway: true },
      [],
      false,
    ],
    [
      'was put back in the queue and held, and is gone from a slurmctld that has forgotten nothing',
      job({ attempt: 1, isHeld: true, ...since(PATIENCE_MS.forgotten) }),
      { attempts: [told(143)], isSteadyController: true },
      ['JobEnded CANCELLED 1'],
      false,
    ],
  ])('%s', (_what, mirror, found, expected, isSubmissionDue) => {
    const finding = findOut(mirror, look({ facts: facts(found) }));
    expect(short(finding.records)).toEqual(expected);
    expect(finding.isSubmissionDue).toBe(isSubmissionDue);
  });
});
