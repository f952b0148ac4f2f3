import { expect, it } from 'vitest';
import { jobSpecSchema } from '../../../contract/job.ts';
import type { SubmittedJob } from '../../port.ts';
import type { SlurmPartition } from '../output/scontrol-text.ts';
import { partitionCautions } from './partition-cautions.ts';

const partition = (name: string, fields: Partial<SlurmPartition>): SlurmPartition => ({
  name,
  isDefault: false,
  isUp: true,
  nodeNames: ['n1', 'n2'],
  priorityTier: 1,
  maxTimeSeconds: null,
  defaultTimeSeconds: null,
  ...fields,
});
const partitions = [
  partition('train', { isDefault: true, maxTimeSeconds: 2 * 86_400 }),
  partition('debug', { maxTimeSeconds: 1800, maxNodes: 1 }),
  partition('free', {}),
];

function job(jobId: number, fields: object): SubmittedJob {
  const spec = jobSpecSchema.parse({ name: 'x', command: ['true'], ...fields });
  return { jobId, accepted: { spec, environment: {}, code: null }, submission: {} };
}
const cautions = (...jobs: SubmittedJob[]) => partitionCautions(jobs, { partitions });

it('says of a job that no partition it names lets it run, which limit that is', () => {
  expect(cautions(job(8, { time: '5-00:00:00' }))).toEqual([
    'Job 8 does not start like this, unless its QOS lifts that: it asks for 5-00:00:00, and partition train gives 2-00:00:00 at most. Submit it again with less --time.',
  ]);
  expect(cautions(job(9, { nodes: 2, partition: 'debug' }))).toEqual([
    'Job 9 does not start like this, unless its QOS lifts that: it asks for 2 nodes, and jobs of partition debug have 1 at most. Submit it again with another --nodes, or to another partition.',
  ]);
});

it('says nothing where one of them does, or nothing is asked for', () => {
  expect(cautions(job(1, {}), job(2, { time: '2-00:00:00' }), job(3, { partition: 'debug,free', time: '3d' }))).toEqual(
    [],
  );
});

it('says it once of an array', () => {
  const first = job(1, { time: '5d' });
  expect(cautions(first, { ...first, jobId: 2 }, { ...first, jobId: 3 })).toHaveLength(1);
});
