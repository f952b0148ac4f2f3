import { describe, expect, it } from 'vitest';
import { echoOf } from './echo.ts';
import type { SchedulerOptions } from './policy.ts';
import { createScheduler } from './scheduler.ts';
import type { Decision, JobRequest, Scheduler, SchedulerEvent } from './types.ts';

const GIB = 1024 ** 3;
const resources = { cpus: 4, memoryBytes: 8 * GIB, gpus: 4 };

function job(jobId: number, fields: Partial<JobRequest> = {}): JobRequest {
  return {
    jobId,
    submitMs: jobId,
    priority: 0,
    nodes: 1,
    perNode: { cpus: 1, memoryBytes: GIB, gpus: 0 },
    gpuType: null,
    exclusive: true,
    timeLimitMs: null,
    excludedNodes: [],
    maxRequeues: 0,
    dependencies: [],
    isHeld: false,
    ...fields,
  };
}

/** A scheduler with so many nodes, and everything it was told and decided. */
class Bench {
  readonly scheduler: Scheduler;
  readonly journal: SchedulerEvent[] = [];

  constructor(options: SchedulerOptions, nodeCount: number) {
    this.scheduler = createScheduler(options);
    for (let index = 1; index <= nodeCount; index++) {
      this.tell({ kind: 'NodeAdded', atMs: 0, node: { name: `n${index}`, resources, gpuType: null, leaf: null } });
    }
  }

  tell(...events: SchedulerEvent[]): void {
    for (const event of events) {
      this.journal.push(event);
      this.scheduler.apply(event);
    }
  }

  submit(...jobs: JobRequest[]): void {
    for (const request of jobs) this.tell({ kind: 'JobSubmitted', atMs: request.submitMs, job: request });
  }

  decide(nowMs: number): string[] {
    const decisions: Decision[] = [];
    for (;;) {
      const cycle = this.scheduler.decide(nowMs);
      for (const decision of cycle.decisions) this.tell(echoOf(decision, nowMs));
      decisions.push(...cycle.decisions);
      if (cycle.wakeAtMs === null || cycle.wakeAtMs > nowMs) break;
    }
    return decisions.map((decision) =>
      decision.kind === 'StartAttempt'
        ? `start ${decision.jobId} on ${decision.placement.map(({ nodeName }) => nodeName).join(',')}`
        : `${decision.kind} ${decision.jobId}`,
    );
  }

  ended(jobId: number, atMs: number): void {
    this.tell({ kind: 'AttemptEnded', atMs, jobId, attempt: 1, state: 'COMPLETED', exitCode: 0 });
  }
}

describe('a reservation that is made while jobs wait', () => {
  const course = { name: 'course', nodes: ['n1'], startMs: 100, endMs: 1000, users: ['ann'], accounts: [] };

  it.each(['easy', 'conservative'] as const)(
    'keeps its nodes for its jobs until it is deleted (%s)',
    (backfillType) => {
      const bench = new Bench({ backfillType }, 1);
      bench.tell({ kind: 'ReservationCreated', atMs: 1, reservation: course });
      bench.submit(job(1), job(2, { user: 'ann', reservation: 'course' }));
      expect(bench.decide(10)).toEqual([]);
      expect(bench.scheduler.job(2)?.reason).toBe('Reservation');
      expect(bench.scheduler.jobsIn('course')).toEqual([2]);
      expect(bench.decide(100)).toEqual(['start 2 on n1']);
      bench.ended(2, 200);
      expect(bench.decide(200)).toEqual(['EndJob 2']);
      expect(bench.scheduler.explain(1, 200).join(' ')).toContain('Reservations keep it off n1');
      bench.tell({ kind: 'ReservationDeleted', atMs: 300, name: 'course' });
      expect(bench.decide(300)).toEqual(['start 1 on n1']);
      expect(bench.scheduler.reservations()).toEqual([]);
    },
  );

  it.each(['easy', 'conservative'] as const)(
    'wakes the scheduler when it begins, for its jobs alone (%s)',
    (backfillType) => {
      const bench = new Bench({ backfillType }, 1);
      bench.tell({ kind: 'ReservationCreated', atMs: 1, reservation: course });
      bench.submit(job(2, { user: 'ann', reservation: 'course' }));
      expect(bench.scheduler.decide(10)).toEqual({ decisions: [], wakeAtMs: 100 });
      expect(bench.decide(100)).toEqual(['start 2 on n1']);
    },
  );

  it('does not keep out a job whose partition ends it before', () => {
    const partitions = [{ name: 'batch', defaultTimeSeconds: 0.05 }];
    const bench = new Bench({ partitions }, 1);
    bench.tell({ kind: 'ReservationCreated', atMs: 1, reservation: course });
    bench.submit(job(1));
    expect(bench.decide(10)).toEqual(['start 1 on n1']);
  });

  it('is refused under a name that is taken, and so is the end of one that is not there', () => {
    const bench = new Bench({}, 1);
    bench.tell({ kind: 'ReservationCreated', atMs: 1, reservation: course });
    expect(() => bench.tell({ kind: 'ReservationCreated', atMs: 2, reservation: course })).toThrow(/one of that name/);
    expect(() => bench.tell({ kind: 'ReservationDeleted', atMs: 2, name: 'other' })).toThrow(/there is none/);
  });
});

describe('what became of a preempted job', () => {
  const options = (mode: 'requeue' | 'cancel'): SchedulerOptions => ({
    preempt: { type: 'qos', mode },
    qos: [{ name: 'normal' }, { name: 'high', preempts: ['normal'] }],
  });

  it('is its end where it is not to be requeued', () => {
    const bench = new Bench(options('requeue'), 1);
    bench.submit(job(1, { maxRequeues: 0 }));
    expect(bench.decide(1)).toEqual(['start 1 on n1']);
    bench.submit(job(2, { qos: 'high' }));
    expect(bench.decide(2)).toEqual(['EndAttempt 1']);
    bench.tell({ kind: 'AttemptEnded', atMs: 3, jobId: 1, attempt: 1, state: 'FAILED', exitCode: 143 });
    expect(bench.decide(3)).toContain('EndJob 1');
    expect(bench.scheduler.job(1)?.state).toBe('PREEMPTED');
  });

  it.each([
    ['requeue', 'cancel', 'Requeue 1'],
    ['cancel', 'requeue', 'EndJob 1'],
  ] as const)('under mode %s holds after a restart under mode %s', (before, after, decided) => {
    const bench = new Bench(options(before), 1);
    bench.submit(job(1, { maxRequeues: 1 }));
    expect(bench.decide(1)).toEqual(['start 1 on n1']);
    bench.submit(job(2, { qos: 'high' }));
    expect(bench.decide(2)).toEqual(['EndAttempt 1']);
    expect(bench.scheduler.explain(2, 2)).toEqual(['Job 2 gets n1, kept for it while job 1 is preempted there.']);
    bench.tell({ kind: 'AttemptEnded', atMs: 3, jobId: 1, attempt: 1, state: 'PREEMPTED', exitCode: 1 });
    expect(bench.decide(3)).toEqual([decided, 'start 2 on n1']);
    const restarted = createScheduler(options(after));
    for (const event of bench.journal) restarted.apply(event);
    expect([restarted.job(1)?.state, restarted.job(2)?.state]).toEqual([
      bench.scheduler.job(1)?.state,
      bench.scheduler.job(2)?.state,
    ]);
  });
});

it('a job behind the first that uses up their common limit unblocks those behind both', () => {
  const bench = new Bench({ qos: [{ name: 'small', group: { jobs: 1 } }] }, 2);
  bench.submit(job(1, { timeLimitMs: 1000 }));
  expect(bench.decide(1)).toEqual(['start 1 on n1']);
  // The first waits for both nodes; the second is short and of its QOS; the third would put the first off, and has its own node.
  bench.submit(job(2, { nodes: 2, qos: 'small' }), job(3, { qos: 'small', timeLimitMs: 10, exclusive: false }));
  bench.submit(job(4, { exclusive: false }));
  expect(bench.decide(4)).toEqual(['start 3 on n2', 'start 4 on n2']);
  expect(bench.scheduler.job(2)?.reason).toBe('QOSGrpJobsLimit');
});

describe('asking whether a job may be submitted', () => {
  it('leaves no trace: a user who was refused has no part in fair-share', () => {
    const bench = new Bench({ priority: { type: 'multifactor' }, qos: [{ name: 'normal', submitJobsPerUser: 2 }] }, 1);
    const asked = job(1, { user: 'ann', nodes: 2 });
    expect(bench.scheduler.admission(asked)).toMatchObject({ isAdmissible: false });
    expect(bench.scheduler.admission({ ...asked, nodes: 1 }, 0, 3)).toMatchObject({ isAdmissible: false });
    const arriving = [{ job: job(2, { user: 'ann' }), jobCount: 1 }];
    expect(bench.scheduler.admission({ ...asked, nodes: 1 }, 0, 1, arriving)).toEqual({ isAdmissible: true });
    expect(bench.scheduler.admission({ ...asked, nodes: 1 }, 0, 2, arriving)).toMatchObject({ isAdmissible: false });
    expect(bench.scheduler.shares()).toEqual([]);
    bench.submit(job(3, { user: 'ann' }));
    expect(bench.scheduler.shares()).toMatchObject([{ account: 'default', user: 'ann', share: 1 }]);
  });
});
