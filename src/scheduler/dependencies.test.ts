import { beforeEach, describe, expect, it } from 'vitest';
import { createScheduler } from './scheduler.ts';
import type { Dependency, EndState, JobRequest, Scheduler } from './types.ts';

const MINUTE = 60_000;
let scheduler: Scheduler;
let nowMs = 0;

beforeEach(() => {
  nowMs = 0;
  scheduler = createScheduler();
  const resources = { cpus: 8, memoryBytes: 8, gpus: 0 };
  scheduler.apply({ kind: 'NodeAdded', atMs: 0, node: { name: 'n1', resources, gpuType: null, leaf: null } });
});

function submit(jobId: number, dependencies: Dependency[] = [], fields: Partial<JobRequest> = {}): void {
  const job: JobRequest = {
    jobId,
    submitMs: nowMs,
    priority: 0,
    nodes: 1,
    perNode: { cpus: 1, memoryBytes: 1, gpus: 0 },
    gpuType: null,
    exclusive: false,
    timeLimitMs: null,
    excludedNodes: [],
    maxRequeues: 3,
    dependencies,
    isHeld: false,
    ...fields,
  };
  scheduler.apply({ kind: 'JobSubmitted', atMs: nowMs, job });
  decide();
}

/** At that instant, and then as often as the scheduler asks for within it. */
function decide(atMs = nowMs): void {
  nowMs = atMs;
  for (let wakeAtMs: number | null = atMs; wakeAtMs !== null && wakeAtMs <= atMs; )
    ({ wakeAtMs } = scheduler.decide(atMs));
}

function end(jobId: number, state: EndState = 'COMPLETED'): void {
  const attempt = scheduler.job(jobId)?.attempt ?? 0;
  scheduler.apply({ kind: 'AttemptEnded', atMs: nowMs, jobId, attempt, state, exitCode: 0 });
  decide();
}

const after = (jobId: number, minutes = 0): Dependency =>
  minutes === 0 ? { condition: 'after', jobId } : { condition: 'after', jobId, delayMs: minutes * MINUTE };
const seen = (jobId: number) => {
  const { state, reason } = scheduler.job(jobId) ?? {};
  return state === 'PENDING' ? reason : state;
};

describe('after', () => {
  it('waits for a start, and says to the driver when the delay is over', () => {
    submit(1, [], { isHeld: true });
    submit(2, [after(1)]);
    submit(3, [after(1, 2)]);
    expect([seen(2), seen(3)]).toEqual(['Dependency', 'Dependency']);
    expect(scheduler.explain(3, nowMs)).toEqual([
      'after:1+2 waits for job 1 to start, and 00:02:00 more; it is pending.',
    ]);
    nowMs = 1000;
    scheduler.apply({ kind: 'JobReleased', atMs: nowMs, jobId: 1 });
    decide();
    expect(scheduler.decide(nowMs).wakeAtMs).toBe(1001);
    decide(1001);
    expect(seen(2)).toBe('RUNNING');
    expect(scheduler.decide(nowMs).wakeAtMs).toBe(1000 + 2 * MINUTE);
    expect(scheduler.explain(3, 61_000)).toEqual([
      'after:1+2 waits until 00:02:00 after the start of job 1, which has started: that is in 00:01:00.',
    ]);
    decide(999 + 2 * MINUTE);
    expect(seen(3)).toBe('Dependency');
    decide(1000 + 2 * MINUTE);
    expect(seen(3)).toBe('RUNNING');
  });

  it('counts from the start of the last attempt, and on where the job has ended', () => {
    submit(1);
    submit(2, [after(1, 2)]);
    decide(MINUTE);
    scheduler.apply({ kind: 'JobRequeueRequested', atMs: nowMs, jobId: 1 });
    decide();
    end(1, 'FAILED');
    expect(scheduler.job(1)).toMatchObject({ state: 'RUNNING', attempt: 2 });
    decide(2 * MINUTE);
    expect(seen(2)).toBe('Dependency');
    end(1);
    decide(3 * MINUTE - 1);
    expect(seen(2)).toBe('Dependency');
    decide(3 * MINUTE);
    expect(seen(2)).toBe('RUNNING');
  });

  it('counts from the cancellation of a job that never started', () => {
    submit(1, [], { isHeld: true });
    submit(2, [after(1)]);
    submit(3, [after(1, 1)]);
    nowMs = 5000;
    scheduler.apply({ kind: 'JobCancelRequested', atMs: nowMs, jobId: 1 });
    decide();
    expect([seen(2), seen(3)]).toEqual(['RUNNING', 'Dependency']);
    decide(5000 + MINUTE);
    expect(seen(3)).toBe('RUNNING');
  });

  it('is over where it was before its job was cancelled after a launch that failed, though no cycle came in between', () => {
    submit(2, [after(1, 1)]);
    submit(1);
    const failed = { kind: 'LaunchFailed', atMs: 0, jobId: 1, attempt: 1, isRetryable: false, message: 'x' } as const;
    scheduler.apply(failed);
    nowMs = MINUTE;
    scheduler.apply({ kind: 'JobCancelRequested', atMs: nowMs, jobId: 1 });
    decide();
    expect(seen(2)).toBe('RUNNING');
  });

  it('of a job that had ended is as long as the submission says it is', () => {
    submit(1);
    end(1);
    submit(2, [after(1, 1)]);
    submit(3, [{ ...after(1, 1), startMs: 0 }]);
    expect([seen(2), seen(3)]).toEqual(['RUNNING', 'Dependency']);
    decide(MINUTE);
    expect(seen(3)).toBe('RUNNING');
  });

  it('goes on after a restart that is told of the start of a job that has ended', () => {
    const told = { kind: 'JobEnded', atMs: 500, jobId: 1, state: 'COMPLETED', exitCode: 0, startMs: 100 } as const;
    scheduler.apply(told);
    submit(2, [after(1, 1)]);
    expect(seen(2)).toBe('Dependency');
    decide(100 + MINUTE);
    expect(seen(2)).toBe('RUNNING');
  });
});

describe('dependencies of which one is enough', () => {
  const isAnyEnough = true;

  it('are satisfied by the first, and never only once none can be', () => {
    submit(1);
    submit(2);
    submit(
      3,
      [
        { condition: 'afterok', jobId: 1 },
        { condition: 'afterok', jobId: 2 },
      ],
      { isAnyEnough },
    );
    submit(4, [{ condition: 'afterok', jobId: 1 }, after(2, 1)], { isAnyEnough });
    submit(
      5,
      [
        { condition: 'afterok', jobId: 2 },
        { condition: 'afternotok', jobId: 1 },
      ],
      { isAnyEnough },
    );
    end(1, 'FAILED');
    expect([seen(3), seen(4), seen(5)]).toEqual(['Dependency', 'Dependency', 'RUNNING']);
    expect(scheduler.explain(3, nowMs)).toEqual([
      'Any one of these 2 is enough for it to start.',
      'afterok:1 is never satisfied: job 1 ended FAILED. Requeue it, or cancel this job.',
      'afterok:2 waits for job 2 to complete; it is running.',
    ]);
    end(2, 'FAILED');
    expect([seen(3), seen(4)]).toEqual(['DependencyNeverSatisfied', 'Dependency']);
    decide(MINUTE);
    expect(seen(4)).toBe('RUNNING');
  });

  it('hold for an array only where they hold for all of its tasks', () => {
    const ok = (jobId: number): Dependency => ({ condition: 'afterok', jobId, set: 0 });
    submit(1);
    submit(2);
    submit(3);
    submit(4, [ok(1), ok(2), { condition: 'afterok', jobId: 3 }], { isAnyEnough });
    end(1);
    expect(seen(4)).toBe('Dependency');
    end(2);
    expect(seen(4)).toBe('RUNNING');
  });
});

it('afternotok of an array: one of its tasks failed, once all have ended', () => {
  const set = (jobId: number): Dependency => ({ condition: 'afternotok', jobId, set: 0 });
  for (const jobId of [1, 2, 3, 4]) submit(jobId);
  submit(5, [set(1), set(2)]);
  submit(6, [set(3), set(4)]);
  end(1, 'FAILED');
  end(3);
  expect([seen(5), seen(6)]).toEqual(['Dependency', 'Dependency']);
  expect(scheduler.explain(5, nowMs)).toEqual([
    'afternotok waits for jobs 1 to 2 to end, one of them otherwise than well; 1 of 2 have not ended.',
  ]);
  end(2);
  end(4);
  expect([seen(5), seen(6)]).toEqual(['RUNNING', 'DependencyNeverSatisfied']);
});
