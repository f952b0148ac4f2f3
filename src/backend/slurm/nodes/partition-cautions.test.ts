import { describe, expect, it } from 'vitest';
import { jobSpecSchema } from '../../../contract/job.ts';
import type { SubmittedJob } from '../../port.ts';
import type { SlurmPartition } from '../output/scontrol-text.ts';
import { enforcedRefusal, partitionCautions } from './partition-cautions.ts';

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
const OLDER = { version: '22.05.8', partitions, qos: null, defaultAccount: null };
const RULES = {
  ...OLDER,
  hasAccounting: true,
  mayBeRewritten: false,
  qos: ['normal', 'long'],
  qosLifts: { normal: [], long: ['maxTimeSeconds'] },
  defaultAccount: 'research',
} as const;
const cautions = (...jobs: SubmittedJob[]) => partitionCautions(jobs, OLDER);

it('says of a job that no partition it names lets it run, which limit that is', () => {
  expect(cautions(job(8, { time: '5-00:00:00' }))).toEqual([
    'Job 8 does not start like this, unless its QOS lifts that: it asks for 5-00:00:00, and partition train gives 2-00:00:00 at most. Submit it again with less --time, or to another partition.',
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

it('knows which limits a QOS lifts, and whom a partition takes', () => {
  const told = (fields: object) => partitionCautions([job(1, fields)], RULES)[0];
  expect(told({ time: '5d', qos: 'long' })).toBeUndefined();
  expect(told({ time: '5d' })).toMatch(/^Job 1 does not start like this: it asks for 5-00:00:00, /);
  const picky = { ...RULES, partitions: [partition('train', { isDefault: true, denyQos: ['long'] })] };
  expect(partitionCautions([job(1, { qos: 'long' })], picky)).toEqual([
    'Job 1 does not start like this: it has QOS long, and partition train does not take long. Submit it again with another --qos, or to another partition.',
  ]);
});

describe('with EnforcePartLimits, which has sbatch refuse it', () => {
  const refusal = (enforcePartLimits: 'ALL' | 'ANY' | 'NO', fields: object, rules: object = {}) =>
    enforcedRefusal(job(1, fields).accepted.spec, { ...RULES, enforcePartLimits, ...rules });
  const TOO_LONG = 'time: it asks for 01:00:00, and partition debug gives 00:30:00 at most (EnforcePartLimits=';

  it('names the limit, the partition and the way out', () => {
    expect(refusal('ALL', { partition: 'debug', time: '1h' })).toBe(
      `${TOO_LONG}ALL): submit it with less --time, or to another partition`,
    );
    expect(refusal('ANY', { partition: 'debug', nodes: 2 })).toBe(
      'nodes: it asks for 2 nodes, and jobs of partition debug have 1 at most (EnforcePartLimits=ANY): submit it with another --nodes, or to another partition',
    );
    expect(refusal('NO', { partition: 'debug', time: '1h' })).toBeNull();
    expect(refusal('ALL', { partition: 'debug', time: '30m' })).toBeNull();
  });

  it('goes by all of its partitions with ALL, and by one that takes it with ANY', () => {
    const several = { partition: 'debug,free', time: '1h' };
    expect(refusal('ANY', several)).toBeNull();
    expect(refusal('ALL', several)).toBe(
      `${TOO_LONG}ALL): submit it without partition debug, since all that it names have to take it`,
    );
    expect(refusal('ANY', { partition: 'debug,train', time: '5d' })).toMatch(
      /^time: .* partition train gives 2-00:00:00 /,
    );
  });

  it('leaves to sbatch what a QOS may lift', () => {
    const long = { partition: 'debug', time: '1h', qos: 'long' };
    expect(refusal('ALL', long)).toBeNull();
    expect(refusal('ALL', { ...long, qos: 'normal' }, { defaultQos: { research: 'long' } })).toBeNull();
    expect(refusal('ALL', { ...long, qos: 'normal' }, { qos: null, qosLifts: {} })).toBeNull();
    expect(refusal('ALL', { ...long, qos: 'normal' }, { qosLifts: undefined })).toBeNull();
    expect(
      refusal('ALL', { ...long, qos: 'normal' }, { qos: null, qosLifts: {}, hasAccounting: false }),
    ).not.toBeNull();
    expect(refusal('ALL', { ...long, qos: 'normal' }, { defaultQos: { research: null } })).toBeNull();
    const choosy = { partitions: [partition('debug', { allowQos: ['long'] })], defaultQos: { research: null } };
    expect(refusal('ALL', { partition: 'debug' }, choosy)).toBeNull();
    const ofItself = { partitions: [partition('debug', { maxTimeSeconds: 1800, qos: 'long' })] };
    expect(refusal('ALL', { ...long, qos: 'normal' }, ofItself)).toBeNull();
  });

  it('leaves to sbatch what a plugin of the site may send elsewhere first', () => {
    expect(refusal('ALL', { time: '5d' })).toMatch(/^time: /);
    expect(refusal('ALL', { time: '5d' }, { mayBeRewritten: true })).toBeNull();
    expect(refusal('ALL', { time: '5d' }, { mayBeRewritten: undefined })).toBeNull();
    expect(partitionCautions([job(1, { time: '5d' })], { ...RULES, mayBeRewritten: true })).toEqual([
      'Job 1 does not start like this, unless a plugin of the site changes that: it asks for 5-00:00:00, and partition train gives 2-00:00:00 at most. Submit it again with less --time, or to another partition.',
    ]);
  });

  it('goes by accounts with 22.05, where those below one that is named are not named', () => {
    const own = { partitions: [partition('debug', { allowAccounts: ['vision'] })] };
    expect(refusal('ALL', { partition: 'debug' }, own)).toMatch(
      /^account: it is of account research, .* takes vision only/,
    );
    expect(refusal('ALL', { partition: 'debug' }, { ...own, version: '24.11.5' })).toBeNull();
  });
});
