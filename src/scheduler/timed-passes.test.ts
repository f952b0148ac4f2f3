import { describe, expect, it } from 'vitest';
import { PLAIN_CADENCE } from './cadence.test-support.ts';
import { createCore } from './core.ts';
import type { CoreJob, DecisionSink } from './core-types.ts';
import { gangRequest } from './job-request.test-support.ts';
import type { CadencePolicy } from './policy.ts';
import type { JobRequest } from './types.ts';

const SECOND = 1000;
const NODES = 4;
/** A pass looks at one job in 100 ms where it can start: at four nodes, and at them again when it starts. */
const CADENCE: CadencePolicy = {
  ...PLAIN_CADENCE,
  batchSchedDelaySeconds: 3600,
  schedIntervalSeconds: 3600,
  bfMaxTimeSeconds: 1,
  nodeTestMicroseconds: 12_500,
};

function request(jobId: number): JobRequest {
  return gangRequest(jobId, 1, 1, { timeLimitMs: 600 * SECOND });
}

interface Meanwhile {
  /** After the first second this job is cancelled. */
  cancelled?: number;
  /** One more is submitted then, which asks for what the others do unless it is said. */
  arrivalMs?: number;
  arrival?: Partial<JobRequest>;
  /** Jobs that the main scheduler looks at. */
  defaultQueueDepth?: number;
}

/** When each of so many jobs, all submitted at 0, starts until then, as the driver that is woken when asked for would see it. */
function starts(jobs: number, cadence: Partial<CadencePolicy>, untilMs: number, meanwhile: Meanwhile = {}) {
  const { cancelled = null, arrival = {}, defaultQueueDepth = 100 } = meanwhile;
  let { arrivalMs = Infinity } = meanwhile;
  const core = createCore({
    backfillType: 'conservative',
    bfIntervalSeconds: 1,
    bfResolutionSeconds: 1,
    defaultQueueDepth,
    cadence: { ...CADENCE, ...cadence },
  });
  for (let index = 0; index < NODES; index++) {
    const resources = { cpus: 64, memoryBytes: 0, gpus: 64 };
    core.addNode({ name: `n${index}`, resources, gpuType: null, leaf: null });
  }
  const started = new Map<number, number>();
  let nowMs = 0;
  const sink: DecisionSink = {
    startAttempt: (job) => started.set(job.request.jobId, nowMs),
    endAttempt() {},
    requeueJob() {},
    endJob() {},
  };
  const records: CoreJob[] = [];
  for (let jobId = 1; jobId <= jobs; jobId++) records.push(core.submit(request(jobId), 0));
  while (nowMs <= untilMs) {
    if (nowMs >= arrivalMs) {
      arrivalMs = Infinity;
      core.submit({ ...request(jobs + 1), ...arrival }, nowMs);
    }
    const wakeMs = core.decide(nowMs, sink);
    if (cancelled !== null && nowMs >= SECOND) {
      const job = records[cancelled - 1];
      if (job !== undefined && !started.has(cancelled)) core.cancel(job, nowMs);
    }
    if (wakeMs <= nowMs) throw new Error('it wants to be woken when it was');
    nowMs = wakeMs;
  }
  return [...started];
}

describe('passes of backfill that take their time', () => {
  it('start each job when they have come to it', () => {
    expect(starts(3, {}, 5 * SECOND)).toEqual([
      [1, 1100],
      [2, 1200],
      [3, 1300],
    ]);
    expect(starts(3, { nodeTestMicroseconds: 0 }, 5 * SECOND)).toEqual([
      [1, 1000],
      [2, 1000],
      [3, 1000],
    ]);
  });

  it('are cut off when the next second begins, and go on an interval later', () => {
    const started = starts(15, {}, 4 * SECOND);
    expect(started.filter(([, atMs]) => atMs <= 2000).map(([jobId]) => jobId)).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
    expect(started.slice(10)).toEqual([11, 12, 13, 14, 15].map((jobId) => [jobId, 3000 + (jobId - 10) * 100]));
  });

  it('let others have their turn after a while, and are over if anything changed', () => {
    const patient = { bfMaxTimeSeconds: 60 };
    // Twenty jobs have started in two seconds.
    const started = starts(25, patient, 10 * SECOND);
    expect(started.filter(([, atMs]) => atMs < 3400)).toHaveLength(20);
    expect(started[20]).toEqual([21, 3000 + 500 + 100]);
    const arrival = { arrivalMs: 3001 };
    expect(starts(25, patient, 10 * SECOND, arrival)[20]).toEqual([21, 3000 + 500 + 1000 + 100]);
    expect(starts(25, { ...patient, isBfContinued: true }, 10 * SECOND, arrival)[20]).toEqual([21, 3600]);
  });

  it('start nobody where somebody else was started in the instant in which they stood back', () => {
    const cadence = { bfMaxTimeSeconds: 60, batchSchedDelaySeconds: 2, isBfContinued: true };
    // It fills the node on which the twenty run that have started, and the pass does not notice.
    const arrival = { priority: 10, perNode: { cpus: 1, memoryBytes: 0, gpus: 44 } };
    const started = starts(25, cadence, 20 * SECOND, { arrivalMs: 3000, arrival, defaultQueueDepth: 1 });
    expect(started[20]).toEqual([26, 3000]);
    expect(started).toHaveLength(26);
  });

  it('pass over a job that was cancelled in the meantime', () => {
    const started = starts(4, {}, 5 * SECOND, { cancelled: 3 });
    expect(started.map(([jobId]) => jobId)).toEqual([1, 2, 4]);
  });
});
