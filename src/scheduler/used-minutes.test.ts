import { describe, expect, it } from 'vitest';
import { PLAIN_CADENCE } from './cadence.test-support.ts';
import { gangRequest } from './job-request.test-support.ts';
import { oneNode } from './one-node.test-support.ts';
import type { SchedulerOptions } from './policy.ts';
import type { JobRequest } from './types.ts';
import { UsedMinutes } from './used-minutes.ts';

const MINUTE = 60_000;
const NOTHING = { jobs: 0, gpus: 0, nodes: 0, cpus: 0, memoryBytes: 0 };
const NO_LIMIT = { jobs: Infinity, gpus: Infinity, nodes: Infinity, cpus: Infinity, memoryBytes: Infinity };

describe('a counter of used minutes', () => {
  const use = (cpus: number, startMs: number, factor = 1) => ({
    amounts: { gpus: 0, nodes: 1, cpus, memoryBytes: 3 * 2 ** 20 },
    startMs,
    limitMs: Infinity,
    factor,
  });

  it('counts what runs at calculations, and a job at its end, by whole minutes times its factor', () => {
    const counter = new UsedMinutes({ key: 1, limit: { ...NO_LIMIT, cpus: 9 }, halfLifeSeconds: 0 });
    const [first, second] = [{}, {}];
    counter.start(first, use(4, 0), NO_LIMIT, 0);
    counter.start(second, use(1, MINUTE, 2), NO_LIMIT, 0);
    expect(counter.used).toEqual(NOTHING);
    counter.calculated(1.5 * MINUTE);
    expect(counter.used).toEqual({ jobs: 2.5, gpus: 0, nodes: 2, cpus: 7, memoryBytes: 7 * 2 ** 20 });
    counter.end(first, 2 * MINUTE);
    expect(counter.used).toEqual({ jobs: 3, gpus: 0, nodes: 3, cpus: 9, memoryBytes: 9 * 2 ** 20 });
    counter.end(first, 9 * MINUTE);
    expect(counter.used.cpus).toBe(9);
  });

  it('has half of it left after a half-life, as fair-share has', () => {
    const counter = new UsedMinutes({ key: 1, limit: { ...NO_LIMIT, cpus: 100 }, halfLifeSeconds: 600 });
    const job = {};
    counter.start(job, use(100, 0), NO_LIMIT, 0);
    counter.end(job, MINUTE);
    // Some of it has faded by then: 100 (1 - 2^(-1/10)) 10 / ln 2.
    expect(counter.used.cpus).toBe(96);
    expect(counter.isChanging).toBe(true);
    counter.calculated(11 * MINUTE);
    expect(counter.used.cpus).toBe(48);
    counter.calculated(200 * MINUTE);
    expect(counter.isChanging).toBe(false);
  });

  it('counts at once what a job that has been running had used by the last calculation, faded as what is in already', () => {
    // 10 (1 - 2^-1) / ln 2 minutes are left of ten after a half-life, and then half of these after another.
    const left = 5 / Math.LN2;
    for (const [carriedMs, countedAtOnce] of [
      [null, left],
      [0, left],
      [5 * MINUTE, left / Math.SQRT2],
    ] as const) {
      const counter = new UsedMinutes({ key: 1, limit: { ...NO_LIMIT, jobs: 100 }, halfLifeSeconds: 600 });
      if (carriedMs !== null) counter.carry({ faded: NOTHING, whole: NOTHING }, carriedMs);
      counter.start({}, use(1, -10 * MINUTE), NO_LIMIT, 0);
      expect(counter.used.jobs).toBeCloseTo(countedAtOnce);
      counter.calculated(10 * MINUTE);
      expect(counter.used.jobs).toBeCloseTo(left / 2 + left);
    }
  });

  it('names those of what runs that are held to a limit which is reached', () => {
    const counter = new UsedMinutes({ key: 1, limit: { ...NO_LIMIT, cpus: 2 }, halfLifeSeconds: 0 });
    const [held, free] = [{}, {}];
    counter.start(held, use(1, 0), { ...NO_LIMIT, cpus: 2 }, 0);
    counter.start(free, use(1, 0), NO_LIMIT, 0);
    counter.calculated(MINUTE - 1);
    expect(counter.spent()).toEqual([]);
    counter.calculated(MINUTE);
    expect(counter.spent()).toEqual([held]);
  });
});

describe('limits on used minutes', () => {
  const priority = { type: 'multifactor', calcPeriodSeconds: 60, decayHalfLifeSeconds: 0 } as const;

  function schedulerOf(options: SchedulerOptions) {
    const { scheduler, submit } = oneNode({ priority, ...options });
    return {
      scheduler,
      submit,
      end: (jobId: number, atMs: number) => {
        scheduler.apply({ kind: 'AttemptEnded', atMs, jobId, attempt: 1, state: 'COMPLETED', exitCode: 0 });
      },
      decide: (atMs: number) => {
        const { decisions, wakeAtMs } = scheduler.decide(atMs);
        const told = decisions.flatMap((one) => {
          if (one.kind === 'StartAttempt') return [`start ${one.jobId}`];
          return one.kind === 'EndAttempt' ? [`end ${one.jobId} ${one.cause}`] : [];
        });
        return [told, wakeAtMs] as const;
      },
    };
  }
  const job = (id: number, minutes: number | null, rest: Partial<JobRequest> = {}) =>
    gangRequest(id, 1, 0, { timeLimitMs: minutes === null ? null : minutes * MINUTE, ...rest });

  it('let start whatever there is until they are reached, then end what runs', () => {
    const { scheduler, submit, decide } = schedulerOf({ qos: [{ name: 'normal', groupMinutes: { cpus: 4 } }] });
    submit(job(1, 600), job(2, null));
    expect(decide(0)).toEqual([['start 1', 'start 2'], MINUTE]);
    expect(decide(MINUTE)).toEqual([[], 2 * MINUTE]);
    submit(job(3, 1, { submitMs: MINUTE }));
    expect(decide(MINUTE + 1)[0]).toEqual(['start 3']);
    expect(decide(2 * MINUTE)[0]).toEqual(['end 1 TIMEOUT', 'end 2 TIMEOUT', 'end 3 TIMEOUT']);
    submit(job(4, 1, { submitMs: 2 * MINUTE }));
    decide(2 * MINUTE + 1);
    expect(scheduler.job(4)?.reason).toBe('QOSGrpCPUMinutesLimit');
    expect(scheduler.explain(4, 2 * MINUTE)).toEqual([
      'Job 4 waits for a limit (QOSGrpCPUMinutesLimit): all jobs together may use 4 CPU minutes, and 4 are used.',
    ]);
  });

  it('let start again what waited once enough has faded, and the scheduler wakes for that', () => {
    const { submit, decide, end } = schedulerOf({
      qos: [{ name: 'normal', groupWallSeconds: 600 }],
      priority: { ...priority, decayHalfLifeSeconds: 600 },
    });
    submit(job(1, 60));
    decide(0);
    end(1, 12 * MINUTE);
    submit(job(2, 60, { submitMs: 12 * MINUTE }));
    // 8.1 minutes of the 12 are left then.
    expect(decide(12 * MINUTE)[0]).toEqual(['start 2']);
    end(2, 18 * MINUTE);
    submit(job(3, 60, { submitMs: 18 * MINUTE }));
    expect(decide(18 * MINUTE)).toEqual([[], 19 * MINUTE]);
    expect(decide(19 * MINUTE)[0]).toEqual(['start 3']);
  });

  it('that are safe let start what can run to its end, and end nothing', () => {
    const { scheduler, submit, decide, end } = schedulerOf({
      areLimitsSafe: true,
      qos: [{ name: 'normal', groupMinutes: { cpus: 60 } }],
    });
    submit(job(1, 61), job(2, null), job(3, 40), job(4, 30));
    expect(decide(0)).toEqual([['start 3'], MINUTE]);
    expect(scheduler.explain(1, 0)[0]).toContain(
      'it asks for 61 CPU minutes by its time limit, and all jobs together may use 60 CPU minutes: it never starts',
    );
    expect(scheduler.explain(2, 0)[0]).toContain('it asks for 1 CPU and for no time');
    expect(scheduler.explain(4, 0)[0]).toContain(
      'it asks for 30 CPU minutes by its time limit, 0 are used, what runs has 40 ahead of it, and all jobs together may use 60 CPU minutes.',
    );
    end(3, 20 * MINUTE);
    expect(decide(20 * MINUTE)[0]).toEqual(['start 4']);
  });

  it('count nothing where priorities are not calculated, and let nothing start that are 0', () => {
    const { scheduler, submit, decide, end } = schedulerOf({
      priority: { type: 'basic' },
      qos: [
        { name: 'normal', groupMinutes: { cpus: 1 } },
        { name: 'none', groupMinutes: { cpus: 0 } },
      ],
    });
    submit(job(1, 60), job(2, 60, { qos: 'none' }));
    expect(decide(0)).toEqual([['start 1'], null]);
    end(1, 30 * MINUTE);
    submit(job(3, 60, { submitMs: 30 * MINUTE }));
    expect(decide(30 * MINUTE)).toEqual([['start 3'], null]);
    expect(scheduler.explain(2, 0)[0]).toContain('all jobs together may use 0 CPU minutes: it never starts');
  });

  it('let jobs start once an end shows that enough has faded, and not at ends before', () => {
    const { submit, decide, end } = schedulerOf({
      priority: { type: 'multifactor', calcPeriodSeconds: 86_400, decayHalfLifeSeconds: 600 },
      qos: [{ name: 'normal', groupMinutes: { cpus: 20 } }],
    });
    submit(job(1, 60, { perNode: { cpus: 40, gpus: 0, memoryBytes: 0 } }), job(2, 60), job(3, 60));
    decide(0);
    end(1, MINUTE);
    submit(job(4, 60, { submitMs: 2 * MINUTE }));
    expect(decide(2 * MINUTE)[0]).toEqual(['end 2 TIMEOUT', 'end 3 TIMEOUT']);
    end(2, 3 * MINUTE);
    expect(decide(3 * MINUTE)[0]).toEqual([]);
    end(3, 40 * MINUTE);
    expect(decide(40 * MINUTE)[0]).toEqual(['start 4']);
  });

  it('end what runs at the next look at time limits where passes have the times of a controller', () => {
    const { submit, decide, end } = schedulerOf({
      qos: [{ name: 'normal', groupMinutes: { cpus: 1 } }],
      backfillType: 'conservative',
      cadence: PLAIN_CADENCE,
    });
    submit(job(1, 600), job(2, 600, { perNode: { cpus: 60, gpus: 0, memoryBytes: 0 } }));
    const told: string[] = [];
    for (let second = 0; second <= 30; second++) {
      if (second === 10) end(2, 10_000);
      told.push(...decide(second * 1000)[0].map((text) => `${second}: ${text}`));
    }
    expect(told.map((text) => text.replace(/^\d: /, ''))).toEqual(['start 1', 'start 2', '30: end 1 TIMEOUT']);
  });
});
