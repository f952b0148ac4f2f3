import { describe, expect, it } from 'vitest';
import type { JobFacts } from './finding.ts';
import { findOut } from './mirror.ts';
import type { MirrorJob } from './mirror-job.ts';
import type { SlurmJob } from '../output/slurm-job.ts';
import { NOW, exited, facts, job, left, look, onNodes, over, running, short, slurm } from './mirror.test-support.ts';

describe('what a look at Slurm means for a job that is listed', () => {
  it.each<[string, MirrorJob, SlurmJob, Partial<JobFacts>, string[]]>([
    ['waits', job(), slurm(), {}, []],
    ['begins', job(), onNodes({ state: 'RUNNING' }), {}, ['AttemptStarting 1', 'AttemptStarted 1']],
    ['runs on', running(), onNodes({ state: 'RUNNING' }), {}, []],
    ['waits for its nodes to boot', job(), onNodes({ state: 'CONFIGURING' }), {}, []],
    ['is completing', running(), onNodes({ state: 'COMPLETING', isCompleting: true, restarts: 1 }), {}, []],
    [
      'completed',
      running(),
      over('COMPLETED'),
      { attempts: [exited(0)] },
      ['AttemptEnded 1 COMPLETED 0', 'JobEnded COMPLETED 0'],
    ],
    [
      'came and went between two looks',
      job(),
      over('FAILED', 3),
      { attempts: [exited(3)] },
      ['AttemptStarting 1', 'AttemptStarted 1', 'AttemptEnded 1 FAILED 3', 'JobEnded FAILED 3'],
    ],
    [
      'ran out of time',
      running(),
      over('TIMEOUT', 0),
      { attempts: [left()] },
      ['AttemptEnded 1 TIMEOUT 1', 'JobEnded TIMEOUT 1'],
    ],
    [
      'ran out of memory',
      running(),
      over('OUT_OF_MEMORY', 0),
      {},
      ['AttemptEnded 1 OUT_OF_MEMORY 1', 'JobEnded OUT_OF_MEMORY 1'],
    ],
    [
      'ran out of memory by the word of a node, though Slurm says no more than how its script ended',
      running(),
      over('FAILED', 137),
      { attempts: [exited(137, { memory: 'slurmstepd: error: Detected 1 oom_kill event in StepId=1.0.' })] },
      ['AttemptEnded 1 OUT_OF_MEMORY 137', 'JobEnded OUT_OF_MEMORY 137'],
    ],
    [
      'had a process killed for memory, and came to a good end',
      running(),
      over('OUT_OF_MEMORY', 0),
      { attempts: [exited(0, { memory: 'slurmstepd: error: Detected 1 oom_kill event in StepId=1.0.' })] },
      ['AttemptEnded 1 COMPLETED 0', 'JobEnded COMPLETED 0'],
    ],
    [
      'was cancelled while it ran',
      running(),
      over('CANCELLED'),
      {},
      ['AttemptEnded 1 CANCELLED 1', 'JobEnded CANCELLED 1'],
    ],
    [
      'was cancelled while it waited',
      job(),
      slurm({ state: 'CANCELLED', endMs: 900_000 }),
      {},
      ['JobEnded CANCELLED 1'],
    ],
    [
      'was preempted for good',
      running(),
      over('PREEMPTED'),
      {},
      ['AttemptEnded 1 PREEMPTED 1', 'JobEnded PREEMPTED 1'],
    ],
    ['was held by somebody', job(), slurm({ priority: 0, reason: 'JobHeldAdmin' }), {}, ['JobHeld']],
    ['was released by somebody', job({ isHeld: true }), slurm(), {}, ['JobReleased']],
    [
      'was released by somebody and began before the look',
      job({ isHeld: true }),
      onNodes({ state: 'RUNNING' }),
      {},
      ['JobReleased', 'AttemptStarting 1', 'AttemptStarted 1'],
    ],
    [
      'was held when it had begun',
      job({ isHeld: true }),
      onNodes({ state: 'RUNNING', priority: 0 }),
      {},
      ['AttemptStarting 1', 'AttemptStarted 1'],
    ],
    [
      'was released by somebody, and Slurm could not launch it: it is not held when it goes again',
      job({ isHeld: true }),
      over('FAILED', 75),
      {},
      ['JobReleased'],
    ],
    [
      'was held after an attempt whose end Slurm still lists: it is held when it goes again',
      job({ isHeld: true, attempt: 1 }),
      over('NODE_FAIL'),
      {},
      [],
    ],
    [
      'lost a node and Slurm does not requeue',
      running(),
      over('NODE_FAIL'),
      { attempts: [left()] },
      ['AttemptEnded 1 NODE_FAIL 1', 'JobRequeued 1'],
    ],
    [
      'lost a node once too often',
      running({ requeues: 1 }),
      over('NODE_FAIL'),
      { attempts: [left()] },
      ['AttemptEnded 1 NODE_FAIL 1', 'JobEnded NODE_FAIL 1'],
    ],
    [
      'says it has completed though Slurm says the node failed',
      running(),
      over('NODE_FAIL'),
      { attempts: [exited(0)] },
      ['AttemptEnded 1 COMPLETED 0', 'JobEnded COMPLETED 0'],
    ],
    [
      'says it has failed by itself, on its only node, though Slurm says the node failed',
      running(),
      over('NODE_FAIL', 0, { nodeNames: ['n1'] }),
      { attempts: [exited(3)], downNodes: new Set(['n1']) },
      ['AttemptEnded 1 FAILED 3', 'JobEnded FAILED 3'],
    ],
    [
      'says it has failed by itself, and may have for the loss of another node',
      running(),
      over('NODE_FAIL'),
      { attempts: [exited(3)] },
      ['AttemptEnded 1 NODE_FAIL 3', 'JobRequeued 1'],
    ],
  ])('%s', (_what, mirror, listed, found, expected) => {
    expect(short(findOut(mirror, look({ listed: [listed], facts: facts(found) })).records)).toEqual(expected);
  });

  it('asks for facts where squeue does not tell enough, and only there', () => {
    const needs = (mirror: MirrorJob, listed: SlurmJob[]) => findOut(mirror, look({ listed, facts: null })).needsFacts;
    expect(needs(job(), [slurm()])).toBe(false);
    expect(needs(running(), [onNodes({ state: 'RUNNING' })])).toBe(false);
    expect(needs(running(), [over('COMPLETED')])).toBe(true);
    expect(needs(running(), [slurm({ restarts: 1 })])).toBe(true);
    expect(needs(running(), [])).toBe(true);
  });

  it('takes no word on holds from a look that was asked for before the user held or released it', () => {
    const seen = (mirror: MirrorJob, row: SlurmJob, askedMs: number) =>
      short(findOut(mirror, look({ askedMs, listed: [row] })).records);
    const held = slurm({ priority: 0, reason: 'JobHeldUser' });
    expect(seen(job({ isHeld: true, holdToldMs: NOW }), slurm(), NOW - 1)).toEqual([]);
    expect(seen(job({ holdToldMs: NOW }), held, NOW - 1)).toEqual([]);
    expect(seen(job({ isHeld: true, holdToldMs: NOW }), slurm(), NOW + 1)).toEqual(['JobReleased']);
    expect(seen(job({ holdToldMs: NOW }), held, NOW + 1)).toEqual(['JobHeld']);
  });

  it('takes starts and ends from Slurm, never from the future, and says what ended it', () => {
    const failed = { rank: 3, status: 9, nodeName: 'n2', atMs: 899_000 };
    const [end] = findOut(
      running(),
      look({ listed: [over('FAILED', 9)], facts: facts({ attempts: [exited(9, { failed })] }) }),
    ).records;
    expect(end).toMatchObject({ event: { atMs: 900_000 }, message: 'rank 3 on n2 exited with status 9' });
    const ahead = { startMs: NOW + 4000, endMs: NOW + 5000 };
    const late = findOut(
      running(),
      look({ listed: [over('COMPLETED', 0, ahead)], facts: facts({ attempts: [exited(0)] }) }),
    );
    expect(late.records[0]?.event.atMs).toBe(NOW);
  });

  it('takes the failure of a gang for that of a node of it that is down', () => {
    const attempts = [exited(1, { failed: { rank: 0, status: 1, nodeName: 'n1', atMs: 899_000 } })];
    const listed = [over('FAILED', 1)];
    const lost = findOut(running(), look({ listed, facts: facts({ attempts, downNodes: new Set(['n2']) }) }));
    expect(short(lost.records)).toEqual(['AttemptEnded 1 NODE_FAIL 1', 'JobRequeued 1']);
    expect(lost).toMatchObject({ isSubmissionDue: true, records: [{ message: 'node n2 failed' }, {}] });
    const own = findOut(running(), look({ listed, facts: facts({ attempts, downNodes: new Set(['n1', 'n7']) }) }));
    expect(short(own.records)).toEqual(['AttemptEnded 1 FAILED 1', 'JobEnded FAILED 1']);
  });
});

it('of several partitions it is told in which the job runs, and once it is requeued all of them again', () => {
  const several = { request: { ...job().request, partition: 'main,spare' } };
  const begun = findOut(job(several), look({ listed: [onNodes({ state: 'RUNNING', partition: 'spare' })] }));
  expect(begun.records[0]?.event).toMatchObject({ kind: 'AttemptStarting', partition: 'spare' });
  const lost = findOut(
    running(several),
    look({ listed: [over('NODE_FAIL', 0, { partition: 'spare' })], facts: facts({ attempts: [left()] }) }),
  );
  expect(lost.records.map(({ event }) => event)).toContainEqual(
    expect.objectContaining({ kind: 'JobRequeued', partition: 'main,spare' }),
  );
  const [plain] = findOut(job(), look({ listed: [onNodes({ state: 'RUNNING' })] })).records;
  expect(plain?.event).not.toHaveProperty('partition');
});
