import { describe, expect, it } from 'vitest';
import { toJobRequest } from '../../contract/job-request.ts';
import { jobSpecSchema } from '../../contract/job.ts';
import type { JournalRecord } from '../../contract/journal.ts';
import type { AttemptFacts } from './job-folder.ts';
import { type JobFacts, type Look, PATIENCE_MS } from './finding.ts';
import { findOut } from './mirror.ts';
import { applyToJob, type MirrorJob, newMirrorJob } from './mirror-job.ts';
import type { SacctRun } from './sacct-text.ts';
import type { SlurmJob } from './slurm-job.ts';

const NOW = 1_000_000;
const SPEC = jobSpecSchema.parse({ command: ['true'], nodes: 2, maxRequeues: 1 });

function job(fields: Partial<MirrorJob> = {}): MirrorJob {
  const record = { submission: 1, base: 0, slurmJobId: 50, refusal: null, launchFailures: 0, isDue: false };
  return { ...newMirrorJob(toJobRequest(7, SPEC, 0), 0, 0), phase: 'submitted', record, ...fields };
}

/** One whose attempt runs on n1 and n2, as the mirror has it. */
function running(fields: Partial<MirrorJob> = {}, attempt = 1): MirrorJob {
  const placement = ['n1', 'n2'].map((nodeName) => ({
    nodeName,
    resources: { cpus: 1, memoryBytes: 1, gpus: 0 },
    gpuIndices: [],
  }));
  return job({ attempt, live: { attempt, placement, startMs: 500_000 }, ...fields });
}

function slurm(fields: Partial<SlurmJob> = {}): SlurmJob {
  return {
    slurmJobId: 50,
    arrayJobId: null,
    arrayTaskId: null,
    arrayTasks: '',
    name: 'x.orrery-0a1b2c3d-7-1',
    user: 'me',
    account: 'research',
    partition: 'main',
    qos: 'normal',
    state: 'PENDING',
    isCompleting: false,
    reason: 'Priority',
    restarts: 0,
    priority: 1000,
    nodeNames: [],
    nodeCount: 2,
    cpus: 2,
    memoryBytesPerNode: 512,
    gpuIndices: [],
    submitMs: 100_000,
    startMs: null,
    endMs: null,
    exitStatus: { code: 0, signal: 0 },
    dependency: '',
    excludedNodes: '',
    ...fields,
  };
}

const onNodes = (fields: Partial<SlurmJob>) =>
  slurm({ nodeNames: ['n1', 'n2'], startMs: 500_000, reason: 'None', ...fields });
const over = (state: string, code = 0, fields: Partial<SlurmJob> = {}) =>
  onNodes({ state, endMs: 900_000, exitStatus: { code, signal: 0 }, ...fields });

function left(fields: Partial<AttemptFacts> = {}): AttemptFacts {
  return { attempt: 1, slurmJobId: 50, claimedMs: 500_000, exit: null, failed: null, ...fields };
}

const exited = (status: number, fields: Partial<AttemptFacts> = {}) =>
  left({ exit: { status, endedMs: 899_000, isTold: false }, ...fields });

function run(state: string, fields: Partial<SacctRun> = {}): SacctRun {
  return {
    slurmJobId: 50,
    label: '50',
    name: 'x.orrery-0a1b2c3d-7-1',
    state,
    exitStatus: { code: 0, signal: 0 },
    submitMs: 100_000,
    startMs: 500_000,
    endMs: 900_000,
    nodeNames: ['n1', 'n2'],
    ...fields,
  };
}

function facts(fields: Partial<JobFacts> = {}): JobFacts {
  return { runs: null, attempts: [], downNodes: new Set(), isPreempting: false, isFreshController: false, ...fields };
}

const look = (fields: Partial<Look> = {}): Look => ({
  askedMs: NOW,
  nowMs: NOW,
  listed: [],
  facts: facts(),
  ...fields,
});

/** It ended after SIGTERM. */
const told = (status: number) => left({ exit: { status, endedMs: 899_000, isTold: true } });

/** `AttemptEnded FAILED 3`: events in short. */
function short(records: readonly JournalRecord[]): string[] {
  return records.map(({ event }) => {
    const { kind } = event;
    const parts = ['attempt', 'state', 'exitCode', 'requeues'].flatMap((key) =>
      key in event ? [String(Reflect.get(event, key))] : [],
    );
    return [kind, ...parts].join(' ');
  });
}

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

  it('takes starts and ends from Slurm, never from the future, and says what ended it', () => {
    const failed = { rank: 3, status: 9, nodeName: 'n2' };
    const [end] = findOut(
      running(),
      look({ listed: [over('FAILED', 9)], facts: facts({ attempts: [exited(9, { failed })] }) }),
    ).records;
    expect(end).toMatchObject({ event: { atMs: 900_000 }, message: 'rank 3 on n2 exited with status 9' });
    const late = findOut(
      running(),
      look({ listed: [over('COMPLETED', 0, { endMs: NOW + 5000 })], facts: facts({ attempts: [exited(0)] }) }),
    );
    expect(late.records[0]?.event.atMs).toBe(NOW);
  });

  it('takes the failure of a gang for that of a node of it that is down', () => {
    const attempts = [exited(1, { failed: { rank: 0, status: 1, nodeName: 'n1' } })];
    const listed = [over('FAILED', 1)];
    const lost = findOut(running(), look({ listed, facts: facts({ attempts, downNodes: new Set(['n2']) }) }));
    expect(short(lost.records)).toEqual(['AttemptEnded 1 NODE_FAIL 1', 'JobRequeued 1']);
    expect(lost).toMatchObject({ isSubmissionDue: true, records: [{ message: 'node n2 failed' }, {}] });
    const own = findOut(running(), look({ listed, facts: facts({ attempts, downNodes: new Set(['n1', 'n7']) }) }));
    expect(short(own.records)).toEqual(['AttemptEnded 1 FAILED 1', 'JobEnded FAILED 1']);
  });
});

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

  it('is not run again where it had ended, or where it failed by itself: what Slurm would start is cancelled', () => {
    for (const [status, state] of [
      [0, 'COMPLETED'],
      [3, 'FAILED'],
    ] as const) {
      const found = facts({ attempts: [exited(status)], runs: [run('NODE_FAIL'), run('PENDING')] });
      const finding = findOut(running(), look({ listed: [requeued], facts: found }));
      expect(short(finding.records)).toEqual([`AttemptEnded 1 ${state} ${status}`, `JobEnded ${state} ${status}`]);
      expect(finding.cancel).toEqual([50]);
    }
  });

  it('with an end that its ranks came to since a node was lost is submitted anew: a script would take it for ended', () => {
    const found = facts({ attempts: [exited(1)], downNodes: new Set(['n2']) });
    const finding = findOut(running(), look({ listed: [requeued], facts: found }));
    expect(short(finding.records)).toEqual(['AttemptEnded 1 NODE_FAIL 1', 'JobRequeued 1']);
    expect(finding).toMatchObject({ cancel: [50], isSubmissionDue: true });
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
    expect(finding.cancel).toEqual([50]);
  });

  it('more often than it may be has ended: what Slurm would start is cancelled', () => {
    const finding = findOut(
      running({ requeues: 1 }),
      look({ listed: [requeued], facts: facts({ downNodes: new Set(['n1']) }) }),
    );
    expect(short(finding.records)).toEqual(['AttemptEnded 1 NODE_FAIL 1', 'JobEnded NODE_FAIL 1']);
    expect(finding.cancel).toEqual([50]);
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
    expect(finding).toMatchObject({ cancel: [50], isSubmissionDue: true });
  });
});

describe('a job that squeue does not list', () => {
  const since = (ms: number) => ({ missingSinceMs: NOW - ms });

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
    ['is of a call that was not answered', job({ ...since(PATIENCE_MS.forgotten), phase: 'unknown' }), {}, [], false],
    ['is of a call that never got through', job({ ...since(PATIENCE_MS.unanswered), phase: 'unknown' }), {}, [], true],
    ['was lost before and its submission is due', job({ attempt: 1, ...since(0) }), { attempts: [left()] }, [], true],
  ])('%s', (_what, mirror, found, expected, isSubmissionDue) => {
    const finding = findOut(mirror, look({ facts: facts(found) }));
    expect(short(finding.records)).toEqual(expected);
    expect(finding.isSubmissionDue).toBe(isSubmissionDue);
  });
});

it('a job that was cancelled while it was on its way back to the queue has ended', () => {
  const finding = findOut(job({ phase: 'none', isCancelRequested: true }), look());
  expect(short(finding.records)).toEqual(['JobEnded CANCELLED 1']);
});

describe('several jobs of Slurm with the key of one', () => {
  it('cancels those that wait beside it', () => {
    const others = [slurm({ slurmJobId: 51 }), onNodes({ slurmJobId: 52, state: 'RUNNING' })];
    const finding = findOut(running(), look({ listed: [...others, onNodes({ state: 'RUNNING' })] }));
    expect(finding.slurm?.slurmJobId).toBe(50);
    expect(finding.cancel).toEqual([51]);
  });

  it('cancels one of an earlier submission that a slurmctld remembers in the place of the last, which is still missed', () => {
    const earlier = slurm({ slurmJobId: 21, name: 'x.orrery-0a1b2c3d-7-1' });
    const last = { submission: 2, base: 0, slurmJobId: 74, refusal: null, launchFailures: 1, isDue: false };
    const lost = job({ record: last, missingSinceMs: NOW - PATIENCE_MS.forgotten });
    expect(findOut(lost, look({ listed: [earlier] }))).toMatchObject({
      slurm: null,
      cancel: [21],
      isSubmissionDue: true,
    });
  });

  it('takes the one that runs where the answer of sbatch was lost', () => {
    const mirror = job({
      phase: 'unknown',
      record: { submission: 1, base: 0, slurmJobId: null, refusal: null, launchFailures: 0, isDue: false },
    });
    const finding = findOut(
      mirror,
      look({ listed: [slurm({ slurmJobId: 51 }), onNodes({ slurmJobId: 52, state: 'RUNNING' })] }),
    );
    expect(finding.slurm?.slurmJobId).toBe(52);
    expect(finding.cancel).toEqual([51]);
  });

  it('follows the one that claimed the attempt, and not the one that found it claimed', () => {
    const finding = findOut(
      job(),
      look({ listed: [over('FAILED', 73)], facts: facts({ attempts: [left({ slurmJobId: 49 })] }) }),
    );
    expect(finding).toMatchObject({ adopt: 49, records: [], isSubmissionDue: false });
  });
});

describe('a job that Slurm gave nodes and of which no task began', () => {
  it.each([
    [73, 'n1 began it twice'],
    [74, "the folder of Orrery's jobs is not there on n1: see --shared"],
    [75, "srun began no task on n1: see batch.log in the job's folder"],
  ])('by the status %i of its script', (status, message) => {
    const finding = findOut(job(), look({ listed: [over('FAILED', status)] }));
    expect(finding).toMatchObject({ launchFailure: message, records: [] });
    const seen = findOut(running(), look({ listed: [over('FAILED', status)] }));
    expect(short(seen.records)).toEqual(['LaunchFailed 1']);
    expect(seen.launchFailure).toBe(message);
  });

  it('and that was cancelled meanwhile has ended', () => {
    const listed = [over('FAILED', 75)];
    const unseen = findOut(job({ isCancelRequested: true }), look({ listed }));
    expect(short(unseen.records)).toEqual(['JobEnded CANCELLED 1']);
    expect(unseen.launchFailure).toBe(null);
    const seen = findOut(running({ isCancelRequested: true }), look({ listed }));
    expect(short(seen.records)).toEqual(['AttemptEnded 1 CANCELLED 1', 'JobEnded CANCELLED 1']);
  });

  it('was cancelled by a slurmctld that has just begun, and by nobody here: submitted again', () => {
    const listed = [slurm({ state: 'CANCELLED', endMs: 900_000 })];
    const found = facts({ isFreshController: true });
    expect(findOut(job(), look({ listed, facts: found }))).toMatchObject({
      records: [],
      launchFailure: 'Slurm cancelled it shortly after slurmctld had begun',
    });
    const asked = findOut(job({ isCancelRequested: true }), look({ listed, facts: found }));
    expect(short(asked.records)).toEqual(['JobEnded CANCELLED 1']);
  });

  it('has not completed, nor failed, because Slurm says so: its script has to', () => {
    for (const state of ['COMPLETED', 'FAILED']) {
      const early = look({ listed: [over(state, 0, { endMs: NOW - 1000 })] });
      expect(findOut(job(), early)).toMatchObject({ records: [], launchFailure: null });
      const launchFailure = `Slurm says ${state}, and its script has not begun on n1: is the folder of Orrery's jobs there (--shared)?`;
      expect(findOut(job(), look({ listed: [over(state)] }))).toMatchObject({ records: [], launchFailure });
    }
    const begun = findOut(running(), look({ listed: [over('COMPLETED')], facts: facts({ attempts: [left()] }) }));
    expect(short(begun.records)).toEqual(['AttemptEnded 1 NODE_FAIL 1', 'JobRequeued 1']);
    const killed = findOut(running(), look({ listed: [over('FAILED', 3)], facts: facts({ attempts: [told(143)] }) }));
    expect(short(killed.records)).toEqual(['AttemptEnded 1 NODE_FAIL 143', 'JobRequeued 1']);
  });

  it('is held by Slurm: taken back, to be submitted again', () => {
    const held = slurm({ reason: 'launch failed requeued held', restarts: 1, priority: 0 });
    expect(findOut(job(), look({ listed: [held], facts: null })).needsFacts).toBe(true);
    expect(findOut(job(), look({ listed: [held] }))).toMatchObject({
      cancel: [50],
      launchFailure: 'Slurm: launch failed requeued held',
    });
  });

  it('is held by a Slurm that has forgotten that it ran: its end counts, or it is lost', () => {
    const held = slurm({ reason: 'launch failed requeued held', restarts: 1, priority: 0 });
    const over = findOut(job(), look({ listed: [held], facts: facts({ attempts: [exited(0)] }) }));
    expect(short(over.records)).toEqual([
      'AttemptStarting 1',
      'AttemptStarted 1',
      'AttemptEnded 1 COMPLETED 0',
      'JobEnded COMPLETED 0',
    ]);
    const lost = findOut(job(), look({ listed: [held], facts: facts({ attempts: [left()] }) }));
    expect(short(lost.records)).toEqual([
      'AttemptStarting 1',
      'AttemptStarted 1',
      'AttemptEnded 1 NODE_FAIL 1',
      'JobRequeued 1',
    ]);
    expect(lost).toMatchObject({ cancel: [50], isSubmissionDue: true });
  });
});

describe('nodes that fail a job', () => {
  it('are those of the attempt that were down', () => {
    const mirror = running();
    applyToJob(
      mirror,
      { kind: 'AttemptEnded', atMs: 0, jobId: 7, attempt: 1, state: 'NODE_FAIL', exitCode: 1 },
      new Set(['n2', 'n9']),
    );
    expect(mirror.failedNodes).toEqual(['n2']);
    expect(mirror.live).toBeNull();
  });
});
