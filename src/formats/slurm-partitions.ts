import type { NodeSpec } from '../cluster/node.ts';
import type { PartitionPolicy } from '../scheduler/policy.ts';
import {
  badConf,
  type ConfLine,
  flagSetting,
  type IgnoredSetting,
  integerSetting,
  timeSetting,
} from './slurm-conf-lines.ts';
import { hostsOf, type SlurmNodes } from './slurm-nodes.ts';

export interface SlurmPartitions {
  partitions: PartitionPolicy[];
  /** `OverSubscribe=EXCLUSIVE`: their jobs have whole nodes. */
  exclusive: string[];
}

const NOT_MODELLED: Readonly<Record<string, string>> = {
  allowaccounts: 'every account may use it',
  allowgroups: 'every user may use it',
  allowqos: 'every QOS may use it',
  cpubind: 'tasks are not bound',
  defcpupergpu: "a job without CPUs has its GPUs' share of the node's",
  defmempercpu: "a job without memory has its GPUs' share of the node's",
  defmempergpu: "a job without memory has its GPUs' share of the node's",
  defmempernode: "a job without memory has its GPUs' share of the node's",
  denyaccounts: 'every account may use it',
  denyqos: 'every QOS may use it',
  gracetime: 'grace is that of the QOS',
  maxcpuspernode: 'a job may use all CPUs of a node',
  maxmempercpu: 'a job may use all memory of a node',
  maxmempernode: 'a job may use all memory of a node',
  maxnodes: 'a job of any size is taken',
  minnodes: 'a job of any size is taken',
  qos: 'limits of a partition QOS are not kept',
  tresbillingweights: 'use is counted by GPUs',
};

/** Partitions of `PartitionName` lines. Throws ORR_BAD_FILE. */
export function readSlurmPartitions(
  lines: readonly ConfLine[],
  nodeSets: readonly ConfLine[],
  cluster: SlurmNodes,
  ignored: IgnoredSetting[],
): SlurmPartitions {
  const partitions: PartitionPolicy[] = [];
  const exclusive: string[] = [];
  const sets = readNodeSets(nodeSets, cluster);
  let defaults: ReadonlyMap<string, string> = new Map();
  for (const own of lines) {
    const name = own.values.get('partitionname') ?? '';
    const line: ConfLine = { ...own, values: new Map([...defaults, ...own.values]) };
    if (name.toUpperCase() === 'DEFAULT') {
      defaults = new Map([...line.values].filter(([key]) => key !== 'partitionname'));
      continue;
    }
    const state = line.values.get('state')?.toUpperCase() ?? 'UP';
    if (state !== 'UP') {
      ignored.push({ ...own, key: `PartitionName=${name}`, reason: `State=${state}: the partition is left out` });
      continue;
    }
    for (const [key, value] of line.values) {
      const reason = NOT_MODELLED[key];
      if (reason !== undefined && !/^(?:ALL|UNLIMITED|0|1)$/i.test(value)) {
        ignored.push({ ...own, key: `PartitionName=${name} ${key}=${value}`, reason });
      }
    }
    if (line.values.has('preemptmode')) {
      ignored.push({ ...own, key: `PartitionName=${name} PreemptMode`, reason: 'the mode of the cluster counts' });
    }
    const oversubscribe = (line.values.get('oversubscribe') ?? line.values.get('shared') ?? 'NO').toUpperCase();
    if (oversubscribe === 'EXCLUSIVE') exclusive.push(name);
    else if (/^(?:FORCE|YES)/.test(oversubscribe)) {
      ignored.push({
        ...own,
        key: `PartitionName=${name} OverSubscribe=${oversubscribe}`,
        reason: 'nothing is given twice',
      });
    }
    partitions.push(partitionOf(name, line, cluster.nodes, sets));
  }
  return { partitions, exclusive };
}

function partitionOf(
  name: string,
  line: ConfLine,
  nodes: readonly NodeSpec[],
  sets: ReadonlyMap<string, readonly string[]>,
): PartitionPolicy {
  const list = line.values.get('nodes') ?? '';
  const tier = integerSetting(line, 'PriorityTier') ?? integerSetting(line, 'Priority');
  const factor = integerSetting(line, 'PriorityJobFactor') ?? integerSetting(line, 'Priority');
  const maxTime = timeSetting(line, 'MaxTime');
  const defaultTime = timeSetting(line, 'DefaultTime');
  const partition: PartitionPolicy = { name, nodes: null, isDefault: flagSetting(line, 'Default') ?? false };
  if (list.toUpperCase() !== 'ALL') partition.nodes = namesOf(list, line, nodes, sets);
  if (tier !== undefined) partition.priorityTier = tier;
  if (factor !== undefined) partition.priorityJobFactor = factor;
  if (maxTime !== undefined) partition.maxTimeSeconds = maxTime;
  if (defaultTime !== undefined) partition.defaultTimeSeconds = defaultTime;
  return partition;
}

function namesOf(
  list: string,
  line: ConfLine,
  nodes: readonly NodeSpec[],
  sets: ReadonlyMap<string, readonly string[]>,
): string[] {
  if (list === '') return [];
  const known = new Set(nodes.map(({ name }) => name));
  const names = hostsOf(list, line, 'Nodes').flatMap((name) => sets.get(name) ?? [name]);
  const stranger = names.find((name) => !known.has(name));
  if (stranger !== undefined) {
    throw badConf(
      line.file,
      line.line,
      `Nodes: expected nodes that NodeName lines declare, up at the start; got ${stranger}`,
    );
  }
  return [...new Set(names)];
}

function readNodeSets(lines: readonly ConfLine[], { nodes, features }: SlurmNodes): Map<string, readonly string[]> {
  const sets = new Map<string, readonly string[]>();
  for (const line of lines) {
    const list = line.values.get('nodes') ?? '';
    const feature = line.values.get('feature') ?? '';
    const named =
      list === '' ? [] : list.toUpperCase() === 'ALL' ? nodes.map(({ name }) => name) : hostsOf(list, line, 'Nodes');
    sets.set(line.values.get('nodeset') ?? '', [...named, ...(features.get(feature) ?? [])]);
  }
  return sets;
}
