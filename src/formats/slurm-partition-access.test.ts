import { expect, it } from 'vitest';
import { ignoredOf, NODES, parse } from './slurm-conf.test-support.ts';

const partitionsOf = (text: string, dump?: string) => {
  const qos = dump === undefined ? {} : { qos: { name: 'qos.txt', text: dump } };
  return parse(`${NODES}${text}`, qos).policy.partitions?.map((partition) => {
    return Object.fromEntries(Object.entries(partition).filter(([key]) => key !== 'nodes' && key !== 'isDefault'));
  });
};
const DUMP = 'Name|Priority|Flags|GrpTRES\nnormal|0||\nwide|0|DenyOnLimit,OverPartQOS|gres/gpu=16\n';

it('partitions take the jobs of accounts and QOS, in lower case, or do not', () => {
  const lines = [
    'PartitionName=DEFAULT AllowAccounts=Vision,speech',
    'PartitionName=a',
    'PartitionName=b AllowAccounts=ALL DenyQos=low,HIGH',
    'PartitionName=c AllowAccounts=all AllowQos=ALL',
  ];
  expect(partitionsOf(lines.join('\n'))).toEqual([
    { name: 'a', allowAccounts: ['vision', 'speech'] },
    { name: 'b', denyQos: ['low', 'high'] },
    { name: 'c' },
  ]);
});

it('beside whom a partition takes, whom it does not take says nothing', () => {
  const line = 'PartitionName=a AllowAccounts=vision DenyAccounts=vision AllowQos=normal DenyQos=low\n';
  expect(partitionsOf(line)).toEqual([{ name: 'a', allowAccounts: ['vision'], allowQos: ['normal'] }]);
  expect(ignoredOf(`${NODES}${line}`)).toEqual([
    'slurm.conf:2 PartitionName=a DenyAccounts=vision: beside AllowAccounts it says nothing, as in Slurm',
    'slurm.conf:2 PartitionName=a DenyQos=low: beside AllowQos it says nothing, as in Slurm',
  ]);
});

it('without a database there is nobody to take or not to take', () => {
  const line = 'ClusterName=pod GresTypes=gpu\nPartitionName=a AllowAccounts=vision DenyQos=low QOS=wide\n';
  expect(partitionsOf(line, DUMP)).toEqual([{ name: 'a' }]);
  expect(ignoredOf(`${NODES}${line}`).map((told) => told.replace(/: without .*/, ''))).toEqual([
    'slurm.conf:3 PartitionName=a AllowAccounts=vision',
    'slurm.conf:3 PartitionName=a DenyQos=low',
    'slurm.conf:3 PartitionName=a QOS=wide',
  ]);
  const withDatabase = `AccountingStorageType=accounting_storage/slurmdbd\n${line}`;
  expect(partitionsOf(withDatabase, DUMP)).toEqual([
    { name: 'a', allowAccounts: ['vision'], denyQos: ['low'], qos: 'wide' },
  ]);
});

it('the QOS of a partition is that of the dump', () => {
  const line = 'PartitionName=a QOS=Wide\nPartitionName=b QOS=N/A\n';
  const conf = parse(`${NODES}${line}`, { qos: { name: 'qos.txt', text: DUMP } });
  expect(conf.policy.partitions?.map(({ qos }) => qos)).toEqual(['wide', undefined]);
  expect(conf.policy.qos?.[1]).toEqual({
    name: 'wide',
    priority: 0,
    isOverPartitionQos: true,
    isDeniedOnLimit: true,
    group: { gpus: 16 },
  });
  expect(conf.ignored.map(({ key }) => key)).toEqual([]);
  expect(ignoredOf(`${NODES}${line}`)).toEqual([
    'slurm.conf:2 PartitionName=a QOS=Wide: what it limits is in the dump of QOS alone: give that too',
  ]);
  const other = { qos: { name: 'qos.txt', text: 'Name|Priority\nnormal|0\n' } };
  expect(ignoredOf(`${NODES}${line}`, other)).toEqual([
    'slurm.conf:2 PartitionName=a QOS=Wide: the dump of QOS has none of this name, and nothing is limited by it',
  ]);
});

it('CPUs of a node that jobs of a partition have together', () => {
  const line = 'PartitionName=a MaxCPUsPerNode=16\nPartitionName=b MaxCPUsPerNode=UNLIMITED\nPartitionName=c\n';
  expect(partitionsOf(`SelectType=select/cons_tres\n${line}`)).toEqual([
    { name: 'a', maxCpusPerNode: 16 },
    { name: 'b' },
    { name: 'c' },
  ]);
  expect(partitionsOf(line)).toEqual([{ name: 'a' }, { name: 'b' }, { name: 'c' }]);
  expect(ignoredOf(`${NODES}${line}`)).toEqual([
    'slurm.conf:2 PartitionName=a MaxCPUsPerNode=16: with select/linear it changes nothing in Slurm either: jobs have whole nodes',
  ]);
});
