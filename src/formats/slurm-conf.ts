import type { NodeSpec } from '../cluster/node.ts';
import type { QosPolicy } from '../scheduler/qos-and-accounts.ts';
import type { SchedulerOptions } from '../scheduler/policy.ts';
import { keepCountedLimits } from './slurm-limits.ts';
import type { Timing } from '../twin/scenario.ts';
import { readAssociationDump, readQosDump } from './slurm-accounting.ts';
import {
  badConf,
  type ConfLine,
  type ConfText,
  confLines,
  flagSetting,
  type IgnoredSetting,
} from './slurm-conf-lines.ts';
import { readDefaultAmounts } from './slurm-default-ask.ts';
import type { JobRules } from './slurm-job-rules.ts';
import { readSlurmNodes, withLeaves } from './slurm-nodes.ts';
import { readSlurmPartitions } from './slurm-partitions.ts';
import { readTresWeights } from './slurm-tres-weights.ts';
import { isWithoutDatabase, listOf, pluginOf, readSlurmPolicy, type Settings } from './slurm-policy.ts';
import { readSlurmTiming } from './slurm-times.ts';

export type { ConfText, IgnoredSetting } from './slurm-conf-lines.ts';

/** The files and dumps that tell how a Slurm schedules. */
export interface SlurmTexts {
  conf: ConfText;
  /** The file that an `Include` line names; undefined where there is none. */
  include?: (path: string) => ConfText | undefined;
  /** topology.conf of `topology/tree`. */
  topology?: ConfText;
  /** `sacctmgr show qos -P`. */
  qos?: ConfText;
  /** `sacctmgr show assoc tree -P`. */
  associations?: ConfText;
}

export interface SlurmConf {
  clusterName: string | null;
  nodes: readonly NodeSpec[];
  policy: SchedulerOptions;
  rules: JobRules;
  /** Between decisions and what follows from them on the nodes. */
  timing: Timing;
  /** Settings that would change what runs when, and change nothing here. */
  ignored: readonly IgnoredSetting[];
}

/** Of sockets as a resource. */
const WHOLE_CORES = 'jobs have whole cores, and not whole sockets: more of them fit on a node than in Slurm';
/** What is done instead of what a word of `SelectTypeParameters` says. */
const SELECT_FLAGS: Readonly<Record<string, string>> = {
  CR_LLN: 'placement packs nodes and leaf switches',
  CR_PACK_NODES: 'placement packs nodes and leaf switches',
  CR_ONE_TASK_PER_CORE: 'the CPUs of a job on a node, not each of its tasks, are rounded up to whole cores',
  LL_SHARED_GRES: 'only GPUs are counted',
};

/** Keys whose lines are about one thing as a whole; all else is a setting of its own, however many share a line. */
const RECORDS = ['nodename', 'partitionname', 'nodeset', 'downnodes', 'frontendname'] as const;

/**
 * Nodes and policy of a Slurm from its slurm.conf, as Slurm 22.05 reads it, and where given from its topology.conf and from dumps of its
 * accounting. Throws ORR_BAD_FILE with file and line.
 */
export function parseSlurmConf(texts: SlurmTexts): SlurmConf {
  return readSlurmLines({
    name: texts.conf.name,
    lines: confLines(texts.conf, texts.include),
    topology: texts.topology === undefined ? null : confLines(texts.topology),
    qos: texts.qos ?? null,
    associations: texts.associations ?? null,
  });
}

/** The same, read line by line from wherever Slurm tells it. */
export interface SlurmLines {
  /** Of the file with the nodes, for messages. */
  name: string;
  /** In the words of slurm.conf. */
  lines: readonly ConfLine[];
  /** In the words of topology.conf. */
  topology: readonly ConfLine[] | null;
  qos: ConfText | null;
  associations: ConfText | null;
}

/** Throws ORR_BAD_FILE with file and line. */
export function readSlurmLines(texts: SlurmLines): SlurmConf {
  const ignored: IgnoredSetting[] = [];
  const { lines } = texts;
  const records = new Map<string, ConfLine[]>(RECORDS.map((key) => [key, []]));
  const settings = new Map<string, ConfLine>();
  for (const line of lines) {
    const record = records.get(line.subject.toLowerCase());
    if (record !== undefined) record.push(line);
    else for (const key of line.values.keys()) settings.set(key, line);
  }
  const cluster = readSlurmNodes(
    records.get('nodename') ?? [],
    records.get('downnodes') ?? [],
    isGpuKnown(settings),
    ignored,
  );
  if (cluster.nodes.length === 0) {
    throw badConf(texts.name, lines.at(-1)?.line ?? 1, 'expected at least one NodeName line with nodes that are up');
  }
  for (const line of records.get('frontendname') ?? []) {
    ignored.push({ ...line, key: line.subject, reason: 'no front end starts jobs for other nodes' });
  }
  const clusterName = settings.get('clustername')?.values.get('clustername') ?? null;
  const policy = readSlurmPolicy(settings, ignored);
  const select = pluginOf(settings, 'SelectType') ?? 'linear';
  // Of a conf that is one, and not a part of one.
  if (select === 'linear' && (settings.has('selecttype') || settings.has('clustername'))) policy.selectType = 'linear';
  const selectFlags = listOf(settings, 'SelectTypeParameters');
  // Without parameters, select/cons_tres and select/cons_res use CR_Core_Memory.
  const isMemoryConsumed =
    selectFlags.length === 0 ? select !== 'linear' : selectFlags.some(({ flag }) => flag.endsWith('MEMORY'));
  const tres = readTresWeights(settings.get('priorityweighttres'), isMemoryConsumed, ignored);
  if (tres !== null && policy.priority?.weights !== undefined) policy.priority.weights.tres = tres;
  if (texts.qos !== null) policy.qos = withKnownPreempts(readQosDump(texts.qos, ignored), texts.qos, ignored);
  const defaults = readDefaultAmounts(settings);
  const {
    partitions,
    exclusive,
    defaults: partitionDefaults,
  } = readSlurmPartitions(
    records.get('partitionname') ?? [],
    records.get('nodeset') ?? [],
    {
      cluster,
      defaults,
      isPreemptedByPartition: policy.preempt?.type === 'partition_prio',
      isLinear: select === 'linear',
      isMemoryConsumed,
      access: { isWithoutDatabase: isWithoutDatabase(settings), knownQos: policy.qos ?? null },
    },
    ignored,
  );
  if (partitions.length > 0) policy.partitions = partitions;
  if (texts.associations !== null) Object.assign(policy, readAssociationDump(texts.associations, ignored, clusterName));
  keepCountedLimits(policy, settings, isMemoryConsumed, ignored);
  noteTopology(settings, texts.topology !== null, ignored);
  const selectLine = settings.get('selecttype');
  if (selectLine !== undefined && !/^(?:linear|cons_res|cons_tres)$/.test(select)) {
    const reason = 'nodes are shared by cores and GPUs, as with select/cons_tres';
    ignored.push({ ...selectLine, key: `SelectType=${select}`, reason });
  }
  for (const { flag, line } of selectFlags) {
    const reason = flag.startsWith('CR_SOCKET') ? WHOLE_CORES : SELECT_FLAGS[flag];
    if (reason !== undefined) ignored.push({ ...line, key: `SelectTypeParameters ${flag}`, reason });
  }
  const requeue = settings.get('jobrequeue');
  return {
    clusterName,
    nodes: texts.topology === null ? cluster.nodes : withLeaves(cluster.nodes, texts.topology, ignored),
    policy,
    rules: {
      isWholeNode: select === 'linear' || (partitions.length > 0 && exclusive.length === partitions.length),
      exclusivePartitions: exclusive,
      isMemoryConsumed,
      defaults,
      partitionDefaults,
      cpusPerCore: select === 'linear' ? 1 : cluster.cpusPerCore,
      isRequeued: requeue === undefined ? true : (flagSetting(requeue, 'JobRequeue') ?? true),
    },
    timing: readSlurmTiming(cluster.machines),
    ignored: ignored.map(({ file, line, key, reason }) => ({ file, line, key, reason })),
  };
}

/** Every slurm.conf names its cluster: without, these are not its settings, and of its `GresTypes` nothing is known. */
function isGpuKnown(settings: Settings): boolean {
  return !settings.has('clustername') || listOf(settings, 'GresTypes').some(({ flag }) => flag === 'GPU');
}

/** A topology.conf lies beside the file, and is named by nothing in it. */
function noteTopology(settings: Settings, isGiven: boolean, ignored: IgnoredSetting[]): void {
  const line = settings.get('topologyplugin');
  const plugin = pluginOf(settings, 'TopologyPlugin') ?? 'none';
  if (isGiven && plugin !== 'tree' && settings.has('clustername')) {
    const { file, line: number } = line ?? { file: 'topology.conf', line: 1 };
    const reason = 'Slurm reads a topology.conf with topology/tree alone; here it counts';
    ignored.push({ file, line: number, key: `TopologyPlugin=${plugin}`, reason });
    return;
  }
  if (line === undefined || /^(?:none|default|flat|)$/.test(plugin) || (plugin === 'tree' && isGiven)) return;
  const reason =
    plugin === 'tree'
      ? 'without the topology.conf gangs are placed as if there were no switches: give it too'
      : 'of topologies, the tree is known: gangs are placed as if there were no other';
  ignored.push({ ...line, key: `TopologyPlugin=${plugin}`, reason });
}

/** A dump of some QOS may name others. */
function withKnownPreempts(list: readonly QosPolicy[], dump: ConfText, ignored: IgnoredSetting[]): QosPolicy[] {
  const known = new Set(list.map(({ name }) => name));
  return list.map((qos) => {
    const preempts = (qos.preempts ?? []).filter((name) => known.has(name));
    for (const name of qos.preempts ?? []) {
      if (known.has(name)) continue;
      ignored.push({
        file: dump.name,
        line: 1,
        key: `Preempt ${name}`,
        reason: `QOS ${qos.name} may preempt it, but it is not in the dump`,
      });
    }
    return qos.preempts === undefined ? qos : { ...qos, preempts };
  });
}
