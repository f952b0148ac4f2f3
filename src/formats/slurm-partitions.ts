import type { PreemptMode } from '../scheduler/qos-and-accounts.ts';
import type { PartitionPolicy } from '../scheduler/policy.ts';
import {
  badConf,
  type ConfLine,
  flagSetting,
  type IgnoredSetting,
  integerSetting,
  minutesSetting,
  overTimeSetting,
} from './slurm-conf-lines.ts';
import { type DefaultAmounts, readPartitionAmounts } from './slurm-default-ask.ts';
import { readBillingWeights } from './slurm-billing.ts';
import { type AccessContext, readPartitionAccess } from './slurm-partition-access.ts';
import { hostsOf, type SlurmNodes } from './slurm-nodes.ts';

export interface SlurmPartitions {
  partitions: PartitionPolicy[];
  /** `OverSubscribe=EXCLUSIVE`: their jobs have whole nodes. */
  exclusive: string[];
  /** What jobs that do not say have there, where it is not as on the cluster. */
  defaults: Record<string, DefaultAmounts>;
}

const NOT_MODELLED: Readonly<Record<string, string>> = {
  allocnodes: 'jobs are submitted from any node',
  allowgroups: 'every user may use it',
  alternate: 'no other partition takes its jobs',
  cpubind: 'tasks are not bound',
  exclusivetopo: 'jobs share what a switch connects',
  exclusiveuser: 'users share nodes',
  lln: 'placement packs nodes and leaf switches',
  maxcpuspersocket: 'its jobs may use all CPUs of a socket',
  maxmempercpu: 'a job may use all memory of a node',
  maxmempernode: 'a job may use all memory of a node',
  reqresv: 'jobs without a reservation may use it',
  rootonly: 'every user may use it',
  selecttypeparameters: 'resources are those of the cluster',
};

/** What the lines of partitions are read with. */
export interface PartitionContext {
  cluster: SlurmNodes;
  defaults: DefaultAmounts;
  /** `preempt/partition_prio`: partitions say what becomes of a job that is preempted. */
  isPreemptedByPartition: boolean;
  access: AccessContext;
  /** `select/linear`: jobs have whole nodes. */
  isLinear: boolean;
  /** Memory is a resource that can run out: jobs have what they ask for. */
  isMemoryConsumed: boolean;
}

/** Partitions of `PartitionName` lines. Throws ORR_BAD_FILE. */
export function readSlurmPartitions(
  lines: readonly ConfLine[],
  nodeSets: readonly ConfLine[],
  {
    cluster,
    defaults: clusterDefaults,
    isPreemptedByPartition,
    access: accessContext,
    isLinear,
    isMemoryConsumed,
  }: PartitionContext,
  ignored: IgnoredSetting[],
): SlurmPartitions {
  const partitions: PartitionPolicy[] = [];
  const exclusive: string[] = [];
  const partitionDefaults: Record<string, DefaultAmounts> = {};
  const sets = readNodeSets(nodeSets, cluster);
  let defaults: ReadonlyMap<string, string> = new Map();
  for (const own of lines) {
    const name = own.values.get('partitionname') ?? '';
    const line: ConfLine = { ...own, values: new Map([...defaults, ...own.values]) };
    if (name.toUpperCase() === 'DEFAULT') {
      defaults = new Map([...line.values].filter(([key]) => key !== 'partitionname'));
      continue;
    }
    if (partitions.some((known) => known.name === name)) {
      ignored.push({ ...own, key: `PartitionName=${name}`, reason: 'it was declared before: the first counts' });
      continue;
    }
    const state = line.values.get('state')?.toUpperCase() ?? 'UP';
    if (state !== 'UP') {
      ignored.push({ ...own, key: `PartitionName=${name}`, reason: `State=${state}: the partition is left out` });
      continue;
    }
    for (const [key, value] of line.values) {
      const reason = NOT_MODELLED[key];
      if (reason !== undefined && !isNothing(value)) {
        ignored.push({ ...own, key: `PartitionName=${name} ${key}=${value}`, reason });
      }
    }
    const oversubscribe = (line.values.get('oversubscribe') ?? line.values.get('shared') ?? 'NO').toUpperCase();
    if (oversubscribe === 'EXCLUSIVE') exclusive.push(name);
    else if (/^(?:FORCE|YES)(?!:1$)/.test(oversubscribe)) {
      ignored.push({
        ...own,
        key: `PartitionName=${name} OverSubscribe=${oversubscribe}`,
        reason: 'nothing is given twice',
      });
    }
    const amounts = readPartitionAmounts(line, clusterDefaults);
    if (amounts !== null) partitionDefaults[name] = amounts;
    const preemption = isPreemptedByPartition ? preemptionOf(name, line, ignored) : {};
    const billing = readBillingWeights(line, isMemoryConsumed, ignored);
    const access = readPartitionAccess({ ...own, values: line.values }, accessContext, ignored);
    const cap = cpuCapOf(name, { ...own, values: line.values }, isLinear, ignored);
    partitions.push({
      ...partitionOf(name, line, cluster, sets, ignored),
      ...cap,
      ...access,
      ...preemption,
      ...billing,
    });
  }
  // Of several defaults the last counts.
  const standard = partitions.findLast(({ isDefault }) => isDefault === true);
  for (const partition of partitions) partition.isDefault = partition === standard;
  return { partitions, exclusive, defaults: partitionDefaults };
}

/** CPUs of a node that its jobs have together. */
function cpuCapOf(
  name: string,
  line: ConfLine,
  isLinear: boolean,
  ignored: IgnoredSetting[],
): Pick<PartitionPolicy, 'maxCpusPerNode'> {
  const text = line.values.get('maxcpuspernode') ?? '';
  if (isNothing(text)) return {};
  if (isLinear) {
    const reason = 'with select/linear it changes nothing in Slurm either: jobs have whole nodes';
    ignored.push({ ...line, key: `PartitionName=${name} MaxCPUsPerNode=${text}`, reason });
    return {};
  }
  const maxCpusPerNode = integerSetting(line, 'MaxCPUsPerNode');
  return maxCpusPerNode === undefined ? {} : { maxCpusPerNode };
}

/** Whether the value is that of a partition for which nobody has set anything. */
function isNothing(value: string): boolean {
  return /^(?:ALL|UNLIMITED|INFINITE|NO|0|)$/i.test(value);
}

const PREEMPT_MODES: Readonly<Record<string, PreemptMode>> = { OFF: 'off', CANCEL: 'cancel', REQUEUE: 'requeue' };

function preemptionOf(
  name: string,
  line: ConfLine,
  ignored: IgnoredSetting[],
): Pick<PartitionPolicy, 'preemptMode' | 'graceSeconds'> {
  const preemption: Pick<PartitionPolicy, 'preemptMode' | 'graceSeconds'> = {};
  const words = (line.values.get('preemptmode') ?? '').toUpperCase().split(',');
  for (const word of words.filter((one) => one !== '' && one !== 'GANG')) {
    const mode = PREEMPT_MODES[word];
    preemption.preemptMode = mode ?? 'off';
    if (mode === undefined) {
      const reason = 'no job is suspended: none of it is preempted';
      ignored.push({ ...line, key: `PartitionName=${name} PreemptMode=${word}`, reason });
    }
  }
  const grace = integerSetting(line, 'GraceTime');
  if (grace !== undefined && grace > 0) preemption.graceSeconds = grace;
  return preemption;
}

function partitionOf(
  name: string,
  line: ConfLine,
  cluster: SlurmNodes,
  sets: ReadonlyMap<string, readonly string[]>,
  ignored: IgnoredSetting[],
): PartitionPolicy {
  const list = line.values.get('nodes') ?? '';
  // It says both, over what else says one of them.
  const priority = integerSetting(line, 'Priority');
  const tier = priority ?? integerSetting(line, 'PriorityTier');
  const factor = priority ?? integerSetting(line, 'PriorityJobFactor');
  const maxTime = minutesSetting(line, 'MaxTime');
  const defaultTime = defaultTimeOf(name, line, maxTime ?? Infinity, ignored);
  const overTime = overTimeSetting(line);
  const minNodes = integerSetting(line, 'MinNodes');
  const isBounded = !/^(?:UNLIMITED|INFINITE|)$/i.test(line.values.get('maxnodes') ?? '');
  const maxNodes = isBounded ? integerSetting(line, 'MaxNodes') : undefined;
  const partition: PartitionPolicy = { name, nodes: null, isDefault: flagSetting(line, 'Default') ?? false };
  if (list.toUpperCase() !== 'ALL') partition.nodes = namesOf(list, line, cluster, sets);
  if (tier !== undefined) partition.priorityTier = tier;
  if (factor !== undefined) partition.priorityJobFactor = factor;
  if (minNodes !== undefined && minNodes > 1) partition.minNodes = minNodes;
  if (maxNodes !== undefined) partition.maxNodes = maxNodes;
  if (maxTime !== undefined) partition.maxTimeSeconds = maxTime;
  if (defaultTime !== undefined) partition.defaultTimeSeconds = defaultTime;
  if (overTime !== undefined) partition.overTimeSeconds = overTime;
  return partition;
}

/** One that is longer than the longest counts for none. */
function defaultTimeOf(
  name: string,
  line: ConfLine,
  maxSeconds: number,
  ignored: IgnoredSetting[],
): number | null | undefined {
  const seconds = minutesSetting(line, 'DefaultTime');
  if (seconds === undefined || (seconds ?? Infinity) <= maxSeconds) return seconds;
  const key = `PartitionName=${name} DefaultTime=${line.values.get('defaulttime')}`;
  ignored.push({ ...line, key, reason: 'it exceeds MaxTime, which counts in its place, as in Slurm' });
  return undefined;
}

function namesOf(
  list: string,
  line: ConfLine,
  { nodes, out }: SlurmNodes,
  sets: ReadonlyMap<string, readonly string[]>,
): string[] {
  if (list === '') return [];
  const known = new Set(nodes.map(({ name }) => name));
  const names = hostsOf(list, line, 'Nodes').flatMap((name) => sets.get(name) ?? [name]);
  const stranger = names.find((name) => !known.has(name) && !out.has(name));
  if (stranger !== undefined) {
    throw badConf(line.file, line.line, `Nodes: expected nodes that NodeName lines declare, got ${stranger}`);
  }
  return [...new Set(names)].filter((name) => known.has(name));
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
