import { OrreryError } from '../../../contract/errors.ts';
import { cpusPerTask, type JobSpec, namedMemoryBytesPerNode, tasksPerNode } from '../../../contract/job.ts';
import { errorMessage } from '../../../lib/error-message.ts';
import { formatMemory } from '../../../lib/units.ts';
import { DEFAULT_QOS } from '../../../scheduler/default-names.ts';
import { namedPartitions, partitionNames } from '../../../scheduler/partition-names.ts';
import type { LiftedLimit } from '../../../scheduler/qos-and-accounts.ts';
import type { BackendReservation } from '../../port.ts';
import { reservationRefusal } from '../output/reservation-text.ts';
import {
  parseNodes,
  parsePartitions,
  SHOW_NODES,
  type SlurmNode,
  type SlurmPartition,
} from '../output/scontrol-text.ts';
import type { SlurmCommands } from '../slurm-commands.ts';
import { SlurmFailure } from '../slurm-failure.ts';
import { accountOf } from './association-defaults.ts';

/** `EnforcePartLimits` of `slurm.conf`. */
export type EnforcePartLimits = 'ALL' | 'ANY' | 'NO';

/** Flags of a QOS (sacctmgr(1)), and what each of them lifts. */
const LIFTING_FLAGS: Readonly<Record<string, LiftedLimit>> = {
  PartitionMinNodes: 'minNodes',
  PartitionMaxNodes: 'maxNodes',
  PartitionTimeLimit: 'maxTimeSeconds',
};

/** What of a Slurm cluster does not change from minute to minute. */
export interface ClusterView {
  name: string;
  /** `22.05.8`. */
  version: string;
  nodes: readonly SlurmNode[];
  partitions: readonly SlurmPartition[];
  isPreempting: boolean;
  /** Ids of an array's tasks are less than this (`MaxArraySize`). Absent: an older view. */
  maxArraySize?: number;
  /** As whom Slurm's daemons run (`SlurmUser`, `SlurmdUser`): what they write is the cluster's own word. Absent: an older view. */
  userIds?: readonly number[];
  /** Slurm keeps books in a database, whether that answers now or not. Absent: an older view. */
  hasAccounting?: boolean;
  /** What an ordinary user is not shown of others (`PrivateData`). Absent: an older view. */
  privateData?: readonly string[];
  /** Whether `sbatch` refuses a job that partitions it names do not let run: one of them (`ALL`), all of them (`ANY`), or not. Absent: an older view. */
  enforcePartLimits?: EnforcePartLimits;
  /** A plugin of the site (job_submit, cli_filter) may give a job another partition, QOS or time limit as it is submitted. Absent: an older view. */
  mayBeRewritten?: boolean;
  /** Null: there is no accounting, or it does not answer. */
  qos: readonly string[] | null;
  /** Limits of partitions that jobs of a QOS may break, by its name. Absent: an older view. */
  qosLifts?: Readonly<Record<string, readonly LiftedLimit[]>>;
  /** Accounts the user may charge; null as above. */
  accounts: readonly string[] | null;
  defaultAccount: string | null;
  /**
   * The QOS of a job that names none, by the account it charges, where the association has one; null: another one for another partition. Absent: an
   * older view.
   */
  defaultQos?: Readonly<Record<string, string | null>>;
  /** One line for each thing that does not work here and what does instead. */
  remarks: readonly string[];
}

/** Slurm's own. */
export const DEFAULT_MAX_ARRAY_SIZE = 1001;

/** Asks Slurm what it is. Throws SlurmFailure where the controller cannot be asked; without accounting the view says so. */
export async function readCluster(commands: SlurmCommands, user: string): Promise<ClusterView> {
  const remarks: string[] = [];
  const shown = async (args: readonly string[], what: string) => {
    try {
      return await commands.run('scontrol', args);
    } catch (error) {
      if (!(error instanceof SlurmFailure) || error.kind !== 'permission') throw error;
      remarks.push(
        `Slurm does not show ${user} its ${what} (PrivateData=${what}): jobs run, and sbatch alone says what is wrong with them`,
      );
      return '';
    }
  };
  const [nodesText, partitionsText, configText] = await Promise.all([
    shown(SHOW_NODES, 'nodes'),
    shown(['--oneliner', 'show', 'partition'], 'partitions'),
    commands.run('scontrol', ['show', 'config']),
  ]);
  const config = configOf(configText);
  const version = config.get('SLURM_VERSION') ?? 'unknown';
  const tooOld = oldVersion(version);
  if (tooOld !== null) throw new OrreryError('ORR_FAILED', tooOld);
  const accounting = await readAccounting(commands, user).catch((error: unknown) => {
    // Which command is missing is in the whole message alone.
    const isSaid = error instanceof SlurmFailure && error.kind !== 'missing';
    const said = isSaid ? error.said : errorMessage(error);
    remarks.push(`no accounting (${said}): ends of jobs are taken from squeue and their exit files`);
    return { qos: null, qosLifts: {}, accounts: null, defaultAccount: null, associations: [] };
  });
  const name = config.get('ClusterName') ?? 'slurm';
  const { qos, qosLifts = {}, accounts, defaultAccount, associations } = accounting;
  // One database may keep the books of several clusters.
  const own = associations.filter(({ cluster }) => cluster === name);
  return {
    name,
    version,
    nodes: parseNodes(nodesText),
    partitions: parsePartitions(partitionsText),
    isPreempting: hasPlugin(config.get('PreemptType')),
    maxArraySize: Number(config.get('MaxArraySize') ?? DEFAULT_MAX_ARRAY_SIZE),
    privateData: (config.get('PrivateData') ?? '').split(',').filter((word) => !['', 'none'].includes(word)),
    userIds: ['SlurmUser', 'SlurmdUser'].flatMap((key) => userId(config.get(key))),
    hasAccounting: config.get('AccountingStorageType') === 'accounting_storage/slurmdbd',
    enforcePartLimits: enforcingOf(config.get('EnforcePartLimits')),
    mayBeRewritten: ['JobSubmitPlugins', 'CliFilterPlugins'].some((key) => hasPlugin(config.get(key))),
    qos,
    qosLifts,
    accounts,
    defaultAccount,
    defaultQos: defaultQosOf(own),
    remarks,
  };
}

/** Of the user, in one partition or in all. */
interface Association {
  cluster: string;
  account: string;
  /** Empty: none of its own. */
  defaultQos: string;
}

function defaultQosOf(associations: readonly Association[]): Record<string, string | null> {
  const byAccount = new Map<string, string | null>();
  for (const { account, defaultQos } of associations) {
    const before = byAccount.get(account) ?? defaultQos;
    byAccount.set(account, byAccount.get(account) === null || before !== defaultQos ? null : defaultQos);
  }
  return Object.fromEntries([...byAccount].filter(([, name]) => name !== ''));
}

async function readAccounting(
  commands: SlurmCommands,
  user: string,
): Promise<Pick<ClusterView, 'qos' | 'qosLifts' | 'accounts' | 'defaultAccount'> & { associations: Association[] }> {
  const list = (entity: string, format: string, ...where: string[]) =>
    commands.run('sacctmgr', ['--noheader', '--parsable2', 'show', entity, ...where, `format=${format}`]);
  const [qosText, accountText, userText] = await Promise.all([
    list('qos', 'Name,Flags'),
    list('associations', 'Account,Cluster,DefaultQOS,QOS', `user=${user}`),
    list('user', 'DefaultAccount', `name=${user}`),
  ]);
  const words = (text: string) => [...new Set(text.split('\n').filter((line) => line !== ''))];
  const associations = words(accountText).map((line): Association => {
    const [account = '', cluster = '', named = '', all = ''] = line.split('|');
    // Where none is named and one alone is allowed, Slurm gives that.
    const defaultQos = named === '' && !all.includes(',') ? all : named;
    return { account, cluster, defaultQos };
  });
  const qos = words(qosText).map((line) => line.split('|'));
  return {
    qos: qos.map(([name = '']) => name),
    qosLifts: Object.fromEntries(qos.map(([name = '', flags = '']) => [name, liftsOf(flags)])),
    accounts: [...new Set(associations.map(({ account }) => account))],
    defaultAccount: words(userText)[0] ?? null,
    associations,
  };
}

function liftsOf(flags: string): LiftedLimit[] {
  return flags.split(',').flatMap((flag) => LIFTING_FLAGS[flag] ?? []);
}

/** 22.05 and later show `ALL`, `ANY` or `NO`, whatever the file has. */
function enforcingOf(text: string | undefined): EnforcePartLimits {
  return text === 'ALL' || text === 'ANY' ? text : 'NO';
}

/** Why this version will not do, in one line; null where it will. */
export function oldVersion(version: string): string | null {
  const [, year = '', month = ''] = /^(\d+)\.(\d+)/.exec(version) ?? [];
  if (year === '' || Number(year) * 100 + Number(month) >= 2205) return null;
  return `Slurm ${version} is too old: expected 22.05 or later, whose squeue tells all of a job in JSON`;
}

function configOf(text: string): Map<string, string> {
  return new Map(
    text.split('\n').flatMap((line) => {
      const [, key, value] = /^(\w+)\s*=\s*(.*?)\s*$/.exec(line) ?? [];
      return key === undefined || value === undefined ? [] : [[key, value] as const];
    }),
  );
}

/** Of a key that names plugins: where there is none a cluster shows `preempt/none` in 22.05, `(null)` in 24.11. */
export function hasPlugin(shown = ''): boolean {
  return shown !== '' && !/none$|^\(null\)$/i.test(shown);
}

/** The number in `slurm(64030)`. */
function userId(text: string | undefined): number[] {
  const [, id] = /\((\d+)\)$/.exec(text ?? '') ?? [];
  return id === undefined ? [] : [Number(id)];
}

/** The partitions that a job names, between commas (Slurm starts it where it can first), or the default; none where there is none. */
export function partitionsOf(
  { partitions }: Pick<ClusterView, 'partitions'>,
  wanted: string | undefined,
): SlurmPartition[] {
  const names = partitionNames(wanted);
  return partitions.filter(({ name, isDefault }) => names.includes(name) || (isDefault && names.includes(undefined)));
}

/** The same, and where it names none and a plugin may choose one any of them, the default first. */
function candidatesOf(view: ClusterView, wanted: string | undefined): SlurmPartition[] {
  const own = partitionsOf(view, wanted);
  const isChosenThere = wanted === undefined && view.mayBeRewritten === true;
  return isChosenThere ? [...own, ...view.partitions.filter((partition) => !own.includes(partition))] : own;
}

/** Why Slurm would never run it, in one line; null where nothing speaks against it. `reservations`: null where they are not known. */
export function refusalOf(
  spec: JobSpec,
  user: string,
  view: ClusterView & { reservations?: readonly BackendReservation[] | null },
): string | null {
  const { partitions, qos, accounts } = view;
  if (spec.user !== undefined && spec.user !== user) {
    return `user: jobs run as ${user}, who the daemon is: leave "user" out`;
  }
  if (spec.priority !== 0) return 'priority: Slurm works it out: use nice to lower it, or another QOS';
  const named = candidatesOf(view, spec.partition);
  const unknown = namedPartitions(spec.partition).find(
    (name) => !partitions.some((partition) => partition.name === name),
  );
  if (partitions.length > 0 && (unknown !== undefined || named.length === 0)) {
    const what = unknown === undefined ? 'the cluster has no default' : `no ${JSON.stringify(unknown)}`;
    return `partition: ${what}: expected one of ${listed(partitions.map(({ name }) => name))}`;
  }
  if (qos !== null && spec.qos !== DEFAULT_QOS && !qos.includes(spec.qos)) {
    return `qos: no ${JSON.stringify(spec.qos)}: expected one of ${listed(qos)}`;
  }
  if (accounts !== null && accounts.length > 0 && spec.account !== undefined && !accounts.includes(spec.account)) {
    return `account: ${user} has no ${JSON.stringify(spec.account)}: expected one of ${listed(accounts)}`;
  }
  const { reservations = null } = view;
  if (spec.reservation !== undefined && reservations !== null) {
    const refused = reservationRefusal(spec.reservation, { user, account: accountOf(spec, view) }, reservations);
    if (refused !== null) return refused;
  }
  const refusals = named.map((partition) => namesRefusal(spec, partition, view) ?? shapeRefusal(spec, partition, view));
  return refusals.includes(null) ? null : (refusals[0] ?? null);
}

/** Of the nodes that the job names. */
function namesRefusal({ nodelist = [] }: JobSpec, partition: SlurmPartition, { nodes }: ClusterView): string | null {
  const known = nodes.map(({ spec: { name } }) => name);
  const unknown = nodelist.find((name) => !known.includes(name));
  if (nodes.length === 0) return null;
  if (unknown !== undefined) return `nodelist: no node ${JSON.stringify(unknown)}: expected some of ${listed(known)}`;
  const outside = nodelist.find((name) => !partition.nodeNames.includes(name));
  if (outside === undefined) return null;
  return `nodelist: ${outside} is not in partition ${partition.name}: expected some of ${listed(partition.nodeNames)}`;
}

/** What a job asks of each node. */
function shapeOf(spec: JobSpec): { cpus: number; memoryBytes: number; feature: string | undefined } {
  // What has operators in it is for Slurm to understand.
  const feature = /^[\w.-]+$/.test(spec.constraint ?? '') ? spec.constraint : undefined;
  return {
    cpus: cpusPerTask(spec) * tasksPerNode(spec),
    memoryBytes: namedMemoryBytesPerNode(spec) ?? 0,
    feature,
  };
}

/** Whether the node has what the job asks of each of its nodes, free or not. */
export function fitsOn({ spec: { resources, gpuType }, features }: SlurmNode, spec: JobSpec): boolean {
  const { cpus, memoryBytes, feature } = shapeOf(spec);
  if (feature !== undefined && features?.includes(feature) === false) return false;
  if (spec.gpuType !== undefined && spec.gpuType !== gpuType) return false;
  return resources.cpus >= cpus && resources.gpus >= spec.gpusPerNode && resources.memoryBytes >= memoryBytes;
}

function shapeRefusal(spec: JobSpec, partition: SlurmPartition, { nodes }: ClusterView): string | null {
  const members = nodes.filter(
    ({ spec: { name } }) => partition.nodeNames.includes(name) && !spec.exclude.includes(name),
  );
  const { cpus, memoryBytes, feature } = shapeOf(spec);
  const known = new Set(members.flatMap(({ features = [] }) => features));
  if (feature !== undefined && !known.has(feature) && members.some(({ features }) => features !== undefined)) {
    const expected = known.size === 0 ? 'they have no features' : `expected one of ${listed([...known])}`;
    return `constraint: no node of partition ${partition.name} has ${JSON.stringify(feature)}: ${expected}`;
  }
  const fitting = members.filter((node) => fitsOn(node, spec));
  const tooSmall = spec.nodelist?.find((name) => !fitting.some((node) => node.spec.name === name));
  if (nodes.length === 0 || (fitting.length >= spec.nodes && tooSmall === undefined)) return null;
  const asked = [
    counted(cpus, 'CPU'),
    ...(memoryBytes === 0 ? [] : [`${formatMemory(memoryBytes)} of memory`]),
    ...(feature === undefined ? [] : [`feature ${feature}`]),
    ...(spec.gpusPerNode > 0 ? [counted(spec.gpusPerNode, `${spec.gpuType ?? ''} GPU`.trim())] : []),
  ].join(', ');
  if (tooSmall !== undefined && fitting.length > 0) return `nodelist: ${tooSmall} does not have ${asked}`;
  if (fitting.length > 0) {
    return `nodes: expected at most ${fitting.length}, those of partition ${partition.name} with ${asked}; got ${spec.nodes}`;
  }
  const kinds = [...new Set(members.map(kindOf))];
  const has = kinds.length === 0 ? 'all are excluded' : `they have ${listed(kinds, ' or ')}`;
  return `nodes: none of partition ${partition.name} has ${asked}: ${has}`;
}

/** `8 CPUs, 2.9G of memory, 4 a100 GPUs`. */
function kindOf({ spec: { resources, gpuType } }: SlurmNode): string {
  const { cpus, memoryBytes, gpus } = resources;
  const gpuWords = gpus === 0 ? [] : [counted(gpus, `${gpuType ?? ''} GPU`.trim())];
  return [counted(cpus, 'CPU'), `${formatMemory(memoryBytes)} of memory`, ...gpuWords].join(', ');
}

function counted(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? '' : 's'}`;
}

function listed(names: readonly string[], between = ', '): string {
  return names.length > 12 ? `${names.slice(0, 12).join(between)}${between}...` : names.join(between);
}
