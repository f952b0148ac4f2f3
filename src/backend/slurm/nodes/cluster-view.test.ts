import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { type JobSpecInput, jobSpecSchema } from '../../../contract/job.ts';
import { type ClusterView, hasPlugin, oldVersion, readCluster, refusalOf } from './cluster-view.ts';
import { parseNodes, parsePartitions } from '../output/scontrol-text.ts';
import { SlurmCommands } from '../slurm-commands.ts';

const node = (name: string, gres: string, features = '(null)') =>
  `NodeName=${name} CPUAlloc=0 CPUTot=64 AvailableFeatures=${features} Gres=${gres} RealMemory=1024000 State=IDLE Partitions=gpu`;

const view: ClusterView = {
  name: 'lab',
  version: '22.05.8',
  nodes: parseNodes(
    [
      node('g1', 'gpu:a100:8', 'a100,nvlink'),
      node('g2', 'gpu:a100:8'),
      node('c1', '(null)'),
      node('m1', '(null)'),
    ].join('\n'),
  ),
  partitions: parsePartitions(
    [
      'PartitionName=gpu Default=YES MaxTime=UNLIMITED Nodes=g[1-2]',
      'PartitionName=cpu Default=NO Nodes=c1',
      'PartitionName=mixed Default=NO Nodes=g1,m1',
    ].join('\n'),
  ),
  isPreempting: false,
  qos: ['normal', 'high'],
  accounts: ['research'],
  defaultAccount: 'research',
  remarks: [],
};

describe('what Slurm would never run is refused at once', () => {
  it.each<[JobSpecInput, string | null]>([
    [{ nodes: 2, gpusPerNode: 8, gpuType: 'a100', qos: 'high', account: 'research' }, null],
    [{ partition: 'nosuch' }, 'partition: no "nosuch": expected one of gpu, cpu, mixed'],
    [{ partition: 'cpu,nosuch' }, 'partition: no "nosuch": expected one of gpu, cpu, mixed'],
    [{ partition: 'cpu,gpu', gpusPerNode: 8 }, null],
    [{ partition: 'cpu, gpu', gpusPerNode: 8 }, null],
    [{ partition: 'cpu,gpu', nodes: 3 }, 'nodes: expected at most 2, those of partition gpu with 1 CPU; got 3'],
    [{ qos: 'gold' }, 'qos: no "gold": expected one of normal, high'],
    [{ account: 'other' }, 'account: me has no "other": expected one of research'],
    [{ user: 'you' }, 'user: jobs run as me, who the daemon is: leave "user" out'],
    [{ priority: 5 }, 'priority: Slurm works it out: use nice to lower it, or another QOS'],
    [{ nodes: 3 }, 'nodes: expected at most 2, those of partition gpu with 1 CPU; got 3'],
    [{ nodes: 2, exclude: ['g1'] }, 'nodes: expected at most 1, those of partition gpu with 1 CPU; got 2'],
    [
      { gpusPerNode: 8, gpuType: 'h100' },
      'nodes: none of partition gpu has 8 CPUs, 8 h100 GPUs: they have 64 CPUs, 1000G of memory, 8 a100 GPUs',
    ],
    [
      { memory: '1001G', exclude: ['g1'] },
      'nodes: none of partition gpu has 1 CPU, 1001G of memory: they have 64 CPUs, 1000G of memory, 8 a100 GPUs',
    ],
    [{ nodes: 2, nodelist: ['g2'] }, null],
    [{ nodelist: ['g9'] }, 'nodelist: no node "g9": expected some of g1, g2, c1, m1'],
    [{ nodelist: ['c1'] }, 'nodelist: c1 is not in partition gpu: expected some of g1, g2'],
    [{ nodelist: ['m1'], partition: 'mixed', gpusPerNode: 1 }, 'nodelist: m1 does not have 1 CPU, 1 GPU'],
    [{ constraint: 'nvlink' }, null],
    [{ constraint: 'h100' }, 'constraint: no node of partition gpu has "h100": expected one of a100, nvlink'],
    [
      { constraint: 'h100', partition: 'cpu' },
      'constraint: no node of partition cpu has "h100": they have no features',
    ],
    [
      { constraint: 'nvlink', nodes: 2 },
      'nodes: expected at most 1, those of partition gpu with 1 CPU, feature nvlink; got 2',
    ],
    [{ constraint: 'h100|h200' }, null],
    [{ exclude: ['g1', 'g2'] }, 'nodes: none of partition gpu has 1 CPU: all are excluded'],
    [
      { partition: 'cpu', gpusPerNode: 1 },
      'nodes: none of partition cpu has 1 CPU, 1 GPU: they have 64 CPUs, 1000G of memory',
    ],
  ])('%j: %s', (spec, message) => {
    expect(refusalOf(jobSpecSchema.parse({ command: ['true'], ...spec }), 'me', view)).toBe(message);
  });

  it('leaves features to sbatch where the cluster was seen last before they were looked at', () => {
    const nodes = structuredClone(view.nodes);
    for (const seen of nodes) delete seen.features;
    const spec = jobSpecSchema.parse({ command: ['true'], constraint: 'h100' });
    expect(refusalOf(spec, 'me', { ...view, nodes })).toBeNull();
  });

  it('leaves to sbatch what is not known without accounting', () => {
    const bare = { ...view, qos: null, accounts: null };
    const spec = jobSpecSchema.parse({ command: ['true'], qos: 'gold', account: 'other' });
    expect(refusalOf(spec, 'me', bare)).toBeNull();
  });
});

it('where a plugin may choose the partition of a job that names none, any of them will do', () => {
  const refusal = (spec: JobSpecInput, fields: Partial<ClusterView>) =>
    refusalOf(jobSpecSchema.parse({ command: ['true'], ...spec }), 'me', { ...view, mayBeRewritten: true, ...fields });
  const exclude = ['g1', 'g2'];
  expect(refusal({ exclude }, { mayBeRewritten: false })).toMatch(/^nodes: none of partition gpu /);
  expect(refusal({ exclude }, {})).toBeNull();
  expect(refusal({ exclude, partition: 'gpu' }, {})).toMatch(/^nodes: none of partition gpu /);
  expect(refusal({ nodes: 3 }, {})).toBe('nodes: expected at most 2, those of partition gpu with 1 CPU; got 3');
  const partitions = view.partitions.filter(({ isDefault }) => !isDefault);
  expect(refusal({}, { partitions, mayBeRewritten: false })).toMatch(/^partition: the cluster has no default: /);
  expect(refusal({}, { partitions })).toBeNull();
});

it.each([
  ['preempt/qos', true],
  ['preempt/partition_prio', true],
  ['preempt/none', false],
  ['lua', true],
  ['(null)', false],
  ['', false],
  [undefined, false],
])('a cluster that shows %s has a plugin: %s', (shown, isThere) => {
  expect(hasPlugin(shown)).toBe(isThere);
});

describe('the version of Slurm', () => {
  it.each([
    ['21.08.8', true],
    ['22.05.0', false],
    ['24.11.1', false],
    ['unknown', false],
  ])('%s is too old: %s', (version, isOld) => {
    expect(oldVersion(version) !== null).toBe(isOld);
  });
});

describe('the QOS of a job that names none', () => {
  const readWith = async (associations: string) => {
    const folder = mkdtempSync(join(tmpdir(), 'orrery-qos-'));
    const texts = { scontrol: 'ClusterName = lab\\nSLURM_VERSION = 22.05.8', sacctmgr: associations };
    for (const [name, text] of Object.entries(texts)) {
      const isOther = name === 'scontrol' ? '*node*|*partition*' : '*qos\\ format*|*user\\ format*|*name=*';
      const script = `#!/bin/sh\ncase "$*" in ${isOther}) ;; *) printf '${text}\\n' ;; esac\n`;
      writeFileSync(join(folder, name), script, { mode: 0o755 });
    }
    const env = { PATH: `${folder}:/usr/bin:/bin` };
    const commands = new SlurmCommands({ host: null, socketFolder: null, env, timeoutMs: 10_000 });
    const { defaultQos } = await readCluster(commands, 'me');
    rmSync(folder, { recursive: true });
    return defaultQos;
  };

  it.each([
    ['that of the association', 'research|lab|long|long,normal', { research: 'long' }],
    ['the only one that is allowed', 'research|lab||debug', { research: 'debug' }],
    ['that of Slurm', 'research|lab||debug,normal', {}],
    [
      'not known before the partition is',
      'research|lab||debug\\nresearch|lab|long|long,normal\\nresearch|lab||debug',
      { research: null },
    ],
    ['none of another cluster', 'research|old|long|long\\nresearch|lab||debug', { research: 'debug' }],
  ])('is %s', async (_what, associations, expected) => {
    expect(await readWith(associations)).toEqual(expected);
  });
});

describe('a Slurm that does not show everything', () => {
  it('is worked with all the same, and what it hides is said', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'orrery-private-'));
    const denied = (what: string) => `echo 'slurm_load_${what} error: Access/permission denied' >&2; exit 1`;
    const scontrol = [
      'case "$*" in',
      `  *node*) ${denied('node')} ;;`,
      `  *partition*) ${denied('partitions')} ;;`,
      "  *) printf 'JobSubmitPlugins = lua\\nPrivateData = jobs,nodes\\nSLURM_VERSION = 22.05.8\\n' ;;",
      'esac',
    ];
    const sacctmgr = ["echo 'sacctmgr: error: Problem talking to the database: Connection refused' >&2; exit 1"];
    for (const [name, lines] of Object.entries({ scontrol, sacctmgr })) {
      writeFileSync(join(folder, name), `#!/bin/sh\n${lines.join('\n')}\n`, { mode: 0o755 });
    }
    const env = { PATH: `${folder}:/usr/bin:/bin` };
    const commands = new SlurmCommands({ host: null, socketFolder: null, env, timeoutMs: 10_000 });
    const seen = await readCluster(commands, 'me');
    rmSync(folder, { recursive: true });
    expect(seen).toMatchObject({ version: '22.05.8', nodes: [], partitions: [], mayBeRewritten: true });
    expect(seen.privateData).toEqual(['jobs', 'nodes']);
    expect(seen.remarks.toSorted()).toEqual([
      'Slurm does not show me its nodes (PrivateData=nodes): jobs run, and sbatch alone says what is wrong with them',
      'Slurm does not show me its partitions (PrivateData=partitions): jobs run, and sbatch alone says what is wrong with them',
      'no accounting (Problem talking to the database: Connection refused): ends of jobs are taken from squeue and their exit files',
    ]);
    expect(refusalOf(jobSpecSchema.parse({ command: ['true'], nodes: 900 }), 'me', seen)).toBeNull();
  });
});
