import type { NodeSpec, Resources } from '../cluster/node.ts';
import { gresEntries } from './gres-list.ts';
import { NODES_MAX, parseHostList } from './host-list.ts';
import { badConf, type ConfLine, type IgnoredSetting, integerSetting } from './slurm-conf-lines.ts';

const MEBI = 1024 ** 2;
/** Of nodes that have none of their own. */
const DEFAULT_WEIGHT = 1;

/** Nodes of `NodeName` lines, in order. */
export interface SlurmNodes {
  nodes: NodeSpec[];
  /** Nodes that are declared and not up: partitions may name them. */
  out: ReadonlySet<string>;
  features: ReadonlyMap<string, readonly string[]>;
  /** What the machine of each node is called; null where the file does not say. */
  machines: readonly (string | null)[];
  /** CPUs of a core, the most of any node: jobs have whole cores. */
  cpusPerCore: number;
}

/** States in which a node takes no job. */
const OUT = /^(?:FUTURE|DOWN|DRAIN|FAIL)/;

/**
 * Nodes as slurm.conf declares them. CPUs are `CPUs`, else boards x sockets x cores x threads, and memory is `RealMemory` (MiB, by default 1), both
 * without what `CoreSpecCount`, `CpuSpecList` and `MemSpecLimit` keep for the system; GPUs are those of `Gres`, of one type a node. Nodes of
 * state FUTURE, DOWN or DRAIN, in their own line or in one of `DownNodes`, are left out. Throws ORR_BAD_FILE.
 */
export function readSlurmNodes(
  lines: readonly ConfLine[],
  downLines: readonly ConfLine[],
  isGpuKnown: boolean,
  ignored: IgnoredSetting[],
): SlurmNodes {
  const nodes: NodeSpec[] = [];
  const names = new Set<string>();
  const features = new Map<string, string[]>();
  const machines: (string | null)[] = [];
  const down = readDownNodes(downLines, ignored);
  const out = new Set<string>();
  let cpusPerCore = 1;
  let defaults: ReadonlyMap<string, string> = new Map();
  for (const own of lines) {
    const listed = own.values.get('nodename') ?? '';
    const line: ConfLine = { ...own, values: new Map([...defaults, ...own.values]) };
    if (listed.toUpperCase() === 'DEFAULT') {
      defaults = new Map([...line.values].filter(([key]) => key !== 'nodename'));
      continue;
    }
    const hosts = hostsOf(listed, own, 'NodeName');
    const state = line.values.get('state')?.toUpperCase() ?? 'UNKNOWN';
    const isOut = OUT.test(state);
    if (isOut) ignored.push({ ...own, key: `NodeName=${listed}`, reason: `State=${state}: its nodes are left out` });
    const { gpus, gpuType } = gpusOf(line, isGpuKnown, isOut ? [] : ignored);
    const { cpus, threads } = cpusOf(line, isOut ? [] : ignored);
    const resources: Resources = { cpus, memoryBytes: memoryOf(line, isOut ? [] : ignored), gpus };
    const machineOf = machinesOf(line, hosts);
    const weight = integerSetting(line, 'Weight') ?? DEFAULT_WEIGHT;
    for (const [index, name] of hosts.entries()) {
      if (names.has(name)) throw badConf(own.file, own.line, `NodeName: node ${name} is declared twice`);
      names.add(name);
      if (isOut || down.has(name)) {
        out.add(name);
        continue;
      }
      nodes.push({ name, resources, gpuType, leaf: null, ...(weight !== DEFAULT_WEIGHT && { weight }) });
      machines.push(machineOf(index));
      cpusPerCore = Math.max(cpusPerCore, threads);
    }
    for (const feature of (line.values.get('features') ?? line.values.get('feature') ?? '').split(',')) {
      if (feature !== '') features.set(feature, [...(features.get(feature) ?? []), ...hosts]);
    }
  }
  return { nodes, out, features, machines, cpusPerCore };
}

/** The nodes that `DownNodes` lines take out. */
function readDownNodes(lines: readonly ConfLine[], ignored: IgnoredSetting[]): ReadonlySet<string> {
  const down = new Set<string>();
  for (const line of lines) {
    const list = line.values.get('downnodes') ?? '';
    const state = line.values.get('state')?.toUpperCase() ?? 'DOWN';
    if (!OUT.test(state)) continue;
    for (const name of hostsOf(list, line, 'DownNodes')) down.add(name);
    ignored.push({ ...line, key: `DownNodes=${list}`, reason: `State=${state}: its nodes are left out` });
  }
  return down;
}

/** One name of a machine for all of a line's nodes is one machine; a list has one for each. */
function machinesOf(line: ConfLine, hosts: readonly string[]): (index: number) => string | null {
  const text = line.values.get('nodehostname') ?? line.values.get('nodeaddr') ?? '';
  const machines = text === '' ? [] : (parseHostList(text, NODES_MAX) ?? []);
  const [only = null] = machines;
  if (machines.length === 1) return () => only;
  return machines.length === hosts.length ? (index) => machines[index] ?? null : () => null;
}

export function hostsOf(list: string, { file, line }: ConfLine, key: string): string[] {
  // Slurm takes a comma too many for nothing.
  const hosts = parseHostList(list.replace(/^,+|,+$/g, '').replace(/,{2,}/g, ','), NODES_MAX);
  if (hosts === undefined)
    throw badConf(file, line, `${key}: expected a host list such as dgx[001-064], got "${list}"`);
  return hosts;
}

/**
 * What jobs may have, and of how many CPUs a core is: 1 where each CPU counts as one. `CPUs` is as many as there are sockets, cores or threads; where it is
 * none of them, Slurm takes the threads.
 */
function cpusOf(line: ConfLine, ignored: IgnoredSetting[]): { cpus: number; threads: number } {
  const given = integerSetting(line, 'CPUs', 1) ?? integerSetting(line, 'Procs', 1);
  const cores = integerSetting(line, 'CoresPerSocket', 1) ?? 1;
  const perCore = integerSetting(line, 'ThreadsPerCore', 1) ?? 1;
  const sockets =
    socketsOf(line) ?? (given !== undefined && given % (cores * perCore) === 0 ? given / (cores * perCore) : 1);
  const most = sockets * cores * perCore;
  const isKnown = given === undefined || [sockets, sockets * cores, most].includes(given);
  if (!isKnown) {
    const reason = `neither the sockets nor the cores nor the threads of ${sockets} x ${cores} x ${perCore}: ${most} count, as in Slurm`;
    ignored.push({ ...line, key: `CPUs=${given}`, reason });
  }
  const all = given !== undefined && isKnown ? given : most;
  const threads = all === most ? perCore : 1;
  return { cpus: Math.max(1, all - systemCpus(line, threads)), threads };
}

/** Undefined where the line does not say. */
function socketsOf(line: ConfLine): number | undefined {
  const perBoard = integerSetting(line, 'SocketsPerBoard', 1);
  if (perBoard === undefined) return integerSetting(line, 'Sockets', 1);
  return (integerSetting(line, 'Boards', 1) ?? 1) * perBoard;
}

/** `CoreSpecCount` and `CpuSpecList` say the same in two ways: `0-3,8` is five CPUs. */
function systemCpus(line: ConfLine, threads: number): number {
  const list = line.values.get('cpuspeclist');
  if (list === undefined) return (integerSetting(line, 'CoreSpecCount') ?? 0) * threads;
  const listed = parseHostList(`[${list}]`);
  if (listed === undefined) {
    throw badConf(line.file, line.line, `CpuSpecList: expected a list of CPUs such as 0-3, got "${list}"`);
  }
  // Whole cores are kept.
  return Math.ceil(listed.length / threads) * threads;
}

function memoryOf(line: ConfLine, ignored: IgnoredSetting[]): number {
  const mebi = integerSetting(line, 'RealMemory', 1) ?? 1;
  const system = integerSetting(line, 'MemSpecLimit') ?? 0;
  if (system < mebi) return (mebi - system) * MEBI;
  ignored.push({
    ...line,
    key: `MemSpecLimit=${system}`,
    reason: 'a node has to have more: nothing is kept, as in Slurm',
  });
  return mebi * MEBI;
}

function gpusOf(
  line: ConfLine,
  isGpuKnown: boolean,
  ignored: IgnoredSetting[],
): { gpus: number; gpuType: string | null } {
  const list = line.values.get('gres') ?? '';
  let gpus = 0;
  const types = new Set<string>();
  for (const { text, name, type, count } of gresEntries(list)) {
    if (name !== 'gpu') {
      ignored.push({ ...line, key: `Gres=${text}`, reason: 'only GPUs are counted' });
      continue;
    }
    if (count === null) throw badConf(line.file, line.line, `Gres: expected gpu:TYPE:COUNT, got "${text}"`);
    if (!isGpuKnown) {
      const reason = 'without "gpu" among its GresTypes Slurm knows of no GPUs; here they count';
      ignored.push({ ...line, key: `Gres=${text}`, reason });
    }
    gpus += count;
    if (type !== null) types.add(type);
  }
  const [first, second] = types;
  if (second !== undefined) {
    ignored.push({ ...line, key: `Gres=${list}`, reason: `types of GPU on one node: all count as ${first}` });
  }
  return { gpus, gpuType: gpus > 0 ? (first ?? null) : null };
}

/** The leaf switch of each node, from the lines of a topology.conf of `topology/tree`. Throws ORR_BAD_FILE. */
export function withLeaves(
  nodes: readonly NodeSpec[],
  topology: readonly ConfLine[],
  ignored: IgnoredSetting[],
): NodeSpec[] {
  const leafOf = new Map<string, string>();
  const known = new Set(nodes.map(({ name }) => name));
  for (const line of topology) {
    const name = line.values.get('switchname');
    if (name === undefined) {
      ignored.push({ ...line, key: line.subject, reason: 'only switches are read' });
      continue;
    }
    const list = line.values.get('nodes');
    // Switches above the leaves: placement goes by leaves alone.
    if (list === undefined || line.values.has('switches')) continue;
    const hosts = list.toUpperCase() === 'ALL' ? [...known] : hostsOf(list, line, 'Nodes');
    const strangers = hosts.filter((host) => !known.has(host));
    if (strangers.length > 0) {
      const reason = `${strangers.length} of its nodes are not in slurm.conf, ${strangers[0]} for one`;
      ignored.push({ ...line, key: `SwitchName=${name}`, reason });
    }
    for (const host of hosts) if (!leafOf.has(host)) leafOf.set(host, name);
  }
  return nodes.map((node) => ({ ...node, leaf: leafOf.get(node.name) ?? null }));
}
