import { describe, expect, it } from 'vitest';
import { type JobFacts, PATIENCE_MS } from './finding.ts';
import type { AttemptFacts } from '../batch/job-folder.ts';
import { findOut } from './mirror.ts';
import type { MirrorJob } from './mirror-job.ts';
import {
  exited,
  facts,
  job,
  left,
  look,
  NOW,
  onNodes,
  run,
  running,
  short,
  slurm,
  told,
} from './mirror.test-support.ts';

describe('a job that Slurm put back in the queue', () => {
  const requeued = slurm({ restarts: 1, reason: 'BeginTime' });

  it.each<[string, MirrorJob, Partial<JobFacts>, string[]]>([
    [
      'on request',
      running({ isRequeueRequested: true }),
      { runs: [run('REQUEUED'), run('PENDING')] },
      ['AttemptEnded 1 CANCELLED 143', 'JobRequeued 0'],
    ],
    [
      'since a node failed, by accounting',
      running(),
      { runs: [run('NODE_FAIL'), run('PENDING')] },
      ['AttemptEnded 1 NODE_FAIL 143', 'JobRequeued 1'],
    ],
    [
      'since a node failed, without accounting',
      running(),
      { downNodes: new Set(['n2']) },
      ['AttemptEnded 1 NODE_FAIL 143', 'JobRequeued 1'],
    ],
    [
      'for another job, by accounting',
      running(),
      { runs: [run('PREEMPTED'), run('PENDING')] },
      ['AttemptEnded 1 PREEMPTED 143', 'JobRequeued 0'],
    ],
    [
      'for another job, without accounting',
      running(),
      { isPreempting: true },
      ['AttemptEnded 1 PREEMPTED 143', 'JobRequeued 0'],
    ],
    [
      'as it was being cancelled',
      running({ isCancelRequested: true }),
      { downNodes: new Set(['n1']) },
      ['AttemptEnded 1 NODE_FAIL 143', 'JobEnded CANCELLED 143'],
    ],
  ])('%s', (_what, mirror, found, expected) => {
    const finding = findOut(mirror, look({ listed: [requeued], facts: facts({ attempts: [told(143)], ...found }) }));
    expect(short(finding.records)).toEqual(expected);
  });

  it('by the run of accounting that began in the same second, whatever its place among those that are left', () => {
    const began = running({}, 2);
    const live = began.live && { ...began.live, startMs: 500_900 };
    const again = slurm({ restarts: 2, reason: 'BeginTime' });
    const runs = [run('PREEMPTED')];
    const { records } = findOut({ ...began, live }, look({ listed: [again], facts: facts({ runs }) }));
    expect(short(records)).toEqual(['AttemptEnded 2 PREEMPTED 1', 'JobRequeued 0']);
  });

  it('waits for accounting, where that alone knows whether somebody asked for it', () => {
    const again = onNodes({ state: 'RUNNING', restarts: 1 });
    const found = (runs: JobFacts['runs'], fields: Partial<JobFacts> = {}, mirror = running(), listed = requeued) =>
      short(
        findOut(mirror, look({ listed: [listed], facts: facts({ attempts: [told(143)], runs, ...fields }) })).records,
      );
    for (const runs of [[], [run('RUNNING')], [run('PENDING', { startMs: null })]]) {
      expect(found(runs)).toEqual([]);
      expect(found(runs, {}, running(), again)).toEqual([]);
      expect(found(runs, { isPreempting: true })).toEqual([]);
    }
    expect(found(null, { isAccountingAway: true })).toEqual([]);
    const since = (ms: number) => running({ requeueSeenMs: NOW - ms });
    expect(found([], {}, since(PATIENCE_MS.behind - 1))).toEqual([]);
    expect(found([], {}, since(PATIENCE_MS.behind))).toEqual(['AttemptEnded 1 NODE_FAIL 143', 'JobRequeued 1']);
    expect(found([run('REQUEUED')], {}, since(5000))).toEqual(['AttemptEnded 1 CANCELLED 143', 'JobRequeued 0']);
  });

  it('does not wait for accounting where something else tells, or where nobody ever will', () => {
    const runs = [run('RUNNING')];
    const kinds = (mirror: MirrorJob, listed = requeued, fields: Partial<JobFacts> = {}) =>
      short(
        findOut(mirror, look({ listed: [listed], facts: facts({ attempts: [told(143)], runs, ...fields }) })).records,
      )[0];
    expect(kinds(running({ isRequeueRequested: true }))).toBe('AttemptEnded 1 CANCELLED 143');
    expect(kinds(running({ isHung: true }))).toBe('AttemptEnded 1 FAILED 143');
    expect(kinds(running(), requeued, { downNodes: new Set(['n2']) })).toBe('AttemptEnded 1 NODE_FAIL 143');
    expect(kinds(running(), requeued, { runs: null })).toBe('AttemptEnded 1 NODE_FAIL 143');
    // A slurmctld that lost its state counts no start.
    expect(kinds(running(), slurm({ restarts: 0 }))).toBe('AttemptEnded 1 NODE_FAIL 143');
    const over = onNodes({ state: 'FAILED', restarts: 1, startMs: 950_000, endMs: 960_000 });
    expect(kinds(running(), over)).toBe('AttemptEnded 1 NODE_FAIL 143');
  });

  it('is not run again where it had ended, or where it failed by itself: what Slurm would start is cancelled', () => {
    for (const [status, state] of [
      [0, 'COMPLETED'],
      [3, 'FAILED'],
    ] as const) {
      const found = facts({ attempts: [exited(status)], runs: [run('NODE_FAIL'), run('PENDING')] });
      const finding = findOut(running(), look({ listed: [requeued], facts: found }));
      expect(short(finding.records)).toEqual([`AttemptEnded 1 ${state} ${status}`, `JobEnded ${state} ${status}`]);
      expect(finding.cancel).toEqual(['50']);
    }
  });

  it('with an end that its ranks came to since a node was lost is submitted anew: a script would take it for ended', () => {
    const found = facts({ attempts: [exited(1)], downNodes: new Set(['n2']) });
    const finding = findOut(running(), look({ listed: [requeued], facts: found }));
    expect(short(finding.records)).toEqual(['AttemptEnded 1 NODE_FAIL 1', 'JobRequeued 1']);
    expect(finding).toMatchObject({ cancel: ['50'], isSubmissionDue: true });
  });

  it('that failed by itself has failed, though the first node, on which its script said so, is down since', () => {
    for (const listed of [requeued, slurm({ restarts: 0 })]) {
      const found = facts({ attempts: [exited(3)], downNodes: new Set(['n1']) });
      const finding = findOut(running(), look({ listed: [listed], facts: found }));
      expect(short(finding.records)).toEqual(['AttemptEnded 1 FAILED 3', 'JobEnded FAILED 3']);
      expect(finding.cancel).toEqual(['50']);
    }
  });

  it('keeps off a node that was back before anybody called it down', () => {
    const lostNodes = (attempt: AttemptFacts, downNode?: string) => {
      const downNodes = new Set(downNode === undefined ? [] : [downNode]);
      const found = facts({ attempts: [attempt], runs: [run('NODE_FAIL'), run('PENDING')], downNodes });
      return findOut(running(), look({ listed: [requeued], facts: found })).records[0]?.event;
    };
    // A script that left no word was killed: that was the first of its nodes, unless another is known to be down.
    expect(lostNodes(left())).toMatchObject({ state: 'NODE_FAIL', lostNodes: ['n1'] });
    expect(lostNodes(left(), 'n2')).not.toHaveProperty('lostNodes');
    expect(lostNodes(told(143))).not.toHaveProperty('lostNodes');
    expect(lostNodes({ ...told(1), lostNodes: ['n2'] })).toMatchObject({ state: 'NODE_FAIL', lostNodes: ['n2'] });
  });

  it('unseen, with an end before: the end counts', () => {
    const finding = findOut(
      job(),
      look({ listed: [onNodes({ state: 'RUNNING', restarts: 1 })], facts: facts({ attempts: [exited(0)] }) }),
    );
    expect(short(finding.records)).toEqual([
      'AttemptStarting 1',
      'AttemptStarted 1',
      'AttemptEnded 1 COMPLETED 0',
      'JobEnded COMPLETED 0',
    ]);
    expect(finding.cancel).toEqual(['50']);
  });

  it('more often than it may be has ended: what Slurm would start is cancelled', () => {
    const finding = findOut(
      running({ requeues: 1 }),
      look({ listed: [requeued], facts: facts({ downNodes: new Set(['n1']) }) }),
    );
    expect(short(finding.records)).toEqual(['AttemptEnded 1 NODE_FAIL 1', 'JobEnded NODE_FAIL 1']);
    expect(finding.cancel).toEqual(['50']);
  });

  it('runs again: the attempt after it has begun', () => {
    const listed = [onNodes({ state: 'RUNNING', restarts: 1, startMs: 950_000 })];
    const finding = findOut(
      running(),
      look({ listed, facts: facts({ downNodes: new Set(['n2']), attempts: [left()] }) }),
    );
    expect(short(finding.records)).toEqual([
      'AttemptEnded 1 NODE_FAIL 1',
      'JobRequeued 1',
      'AttemptStarting 2',
      'AttemptStarted 2',
    ]);
  });

  it('under the number of an attempt that had begun is submitted anew: a script of that number would do nothing', () => {
    const finding = findOut(
      running(),
      look({ listed: [slurm({ restarts: 0 })], facts: facts({ attempts: [left()], downNodes: new Set(['n1']) }) }),
    );
    expect(short(finding.records)).toEqual(['AttemptEnded 1 NODE_FAIL 1', 'JobRequeued 1']);
    expect(finding).toMatchObject({ cancel: ['50'], isSubmissionDue: true });
  });
});
