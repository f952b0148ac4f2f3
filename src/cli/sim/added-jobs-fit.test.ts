import { describe, expect, it } from 'vitest';
import type { NodeSpec } from '../../cluster/node.ts';
import { fitAddedJobs } from './added-jobs-fit.ts';
import type { TimedJob } from './planned-jobs.ts';

const nodes: NodeSpec[] = Array.from({ length: 4 }, (_, index) => ({
  name: `n${index + 1}`,
  resources: { cpus: 64, memoryBytes: 1e12, gpus: index === 3 ? 4 : 8 },
  gpuType: null,
  leaf: null,
}));
const policy = {
  qos: [{ name: 'high' }],
  partitions: [
    { name: 'all', isDefault: true },
    { name: 'few', nodes: ['n1', 'n2'] },
  ],
};
const aJob = (fields: Partial<TimedJob>): TimedJob => ({
  submitHours: 0,
  nodes: 1,
  hours: 1,
  checkpointing: null,
  outcome: 'COMPLETED',
  ...fields,
});
const fit = (...jobs: TimedJob[]) => fitAddedJobs(jobs, nodes, policy, 'mine');

describe('jobs that a scenario adds', () => {
  it('stay as they are where cluster and policy have what they ask for', () => {
    const jobs = [aJob({ nodes: 3, qos: 'high' }), aJob({ nodes: 4, gpusPerNode: 4, qos: 'normal', partition: 'all' })];
    expect(fit(...jobs)).toEqual({ jobs, remarks: [] });
  });

  it.each([
    [
      { nodes: 5, name: 'huge', gpusPerNode: 1 },
      'jobs[1] (huge): it asks for 5 nodes with 1 GPU each; mine has 4 such',
    ],
    [{ nodes: 4 }, 'jobs[1]: it asks for 4 nodes with 8 GPUs each; mine has 3 such'],
    [{ gpusPerNode: 16 }, 'jobs[1]: it asks for 1 node with 16 GPUs each; mine has 0 such'],
    [{ nodes: 3, partition: 'few' }, 'jobs[1]: it asks for 3 nodes with 8 GPUs each; partition few of mine has 2 such'],
  ])('are refused where it could never hold them: %j', (fields, message) => {
    expect(() => fit(aJob({}), aJob(fields))).toThrow(message);
  });

  it('lose a QOS and a partition that are not there, which is said', () => {
    const { jobs, remarks } = fit(aJob({ qos: 'nonesuch', partition: 'gone' }));
    expect(jobs).toEqual([aJob({})]);
    expect(remarks[0]?.what).toBe(
      'left out of the jobs that the scenario adds: QOS nonesuch, partition gone: the policy has none of this name',
    );
  });
});
