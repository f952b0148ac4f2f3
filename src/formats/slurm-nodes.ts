import type { NodeSpec, Resources } from '../cluster/node.ts';
import { gresEntries } from './gres-list.ts';
import { NODES_MAX, parseHostList } from './host-list.ts';
import { badConf, type ConfLine, type IgnoredSetting, integerSetting } from './slurm-conf-lines.ts';

const MEBI = 1024 ** 2;

/** Nodes of `NodeName` lines, in order, and who has which feature. */
export interface SlurmNodes {
  nodes: NodeSpec[];
  features: ReadonlyMap<string, readonly string[]>;
}

/**
 * Nodes as slurm.conf declares them. CPUs are `CPUs`, else boards x sockets x cores x threads; memory is `RealMemory` (MiB, by default 1); GPUs
 * are those of `Gres`, of one type a node. Nodes of state FUTURE, DOWN or DRAIN are left out. Throws ORR_BAD_FILE.
 */
export function readSlurmNodes(lines: readonly ConfLine[], ignored: IgnoredSetting[]): SlurmNodes {
  const nodes: NodeSpec[] = [];
  const names = new Set<string>();
  const features = new Map<string, string[]>();
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
    if (/^(?:FUTURE|DOWN|DRAIN|FAIL)/.test(state)) {
      ignored.push({ ...own, key: `NodeName=${listed}`, reason: `State=${state}: its nodes are left out` });
      continue;
    }
    const { gpus, gpuType } = gpusOf(line, ignored);
    const resources: Resources = {
      cpus: cpusOf(line),
      memoryBytes: (integerSetting(line, 'RealMemory', 1) ?? 1) * MEBI,
      gpus,
    };
    for (const name of hosts) {
      if (names.has(name)) throw badConf(own.file, own.line, `NodeName: node ${name} is declared twice`);
      names.add(name);
      nodes.push({ name, resources, gpuType, leaf: null });
    }
    for (const feature of (line.values.get('features') ?? line.values.get('feature') ?? '').split(',')) {
      if (feature !== '') features.set(feature, [...(features.get(feature) ?? []), ...hosts]);
    }
  }
  return { nodes, features };
}

export function hostsOf(list: string, { file, line }: ConfLine, key: string): string[] {
  const hosts = parseHostList(list, NODES_MAX);
  if (hosts === undefined)
    throw badConf(file, line, `${key}: expected a host list such as dgx[001-064], got "${list}"`);
  return hosts;
}

function cpusOf(line: ConfLine): number {
  const given = integerSetting(line, 'CPUs', 1) ?? integerSetting(line, 'Procs', 1);
  if (given !== undefined) return given;
  const perBoard = integerSetting(line, 'SocketsPerBoard', 1);
  const sockets = perBoard ?? integerSetting(line, 'Sockets', 1) ?? 1;
  const boards = perBoard === undefined ? 1 : (integerSetting(line, 'Boards', 1) ?? 1);
  const cores = integerSetting(line, 'CoresPerSocket', 1) ?? 1;
  return boards * sockets * cores * (integerSetting(line, 'ThreadsPerCore', 1) ?? 1);
}

function gpusOf(line: ConfLine, ignored: IgnoredSetting[]): { gpus: number; gpuType: string | null } {
  const list = line.values.get('gres') ?? '';
  let gpus = 0;
  const types = new Set<string>();
  for (const { text, name, type, count } of gresEntries(list)) {
    if (name !== 'gpu') {
      ignored.push({ ...line, key: `Gres=${text}`, reason: 'only GPUs are counted' });
      continue;
    }
    if (count === null) throw badConf(line.file, line.line, `Gres: expected gpu:TYPE:COUNT, got "${text}"`);
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
