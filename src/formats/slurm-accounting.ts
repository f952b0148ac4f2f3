import type {
  AccountPolicy,
  LiftedLimit,
  Limits,
  PreemptMode,
  QosPolicy,
  Shares,
  UseLimit,
  UserPolicy,
} from '../scheduler/qos-and-accounts.ts';
import { parseDurationMs } from '../lib/units.ts';
import { Columns, eachRecord } from './delimited-rows.ts';
import { parseTres } from './sacct-dump.ts';
import { badConf, type ConfText, type IgnoredSetting } from './slurm-conf-lines.ts';

const PREEMPT_MODES: Readonly<Record<string, PreemptMode | null>> = {
  '': null,
  cluster: null,
  cancel: 'cancel',
  requeue: 'requeue',
  off: 'off',
};

/** A record of a dump, by column in lower case, and what of it is told to be ignored. */
class DumpRecord {
  readonly place: { file: string; line: number };
  private readonly fields: readonly string[];
  private readonly columns: Columns;
  private readonly ignored: IgnoredSetting[];

  constructor(
    place: { file: string; line: number },
    columns: Columns,
    fields: readonly string[],
    ignored: IgnoredSetting[],
  ) {
    this.place = place;
    this.columns = columns;
    this.fields = [...fields];
    this.ignored = ignored;
  }

  /** The first of the columns that is there; empty where none is. */
  text(...names: string[]): string {
    return this.columns.reader(...names.map((name) => name.toLowerCase()))(this.fields);
  }

  /** As it stands, with blanks in front. */
  raw(name: string): string {
    return this.fields[this.columns.names.indexOf(name.toLowerCase())] ?? '';
  }

  /** Null where the field is empty or the column absent. */
  number(...names: string[]): number | null {
    const text = this.text(...names);
    if (text === '') return null;
    const value = Number(text);
    if (Number.isFinite(value)) return value < 0 ? null : value;
    throw badConf(this.place.file, this.place.line, `${names[0]}: expected a number, got "${text}"`);
  }

  /** Seconds; null where the field is empty, the column absent, or there is no limit. */
  seconds(...names: string[]): number | null {
    const text = this.text(...names);
    if (/^(?:|UNLIMITED|INFINITE|NONE|-1)$/i.test(text)) return null;
    const ms = parseDurationMs(text);
    if (ms === undefined)
      throw badConf(this.place.file, this.place.line, `${names[0]}: expected a time, got "${text}"`);
    return ms / 1000;
  }

  ignore(key: string, reason: string): void {
    this.ignored.push({ ...this.place, key, reason });
  }

  /** A limit on jobs and one on trackable resources; undefined where there is neither. */
  limit(tresNames: readonly string[], jobNames: readonly string[] = []): UseLimit | undefined {
    const limit: UseLimit = {};
    for (const [name, count] of parseTres(this.text(...tresNames))) {
      if (name === 'node') limit.nodes = count;
      else if (name === 'gres/gpu') limit.gpus = count;
      else if (name === 'cpu') limit.cpus = count;
      else if (name === 'mem') limit.memoryBytes = count;
      else
        this.ignore(
          `${tresNames[0]} ${name}`,
          'of trackable resources, nodes, CPUs, memory and GPUs of any type are limited',
        );
    }
    const jobs = jobNames.length === 0 ? null : this.number(...jobNames);
    if (jobs !== null) limit.jobs = jobs;
    return Object.keys(limit).length === 0 ? undefined : limit;
  }
}

/** Throws ORR_BAD_FILE where a column is missing. */
export function dumpRecords(
  dump: ConfText,
  required: readonly string[],
  command: string,
  ignored: IgnoredSetting[],
): DumpRecord[] {
  const found: DumpRecord[] = [];
  let columns: Columns | null = null;
  eachRecord(dump.text, '|', (fields, line) => {
    if (columns !== null) {
      if (fields.length !== columns.count) {
        throw badConf(dump.name, line, `expected ${columns.count} fields as in the header, got ${fields.length}`);
      }
      found.push(new DumpRecord({ file: dump.name, line }, columns, fields, ignored));
      return;
    }
    const header = new Columns(fields.map((name) => name.toLowerCase()));
    const missing = required.filter((name) => !header.has(name.toLowerCase()));
    if (missing.length > 0) {
      throw badConf(dump.name, line, `missing column ${missing.join(', ')}: expected the output of ${command}`);
    }
    columns = header;
  });
  return found;
}

const LIFTS: Readonly<Record<string, LiftedLimit>> = {
  partitionminnodes: 'minNodes',
  partitionmaxnodes: 'maxNodes',
  partitiontimelimit: 'maxTimeSeconds',
};

/** QOS from `sacctmgr show qos -P`. Throws ORR_BAD_FILE. */
export function readQosDump(dump: ConfText, ignored: IgnoredSetting[]): QosPolicy[] {
  return dumpRecords(dump, ['Name', 'Priority'], 'sacctmgr show qos -P', ignored).map((record) => {
    const qos: QosPolicy = { name: record.text('Name'), priority: record.number('Priority') ?? 0 };
    const preempts = record
      .text('Preempt')
      .split(',')
      .filter((name) => name !== '');
    if (preempts.length > 0) qos.preempts = preempts;
    const mode = PREEMPT_MODES[record.text('PreemptMode').toLowerCase()];
    if (mode === undefined)
      record.ignore(`PreemptMode=${record.text('PreemptMode')}`, 'the mode of the cluster counts');
    else if (mode !== null) qos.preemptMode = mode;
    const grace = record.seconds('GraceTime');
    if (grace !== null && grace > 0) qos.graceSeconds = grace;
    const exempt = record.seconds('PreemptExemptTime');
    if (exempt !== null) qos.preemptExemptSeconds = exempt;
    const usageFactor = record.number('UsageFactor');
    if (usageFactor !== null) qos.usageFactor = usageFactor;
    const wall = record.seconds('MaxWall', 'MaxWallDurationPerJob');
    if (wall !== null) qos.wallSecondsMax = wall;
    const submit = record.number('MaxSubmitPU', 'MaxSubmitJobsPU');
    if (submit !== null) qos.submitJobsPerUser = submit;
    const submitOfAll = record.number('GrpSubmit', 'GrpSubmitJobs');
    if (submitOfAll !== null) qos.submitJobs = submitOfAll;
    const submitOfAccount = record.number('MaxSubmitPA', 'MaxSubmitJobsPA');
    if (submitOfAccount !== null) qos.submitJobsPerAccount = submitOfAccount;
    const group = record.limit(['GrpTRES'], ['GrpJobs']);
    if (group !== undefined) qos.group = group;
    const perUser = record.limit(['MaxTRESPU'], ['MaxJobsPU']);
    if (perUser !== undefined) qos.perUser = perUser;
    const perAccount = record.limit(['MaxTRESPA'], ['MaxJobsPA']);
    if (perAccount !== undefined) qos.perAccount = perAccount;
    const perJob = record.limit(['MaxTRES', 'MaxTRESPJ']);
    if (perJob !== undefined) qos.perJob = perJob;
    const perNode = nodeLimit(record);
    if (perNode !== undefined) qos.perNode = perNode;
    const perJobMin = record.limit(['MinTRES', 'MinTRESPJ']);
    if (perJobMin !== undefined) qos.perJobMin = perJobMin;
    Object.assign(qos, minuteLimits(record));
    addFlags(qos, record);
    return qos;
  });
}

function addFlags(qos: QosPolicy, record: DumpRecord): void {
  const lifts: LiftedLimit[] = [];
  for (const flag of record.text('Flags').split(',')) {
    const name = flag.toLowerCase();
    const lift = LIFTS[name];
    if (lift !== undefined) lifts.push(lift);
    else if (name === 'overpartqos') qos.isOverPartitionQos = true;
    else if (name === 'denyonlimit') qos.isDeniedOnLimit = true;
    else if (name === 'noreserve') qos.isNeverReserved = true;
    else if (name === 'nodecay') qos.isUseKept = true;
    else if (name !== '') record.ignore(`Flags=${flag}`, 'this flag of a QOS changes nothing');
  }
  if (lifts.length > 0) qos.lifts = lifts;
}

export interface Associations {
  accounts: AccountPolicy[];
  users: UserPolicy[];
}

/**
 * Accounts and users with their shares and limits from `sacctmgr show assoc -P`: with `tree`, or with the column ParentName, it knows the tree; without,
 * all accounts are right below the root. Throws ORR_BAD_FILE.
 */
export function readAssociationDump(
  dump: ConfText,
  ignored: IgnoredSetting[],
  cluster: string | null = null,
): Associations {
  const accounts: AccountPolicy[] = [];
  const users: UserPolicy[] = [];
  const above: { name: string; depth: number }[] = [];
  for (const record of dumpRecords(dump, ['Account', 'User', 'Share'], 'sacctmgr show assoc tree -P', ignored)) {
    // One slurmdbd may keep several clusters.
    const ofCluster = record.text('Cluster').toLowerCase();
    if (cluster !== null && ofCluster !== '' && ofCluster !== cluster.toLowerCase()) continue;
    const name = record.text('Account');
    const user = record.text('User');
    if (record.text('Partition') !== '') {
      record.ignore(`${user}@${name}`, 'associations of one partition are not kept');
      continue;
    }
    const shares = sharesOf(record);
    if (user !== '') {
      // Also those right below the root: Slurm's own root user is one, and counts when users are ranked.
      users.push({
        name: user,
        account: name,
        ...(shares === null ? {} : { shares }),
        ...limitsOf(record),
      });
      continue;
    }
    // With `tree`, an account is one blank further in than the one it is below.
    const depth = /^ */.exec(record.raw('Account'))?.[0].length ?? 0;
    while ((above.at(-1)?.depth ?? -1) >= depth) above.pop();
    const parent = record.text('ParentName', 'Par Name') || above.at(-1)?.name || 'root';
    above.push({ name, depth });
    if (name === 'root') continue;
    accounts.push(accountOf(record, name, parent === 'root' ? null : parent, shares));
  }
  return { accounts, users };
}

function accountOf(record: DumpRecord, name: string, parent: string | null, shares: Shares | null): AccountPolicy {
  return { name, parent, ...(shares === null ? {} : { shares }), ...limitsOf(record) };
}

/** Those of an association: of an account, or of a user in it. */
function limitsOf(record: DumpRecord): Omit<Limits, 'perAccount' | 'submitJobsPerAccount'> {
  const limits: ReturnType<typeof limitsOf> = {};
  const group = record.limit(['GrpTRES'], ['GrpJobs']);
  if (group !== undefined) limits.group = group;
  const jobsPerUser = record.number('MaxJobs');
  if (jobsPerUser !== null) limits.perUser = { jobs: jobsPerUser };
  const perJob = record.limit(['MaxTRES', 'MaxTRESPJ']);
  if (perJob !== undefined) limits.perJob = perJob;
  const perNode = nodeLimit(record);
  if (perNode !== undefined) limits.perNode = perNode;
  const wall = record.seconds('MaxWall', 'MaxWallDurationPerJob');
  if (wall !== null) limits.wallSecondsMax = wall;
  const submit = record.number('MaxSubmit', 'MaxSubmitJobs');
  if (submit !== null) limits.submitJobsPerUser = submit;
  const submitOfAll = record.number('GrpSubmit', 'GrpSubmitJobs');
  if (submitOfAll !== null) limits.submitJobs = submitOfAll;
  Object.assign(limits, minuteLimits(record));
  return limits;
}

type MinuteLimits = Pick<Limits, 'perJobMinutes' | 'groupRunMinutes' | 'groupMinutes' | 'groupWallSeconds'>;

/** On the minutes of a job by its time limit, on those that all that run have ahead of them, and on those that all use. */
function minuteLimits(record: DumpRecord): MinuteLimits {
  const perJobMinutes = record.limit(['MaxTRESMins', 'MaxTRESMinsPJ']);
  const groupRunMinutes = record.limit(['GrpTRESRunMins']);
  const groupMinutes = record.limit(['GrpTRESMins']);
  const groupWallSeconds = record.seconds('GrpWall');
  return {
    ...(perJobMinutes && { perJobMinutes }),
    ...(groupRunMinutes && { groupRunMinutes }),
    ...(groupMinutes && { groupMinutes }),
    ...(groupWallSeconds !== null && { groupWallSeconds }),
  };
}

/** On what a job has of a node. One on nodes changes nothing in Slurm either. */
function nodeLimit(record: DumpRecord): UseLimit | undefined {
  const { nodes: _, ...limit } = record.limit(['MaxTRESPerNode', 'MaxTRESPN']) ?? {};
  return Object.keys(limit).length === 0 ? undefined : limit;
}

/** Null for the default of 1. */
function sharesOf(record: DumpRecord): Shares | null {
  return record.text('Share').toLowerCase() === 'parent' ? 'parent' : record.number('Share');
}
