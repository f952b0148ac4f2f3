import { describe, expect, it } from 'vitest';
import type { SchedulerOptions } from '../scheduler/policy.ts';
import { listedJobs } from './adjusted-jobs.ts';
import { runTwin } from './engine.ts';
import { INSTANT, type Scenario } from './scenario.ts';
import type { AttemptEnd, Checkpointing, Incident, JobEnd, TwinJob } from './types.ts';

const SECOND = 1000;
const GPUS = 8;
const WHOLE = { cpus: 64, memoryBytes: 1e12, gpus: GPUS };

type JobFields = Partial<Omit<TwinJob, 'request'>> & { request?: Partial<TwinJob['request']> };

/** A job of one whole node that works for 100 s. */
function aJob(jobId: number, { request, ...fields }: JobFields = {}): TwinJob {
  return {
    workMs: 100 * SECOND,
    outcome: 'COMPLETED',
    cancelAfterMs: null,
    checkpointing: null,
    ...fields,
    request: {
      jobId,
      submitMs: 0,
      priority: 0,
      nodes: 1,
      perNode: WHOLE,
      gpuType: null,
      exclusive: true,
      timeLimitMs: null,
      excludedNodes: [],
      maxRequeues: 3,
      dependencies: [],
      isHeld: false,
      ...request,
    },
  };
}

function anIncident(fields: Partial<Incident>): Incident {
  return {
    atMs: 50 * SECOND,
    detectedMs: 50 * SECOND,
    repairMs: 10 * SECOND,
    component: 'gpu',
    severity: 'high',
    nodeIndices: [0],
    isFalsePositive: false,
    isLemon: false,
    ...fields,
  };
}

const CHECKPOINTS: Checkpointing = {
  intervalMs: 20 * SECOND,
  writeMs: 2 * SECOND,
  isBlocking: false,
  restartMs: 5 * SECOND,
};

interface Told {
  attempts: AttemptEnd[];
  jobs: JobEnd[];
  nodes: string[];
  incidents: Incident[];
}

interface World extends Partial<Omit<Scenario, 'jobs' | 'nodes' | 'incidents' | 'policy'>> {
  jobs: TwinJob[];
  nodeCount?: number;
  incidents?: Incident[];
  policy?: SchedulerOptions;
}

/** Runs it and returns what an observer is told. */
function run({ jobs, nodeCount = 1, incidents = [], policy = {}, ...rest }: World): Told {
  const told: Told = { attempts: [], jobs: [], nodes: [], incidents: [] };
  const queue = [...incidents];
  runTwin({
    nodes: Array.from({ length: nodeCount }, (_, index) => ({
      name: `n${index}`,
      resources: WHOLE,
      gpuType: null,
      leaf: null,
    })),
    policy,
    timing: INSTANT,
    jobs: listedJobs(jobs),
    incidents: { next: () => queue.shift() ?? null },
    operator: null,
    untilMs: null,
    ...rest,
    observers: [
      {
        attemptEnded: (end) => told.attempts.push(end),
        jobEnded: (end) => told.jobs.push(end),
        nodeChanged: (index, service, _, atMs) => told.nodes.push(`n${index} ${service} ${atMs / SECOND}`),
        incident: (incident) => told.incidents.push(incident),
      },
    ],
  });
  return told;
}

/** State, start and end, then productive, lost and overhead, in seconds. */
function brief({ state, startMs, endMs, productiveMs, lostMs, overheadMs }: AttemptEnd): string {
  const [start, end, ...shares] = [startMs, endMs, productiveMs, lostMs, overheadMs].map((ms) => ms / SECOND);
  return `${state} ${start}-${end}: ${shares.join(' ')}`;
}

describe('an attempt', () => {
  it('runs for as long as its work takes, one after the other where there is one node', () => {
    const { attempts, jobs } = run({ jobs: [aJob(1), aJob(2)] });
    expect(attempts.map(brief)).toEqual(['COMPLETED 0-100: 100 0 0', 'COMPLETED 100-200: 100 0 0']);
    expect(attempts.map(({ queuedMs }) => queuedMs)).toEqual([0, 100 * SECOND]);
    expect(jobs.map(({ state, attempts: count }) => [state, count])).toEqual([
      ['COMPLETED', 1],
      ['COMPLETED', 1],
    ]);
  });

  it('holds its nodes from the decision until they are tidied up, and counts the launch as overhead', () => {
    const timing = { launchMs: 3 * SECOND, completeMs: 7 * SECOND, killMs: 0 };
    const { attempts, jobs } = run({ jobs: [aJob(1), aJob(2)], timing });
    expect(attempts.map(brief)).toEqual(['COMPLETED 0-103: 100 0 3', 'COMPLETED 110-213: 100 0 3']);
    expect(jobs.map(({ endMs }) => endMs / SECOND)).toEqual([103, 213]);
  });

  it('is launched after those that started with it where launches follow one another', () => {
    const timing = { ...INSTANT, launchMs: SECOND, launchGapMs: 2 * SECOND };
    const late = aJob(4, { request: { submitMs: 50 * SECOND } });
    const { attempts } = run({ jobs: [aJob(1), aJob(2), aJob(3), late], nodeCount: 4, timing });
    expect(attempts.map(brief)).toEqual([
      'COMPLETED 0-101: 100 0 1',
      'COMPLETED 0-103: 100 0 3',
      'COMPLETED 0-105: 100 0 5',
      'COMPLETED 50-151: 100 0 1',
    ]);
  });

  it('is over after those that were ended with it where ends follow one another', () => {
    const jobs = [1, 2, 3].map((id) => aJob(id, { request: { timeLimitMs: 60 * SECOND } }));
    const timing = { ...INSTANT, killMs: SECOND, killGapMs: 2 * SECOND };
    const { attempts } = run({ jobs, nodeCount: 3, timing });
    expect(attempts.map(({ endMs }) => endMs / SECOND)).toEqual([61, 63, 65]);
  });

  it('ends as the job would, with its work done, where the job is to fail', () => {
    expect(run({ jobs: [aJob(1, { outcome: 'OUT_OF_MEMORY' })] }).attempts.map(brief)).toEqual([
      'OUT_OF_MEMORY 0-100: 100 0 0',
    ]);
  });

  it('that loses a node of itself has done nothing that is kept; the next one comes as far again', () => {
    const loop = aJob(1, { outcome: 'NODE_FAIL', request: { maxRequeues: 2 } });
    const { attempts, jobs } = run({ jobs: [loop] });
    expect(attempts.map(brief)).toEqual([
      'NODE_FAIL 0-100: 0 100 0',
      'NODE_FAIL 100-200: 0 100 0',
      'NODE_FAIL 200-300: 0 100 0',
    ]);
    expect(jobs.map(({ state, productiveMs }) => [state, productiveMs])).toEqual([['NODE_FAIL', 0]]);
  });

  it('keeps at its time limit what it had saved, writes no last checkpoint, and takes a while to die', () => {
    const job = aJob(1, { checkpointing: CHECKPOINTS, request: { timeLimitMs: 60 * SECOND } });
    const { attempts, jobs } = run({ jobs: [job], timing: { ...INSTANT, killMs: 4 * SECOND } });
    // 5 s restart, work to 60 s = 55 s; checkpoints begun at 20 and 40 s of work.
    expect(attempts.map(brief)).toEqual(['TIMEOUT 0-64: 40 15 9']);
    expect(jobs[0]?.state).toBe('TIMEOUT');
  });

  it('completes where its work takes exactly as long as its limit allows', () => {
    expect(run({ jobs: [aJob(1, { request: { timeLimitMs: 100 * SECOND } })] }).attempts.map(brief)).toEqual([
      'COMPLETED 0-100: 100 0 0',
    ]);
  });

  it('ends when its user cancels the job; nothing of it is lost', () => {
    expect(run({ jobs: [aJob(1, { cancelAfterMs: 30 * SECOND })] }).attempts.map(brief)).toEqual([
      'CANCELLED 0-30: 30 0 0',
    ]);
  });

  it('is stalled by checkpoints where writing blocks it', () => {
    const checkpointing = { ...CHECKPOINTS, isBlocking: true };
    expect(run({ jobs: [aJob(1, { checkpointing })] }).attempts.map(brief)).toEqual(['COMPLETED 0-113: 100 0 13']);
  });
});

describe('a job', () => {
  it('that is cancelled before it starts never runs, and has waited until then', () => {
    const { jobs } = run({ jobs: [aJob(1), aJob(2, { cancelAfterMs: 40 * SECOND })] });
    expect(jobs.map(({ state, startMs, endMs, queuedMs }) => [state, startMs, endMs, queuedMs])).toEqual([
      ['CANCELLED', null, 40 * SECOND, 40 * SECOND],
      ['COMPLETED', 0, 100 * SECOND, 0],
    ]);
  });

  it('that ended before its user would have cancelled it is left alone, and so is the job that has its place', () => {
    const { jobs } = run({ jobs: [aJob(1, { cancelAfterMs: 150 * SECOND }), aJob(2)] });
    expect(jobs.map(({ state }) => state)).toEqual(['COMPLETED', 'COMPLETED']);
  });

  it('waits from when it is eligible: not before its begin, nor before the job that it depends on has ended', () => {
    const after = aJob(2, { request: { dependencies: [{ condition: 'afterok', jobId: 1 }] } });
    const later = aJob(3, { request: { beginMs: 150 * SECOND } });
    const { attempts } = run({ jobs: [aJob(1), after, later], nodeCount: 3 });
    expect(attempts.map(({ job, startMs, queuedMs }) => [job.request.jobId, startMs / SECOND, queuedMs])).toEqual([
      [1, 0, 0],
      [2, 100, 0],
      [3, 150, 0],
    ]);
  });

  it('waits from a start and a while on, also where that job has ended before it came, or from the first of several', () => {
    const delayed = { condition: 'after' as const, jobId: 1, delayMs: 120 * SECOND };
    const early = aJob(2, { request: { dependencies: [delayed] } });
    const late = aJob(3, { request: { submitMs: 110 * SECOND, dependencies: [delayed] } });
    const either = aJob(4, {
      request: {
        submitMs: 110 * SECOND,
        isAnyEnough: true,
        dependencies: [
          { condition: 'afterany', jobId: 3 },
          { condition: 'after', jobId: 2 },
        ],
      },
    });
    const { attempts } = run({ jobs: [aJob(1, { isStartKept: true }), early, late, either], nodeCount: 4 });
    expect(attempts.map(({ job, startMs, queuedMs }) => [job.request.jobId, startMs, queuedMs])).toEqual([
      [1, 0, 0],
      [2, 120 * SECOND, 0],
      [3, 120 * SECOND, 0],
      [4, 120 * SECOND + 1, 0],
    ]);
  });

  it('that is preempted goes on from its last checkpoint, after the grace it is given', () => {
    const low = aJob(1, { checkpointing: CHECKPOINTS, request: { qos: 'low' } });
    const high = aJob(2, { workMs: 10 * SECOND, request: { submitMs: 70 * SECOND, qos: 'high', priority: 1 } });
    const policy: SchedulerOptions = {
      qos: [
        { name: 'low', graceSeconds: 6 },
        { name: 'high', preempts: ['low'] },
      ],
      preempt: { type: 'qos' },
    };
    const { attempts, jobs } = run({ jobs: [low, high], policy });
    // At 70 s it has worked for 65 s; the checkpoint begun at 60 s of work was done at 67 s.
    expect(attempts.map(brief)).toEqual([
      'PREEMPTED 0-76: 60 5 11',
      'COMPLETED 76-86: 10 0 0',
      'COMPLETED 86-131: 40 0 5',
    ]);
    expect(attempts.map(({ preemptorJobId, queuedMs }) => [preemptorJobId, queuedMs / SECOND])).toEqual([
      [2, 0],
      [null, 6],
      [null, 10],
    ]);
    expect(jobs.at(-1)).toMatchObject({ attempts: 2, productiveMs: 100 * SECOND, lostMs: 5 * SECOND });
  });
});

describe('an incident', () => {
  it('that a check finds at once takes the node and requeues its job, which begins anew elsewhere', () => {
    const { attempts, nodes } = run({ jobs: [aJob(1)], nodeCount: 2, incidents: [anIncident({})] });
    expect(attempts.map(brief)).toEqual(['REQUEUED 0-50: 0 50 0', 'COMPLETED 50-150: 100 0 0']);
    expect(attempts.map(({ allocation }) => allocation.nodeIndices)).toEqual([[0], [1]]);
    expect(attempts[0]?.incident?.severity).toBe('high');
    expect(nodes).toEqual(['n0 down 50', 'n0 up 60']);
  });

  it('costs all that was done since it broke, though nobody knew yet', () => {
    const incidents = [anIncident({ severity: 'heartbeat', detectedMs: 90 * SECOND })];
    const { attempts } = run({ jobs: [aJob(1, { checkpointing: CHECKPOINTS })], incidents });
    // 45 s of work by 50 s, 40 s of it saved (the second checkpoint was done at 47 s); 40 s at a standstill.
    expect(attempts.map(brief)).toEqual(['NODE_FAIL 0-90: 40 45 5', 'COMPLETED 100-165: 60 0 5']);
  });

  it('that breaks a job lets it neither end by itself nor start again on the broken node', () => {
    const incidents = [anIncident({ atMs: 90 * SECOND, detectedMs: 250 * SECOND })];
    const { attempts } = run({ jobs: [aJob(1), aJob(2, { request: { submitMs: 0 } })], incidents });
    expect(attempts.map(brief)).toEqual([
      'REQUEUED 0-250: 0 250 0',
      'COMPLETED 260-360: 100 0 0',
      'COMPLETED 360-460: 100 0 0',
    ]);
  });

  it('that is a false alarm takes the node and costs what was not saved, no more', () => {
    const incidents = [anIncident({ isFalsePositive: true, atMs: 30 * SECOND })];
    const { attempts } = run({ jobs: [aJob(1, { checkpointing: CHECKPOINTS })], incidents });
    expect(attempts.map(brief)).toEqual(['REQUEUED 0-50: 40 5 5', 'COMPLETED 60-125: 60 0 5']);
  });

  it('of low severity lets the job run on, then the node is repaired', () => {
    const { attempts, nodes } = run({ jobs: [aJob(1), aJob(2)], incidents: [anIncident({ severity: 'low' })] });
    expect(attempts.map(brief)).toEqual(['COMPLETED 0-100: 100 0 0', 'COMPLETED 110-210: 100 0 0']);
    expect(nodes).toEqual(['n0 draining 50', 'n0 down 100', 'n0 up 110']);
  });

  it('that only the job notices fails it; the check that finds the node later has it repaired', () => {
    const incidents = [anIncident({ severity: 'job', detectedMs: 70 * SECOND })];
    const { attempts, jobs, nodes } = run({ jobs: [aJob(1), aJob(2)], incidents });
    expect(attempts.map(brief)).toEqual(['FAILED 0-50: 0 50 0', 'COMPLETED 50-150: 100 0 0']);
    expect(attempts.map(({ incident }) => incident?.severity)).toEqual(['job', undefined]);
    expect(jobs.map(({ state }) => state)).toEqual(['FAILED', 'COMPLETED']);
    expect(nodes).toEqual(['n0 draining 70', 'n0 down 150']);
  });

  it('on a node that is being repaired changes nothing and is not told', () => {
    const later = anIncident({ atMs: 55 * SECOND, detectedMs: 70 * SECOND, repairMs: 1000 * SECOND });
    const { incidents, nodes } = run({ jobs: [aJob(1)], incidents: [anIncident({}), later] });
    expect(incidents).toHaveLength(1);
    expect(nodes).toEqual(['n0 down 50', 'n0 up 60']);
  });

  it('that broke a node before another took it down keeps it down until both are repaired', () => {
    const earlier = anIncident({ atMs: 40 * SECOND, detectedMs: 55 * SECOND, repairMs: 30 * SECOND });
    const { nodes } = run({ jobs: [aJob(1)], incidents: [earlier, anIncident({})] });
    expect(nodes).toEqual(['n0 down 50', 'n0 up 85']);
  });

  it('of a switch takes all of its nodes, and a gang on them once', () => {
    const gang = aJob(1, { request: { nodes: 2 } });
    const incidents = [anIncident({ component: 'switch', nodeIndices: [1, 2] })];
    const { attempts, nodes } = run({ jobs: [gang], nodeCount: 3, incidents });
    expect(attempts.map(brief)).toEqual(['REQUEUED 0-50: 0 50 0', 'COMPLETED 60-160: 100 0 0']);
    expect(nodes).toEqual(['n1 down 50', 'n2 down 50', 'n1 up 60', 'n2 up 60']);
  });

  it('ends a job for good once it has been requeued as often as it may', () => {
    const job = aJob(1, { request: { maxRequeues: 0 } });
    expect(run({ jobs: [job], incidents: [anIncident({})] }).jobs.map(({ state }) => state)).toEqual(['NODE_FAIL']);
  });

  it('during the launch costs no work', () => {
    const timing = { ...INSTANT, launchMs: 60 * SECOND };
    const { attempts } = run({ jobs: [aJob(1)], incidents: [anIncident({})], timing });
    expect(attempts.map(brief)).toEqual(['REQUEUED 0-50: 0 0 50', 'COMPLETED 60-220: 100 0 60']);
  });
});

describe('a run', () => {
  it('lets the operator drain a node, which is repaired once it is empty', () => {
    const operator = {
      reviewEveryMs: 40 * SECOND,
      review: (nowMs: number) =>
        nowMs === 80 * SECOND ? [{ nodeIndex: 0, reason: 'lemon', repairMs: 30 * SECOND }] : [],
    };
    const { attempts, nodes } = run({ jobs: [aJob(1), aJob(2)], operator });
    expect(nodes).toEqual(['n0 draining 80', 'n0 down 100', 'n0 up 130']);
    expect(attempts.map(({ startMs }) => startMs / SECOND)).toEqual([0, 130]);
  });

  it('ends where it is told to, with what still runs', () => {
    const told: JobEnd[] = [];
    const summary = runTwin({
      nodes: [{ name: 'n0', resources: WHOLE, gpuType: null, leaf: null }],
      policy: {},
      timing: INSTANT,
      jobs: listedJobs([aJob(1), aJob(2)]),
      incidents: null,
      operator: null,
      observers: [{ jobEnded: (end) => told.push(end) }],
      untilMs: 150 * SECOND,
    });
    expect(summary).toMatchObject({ endMs: 150 * SECOND, jobsSubmitted: 2, jobsEnded: 1, isInterrupted: false });
    expect(told).toHaveLength(1);
  });

  it('is over where jobs are left that nothing can ever start, however much still breaks', () => {
    let atMs = 0;
    const incidents = {
      next: () => {
        atMs += 10 * SECOND;
        return anIncident({ atMs, detectedMs: atMs, repairMs: 25 * SECOND });
      },
    };
    const impossible = aJob(2, { request: { nodes: 5 } });
    const summary = runTwin({
      nodes: [{ name: 'n0', resources: WHOLE, gpuType: null, leaf: null }],
      policy: {},
      timing: INSTANT,
      jobs: listedJobs([aJob(1, { workMs: SECOND }), impossible]),
      incidents,
      operator: null,
      observers: [],
      untilMs: null,
    });
    expect(summary).toMatchObject({ jobsSubmitted: 2, jobsEnded: 1 });
  });

  it('stops when it is asked to, and says so; says its hash on the way', () => {
    const hashes: string[] = [];
    const jobs = Array.from({ length: 20_000 }, (_, index) =>
      aJob(index + 1, { request: { submitMs: index * SECOND } }),
    );
    const scenario: Scenario = {
      nodes: [{ name: 'n0', resources: WHOLE, gpuType: null, leaf: null }],
      policy: {},
      timing: INSTANT,
      jobs: listedJobs(jobs),
      incidents: null,
      operator: null,
      observers: [],
      untilMs: null,
    };
    const summary = runTwin(scenario, {
      onProgress: (_, submitted) => submitted < 10_000,
      stateHashEvery: 1000,
      onStateHash: (_, __, hash) => hashes.push(hash),
    });
    expect(summary.isInterrupted).toBe(true);
    expect(summary.jobsSubmitted).toBeLessThan(20_000);
    expect(summary.jobsEnded).toBeGreaterThan(0);
    expect(new Set(hashes).size).toBe(hashes.length);
    expect(hashes.length).toBeGreaterThan(10);
  });

  it('refuses jobs that are not in the order of their submission', () => {
    const jobs = [aJob(1, { request: { submitMs: 5 } }), aJob(2)];
    expect(() => run({ jobs })).toThrow('job 2 is submitted before the job that came before it');
  });
});
