import { describe, expect, it } from 'vitest';
import type { AttemptPlan } from './launcher-port.ts';
import { argvOf, rankEnvironment } from './rank-environment.ts';

/** Two nodes with two tasks each. */
const PLAN: AttemptPlan = {
  jobId: 12,
  jobName: 'demo',
  attempt: 3,
  attemptFolder: '/h/jobs/12/attempts/3',
  workFolder: '/h/jobs/12/work',
  checkpointFolder: '/h/jobs/12/checkpoint',
  metricsFile: '/h/jobs/12/metrics.ndjson',
  array: null,
  submitFolder: '/home/a',
  program: { command: ['python3', 'train.py'] },
  environment: { PATH: '/opt/bin:/bin', HOME: '/home/a', RANK: '99', ORRERY_NODE: 'forged' },
  tasks: [0, 1, 2, 3].map((rank) => ({
    rank,
    nodeRank: Math.floor(rank / 2),
    localRank: rank % 2,
    nodeName: `n${Math.floor(rank / 2) + 1}`,
    cpus: 4,
    gpuIndices: [rank % 2],
  })),
  memoryBytesPerNode: 2 ** 30,
  killWaitMs: 30_000,
  logBytesMax: 2 ** 20,
};

function environmentOf(rank: number, gpusOfNode: Map<string, number[]> | null = null, plan = PLAN) {
  const task = plan.tasks[rank];
  if (task === undefined) throw new Error(`no rank ${rank}`);
  return rankEnvironment(plan, task, 29_500, { homeId: 'abcd', gpusOfNode });
}

describe('rankEnvironment', () => {
  it('is the job’s environment and what torch.distributed and the job need to know', () => {
    expect(environmentOf(3)).toEqual({
      PATH: '/opt/bin:/bin',
      HOME: '/home/a',
      PWD: '/h/jobs/12/work',
      OMP_NUM_THREADS: '4',
      MASTER_ADDR: '127.0.0.1',
      MASTER_PORT: '29500',
      WORLD_SIZE: '4',
      RANK: '3',
      LOCAL_RANK: '1',
      LOCAL_WORLD_SIZE: '2',
      NODE_RANK: '1',
      ORRERY_JOB_ID: '12',
      ORRERY_JOB_NAME: 'demo',
      ORRERY_ATTEMPT: '3',
      ORRERY_CHECKPOINT_DIR: '/h/jobs/12/checkpoint',
      ORRERY_METRICS: '/h/jobs/12/metrics.ndjson',
      ORRERY_RANK_METRICS: '/h/jobs/12/attempts/3/rank-3.ndjson',
      ORRERY_SUBMIT_DIR: '/home/a',
      ORRERY_NODE: 'n2',
      ORRERY_TASK_KEY: 'abcd.12.3.3',
    });
  });

  it('leaves OMP_NUM_THREADS to the job, and gives a search path where the job has none', () => {
    const plan = { ...PLAN, environment: { OMP_NUM_THREADS: '1' } };
    expect(environmentOf(0, null, plan)).toMatchObject({ OMP_NUM_THREADS: '1', PATH: expect.stringContaining('/bin') });
  });

  it('shows each task its own GPUs, as the machine counts them', () => {
    const gpusOfNode = new Map([
      ['n1', [0, 2]],
      ['n2', [1, 3]],
    ]);
    expect([0, 1, 2, 3].map((rank) => environmentOf(rank, gpusOfNode)['CUDA_VISIBLE_DEVICES'])).toEqual([
      '0',
      '2',
      '1',
      '3',
    ]);
  });

  it('hides all GPUs from a job without any', () => {
    const plan = { ...PLAN, tasks: PLAN.tasks.map((task) => ({ ...task, gpuIndices: [] })) };
    expect(environmentOf(0, new Map([['n1', [0]]]), plan)).toHaveProperty('CUDA_VISIBLE_DEVICES', '');
  });

  it('refuses a GPU the node does not have', () => {
    expect(() => environmentOf(1, new Map([['n1', [5]]]))).toThrow('node n1 has no GPU 1');
  });
});

describe('argvOf', () => {
  it.each([
    [{ command: ['a', 'b c'] }, ['a', 'b c']],
    [{ script: '#!/bin/bash\nls\n' }, ['/j/script']],
    [{ script: 'ls\n' }, ['/bin/sh', '/j/script']],
  ])('of %j is %j', (program, argv) => {
    expect(argvOf({ ...PLAN, program }, '/j/script')).toEqual(argv);
  });
});
