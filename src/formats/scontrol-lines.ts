import type { ConfLine, ConfText } from './slurm-conf-lines.ts';

/** Values of `scontrol` that stand for a setting that is not made. */
const NONE = /^(?:|\(null\)|N\/A|n\/a)$/;
/** With the unit in which slurm.conf has a plain number. */
const QUANTITY = /^(\d+) (?:sec|min|usec|percent|nodes\/min)$/;

/**
 * The settings of `scontrol show config` in the words of slurm.conf, one a line of the file. It shows all of them as they are in force, times
 * with their units; what is not set stays out.
 */
export function scontrolSettings({ name, text }: ConfText): ConfLine[] {
  return text.split(/\r?\n/).flatMap((line, index) => {
    const [, subject = '', value = ''] = /^([A-Za-z]\w*)\s+= ?(.*)$/.exec(line) ?? [];
    const plain = value.trim();
    if (subject === '' || NONE.test(plain) || isUnset(subject, plain)) return [];
    const values = new Map([[subject.toLowerCase(), QUANTITY.exec(plain)?.[1] ?? plain]]);
    return [{ file: name, line: index + 1, values, subject }];
  });
}

/** Defaults that Slurm always has in force and that would be told as not modelled, where nobody has set anything. */
const DEFAULTS: Readonly<Record<string, string>> = {
  BatchStartTimeout: '10 sec',
  FairShareDampeningFactor: '1',
  MaxArraySize: '1001',
  MaxJobCount: '10000',
};

/** A default, or a word for none that slurm.conf does not have. */
function isUnset(subject: string, value: string): boolean {
  if (DEFAULTS[subject] === value) return true;
  if (/^(?:DefMem|MaxMem)/.test(subject)) return value === 'UNLIMITED';
  return /^(?:SuspendTime|PriorityUsageResetPeriod)$/.test(subject) && /^(?:INFINITE|NONE|-1)$/.test(value);
}

/** A record of `scontrol show node` or `show partition`: its fields by name in lower case. */
interface ShownRecord {
  line: number;
  fields: ReadonlyMap<string, string>;
}

/**
 * Records that begin with the key, on a line each (`scontrol -o`) or on several. Values may hold blanks, and words with `=`: a field begins with a
 * capital, as all of Slurm's do, and is there once.
 */
export function scontrolRecords(text: string, key: string): ShownRecord[] {
  const records: { line: number; fields: Map<string, string> }[] = [];
  for (const [index, line] of text.split(/\r?\n/).entries()) {
    const words = line.trim().split(/\s+/);
    let field = '';
    for (const [place, word] of words.entries()) {
      const [, name, value = ''] = /^([A-Z][\w/:&]*)=(.*)$/.exec(word) ?? [];
      if (name === key && place === 0) records.push({ line: index + 1, fields: new Map() });
      const fields = records.at(-1)?.fields;
      if (fields === undefined) continue;
      if (name !== undefined && !fields.has(name.toLowerCase())) {
        field = name.toLowerCase();
        fields.set(field, value);
      } else if (field !== '' && word !== '') fields.set(field, `${fields.get(field) ?? ''} ${word}`);
    }
  }
  return records;
}

/** A node that takes no new jobs now. */
export interface NodeOut {
  name: string;
  /** Slurm's, such as `IDLE+DRAIN`. */
  state: string;
}

/**
 * The nodes of `scontrol show node` as slurm.conf would declare them, and those that are out of service. They become nodes by the same reader as
 * those of a slurm.conf, which names what it leaves out; the mirror of a live Slurm (`src/backend/slurm/output/scontrol-text.ts`) wants what is
 * taken and why a node is out besides, and must not fail for a line it cannot read.
 */
export function scontrolNodes({ name: file, text }: ConfText): { lines: ConfLine[]; out: NodeOut[] } {
  const lines: ConfLine[] = [];
  const out: NodeOut[] = [];
  for (const { line, fields } of scontrolRecords(text, 'NodeName')) {
    const field = (key: string) => {
      const value = fields.get(key) ?? '';
      return NONE.test(value) ? undefined : value;
    };
    const nodeName = field('nodename');
    const state = field('state') ?? '';
    // One that was never there, or comes and goes with a cloud.
    if (nodeName === undefined || state.startsWith('FUTURE')) continue;
    const values = new Map([['nodename', nodeName]]);
    const copy = (to: string, value: string | undefined) => {
      if (value !== undefined) values.set(to, value);
    };
    copy('cpus', field('cputot'));
    copy('corespeccount', systemCores(field('cputot'), field('cpuefctv'), field('threadspercore')));
    for (const key of ['boards', 'sockets', 'corespersocket', 'threadspercore']) copy(key, field(key));
    copy('realmemory', field('realmemory'));
    copy('memspeclimit', field('memspeclimit'));
    copy('gres', field('gres'));
    copy('weight', field('weight'));
    copy('features', field('availablefeatures'));
    copy('nodehostname', field('nodehostname'));
    lines.push({ file, line, values, subject: 'NodeName' });
    if (isOut(state, field('nextstate'))) out.push({ name: nodeName, state });
  }
  return { lines, out };
}

/** The cores that jobs do not get, from the CPUs that there are and those that they do get; undefined where all are theirs. */
function systemCores(total?: string, effective = total, threads = '1'): string | undefined {
  const kept = Number(total) - Number(effective);
  return kept > 0 ? String(Math.ceil(kept / Number(threads))) : undefined;
}

/**
 * Of `IDLE+DRAIN`, `DOWN*` and the like. The twin goes on for days: a node that is powered down is started for
 * whoever needs it, and one that reboots comes back.
 */
function isOut(state: string, nextState: string | undefined): boolean {
  // `scontrol reboot ASAP` drains it meanwhile, and says what it is to be afterwards.
  const isRebooting = state.includes('REBOOT') && (nextState === 'RESUME' || !/DRAIN|FAIL/.test(state));
  if (isRebooting) return false;
  return /^[A-Z]+\*/.test(state) || state.split('+').some((word) => OUT.has(word.replace(/[^A-Z_].*$/, '')));
}

const OUT: ReadonlySet<string> = new Set([
  'DOWN',
  'DRAIN',
  'DRAINED',
  'DRAINING',
  'ERROR',
  'FAIL',
  'FAILING',
  'MAINT',
  'MAINTENANCE',
  'NOT_RESPONDING',
  'UNKNOWN',
]);

const PARTITION_KEYS: readonly string[] = [
  'partitionname',
  'allowaccounts',
  'allowgroups',
  'allowqos',
  'default',
  'defaulttime',
  'defmempercpu',
  'defmempergpu',
  'defmempernode',
  'denyaccounts',
  'denyqos',
  'exclusivetopo',
  'exclusiveuser',
  'gracetime',
  'jobdefaults',
  'lln',
  'maxcpuspernode',
  'maxmempercpu',
  'maxmempernode',
  'maxnodes',
  'maxtime',
  'minnodes',
  'nodes',
  'oversubscribe',
  'overtimelimit',
  'preemptmode',
  'priorityjobfactor',
  'prioritytier',
  'qos',
  'reqresv',
  'state',
  'tresbillingweights',
];

/** The partitions of `scontrol show partition` as slurm.conf would declare them. */
export function scontrolPartitions({ name: file, text }: ConfText): ConfLine[] {
  return scontrolRecords(text, 'PartitionName').map(({ line, fields }) => {
    const values = new Map<string, string>();
    for (const key of PARTITION_KEYS) {
      const value = fields.get(key);
      if (value === undefined || NONE.test(value) || (key === 'defaulttime' && value === 'NONE')) continue;
      values.set(key, value);
    }
    return { file, line, values, subject: 'PartitionName' };
  });
}

/**
 * The leaf switches of `scontrol show topology`, or of a topology.conf: both have the same words. Blocks of `topology/block` are taken for leaf
 * switches; what several of them make up (`AggregatedBlock`) is left out, as are switches above the leaves.
 */
export function topologyLines({ name: file, text }: ConfText): ConfLine[] {
  const switches = scontrolRecords(text, 'SwitchName').flatMap(({ line, fields }) => {
    const isLeaf = !fields.has('switches') && (fields.get('level') ?? '0') === '0';
    return isLeaf ? [{ file, line, values: fields, subject: 'SwitchName' }] : [];
  });
  if (switches.length > 0) return switches;
  const blocks = text.replace(/^\s*AggregatedBlock=.*$/gm, '');
  return scontrolRecords(blocks, 'BlockName').map(({ line, fields }) => {
    const values = new Map([...fields, ['switchname', fields.get('blockname') ?? '']]);
    return { file, line, values, subject: 'SwitchName' };
  });
}

/** The weights of `sprio -w` as slurm.conf would set them: for where `scontrol show config` is missing. */
export function sprioWeights({ name: file, text }: ConfText): ConfLine[] {
  const lines = text.split(/\r?\n/);
  const header = lines.findIndex((line) => /\bPRIORITY\b/.test(line));
  const names = lines[header]?.trim().split(/\s+/) ?? [];
  const weights = lines[header + 1]?.trim().split(/\s+/) ?? [];
  if (header < 0 || weights[0] !== 'Weights') return [];
  // JOBID, PARTITION and PRIORITY have no weight; the columns after them have one each.
  const columns = names.slice(names.indexOf('PRIORITY') + 1);
  const figures = weights.slice(1);
  const keys: Readonly<Record<string, string>> = {
    AGE: 'PriorityWeightAge',
    FAIRSHARE: 'PriorityWeightFairshare',
    JOBSIZE: 'PriorityWeightJobSize',
    PARTITION: 'PriorityWeightPartition',
    QOS: 'PriorityWeightQOS',
  };
  const own = columns.flatMap((column, index) => {
    const subject = keys[column];
    const value = figures[index];
    if (subject === undefined || value === undefined || !/^\d+$/.test(value)) return [];
    return [{ file, line: header + 2, values: new Map([[subject.toLowerCase(), value]]), subject }];
  });
  const type = new Map([['prioritytype', 'priority/multifactor']]);
  return [{ file, line: header + 2, values: type, subject: 'PriorityType' }, ...own];
}
