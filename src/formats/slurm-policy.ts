import type { PreemptPolicy, PriorityPolicy, SchedulerOptions } from '../scheduler/policy.ts';
import {
  APPLIED_PARAMETERS,
  IGNORED_PARAMETERS,
  isAppliedParameter,
  isIgnoredParameter,
  parameterOption,
} from './scheduler-parameters.ts';
import {
  badConf,
  type ConfLine,
  flagSetting,
  type IgnoredSetting,
  integerSetting,
  minutesSetting,
  overTimeSetting,
  timeSetting,
} from './slurm-conf-lines.ts';
import { isCadenceParameter, readSlurmTimes } from './slurm-times.ts';

/** Slurm's defaults (slurm.conf(5)) where the scheduler's own differ: its backfill plans for every job it looks at, in passes. */
const SLURM_DEFAULTS: SchedulerOptions = {
  schedulerType: 'backfill',
  backfillType: 'conservative',
  defaultQueueDepth: 100,
  bfIntervalSeconds: 30,
  bfResolutionSeconds: 60,
  bfMaxJobTest: 500,
  bfWindowSeconds: 86_400,
};

/** Settings that decide what runs when, and why they change nothing here. */
const NOT_MODELLED: Readonly<Record<string, string>> = {
  burstbuffertype: 'no job waits for its data',
  dependencyparameters: 'a job whose dependency is never satisfied waits for ever',
  mcsplugin: 'users and their groups share nodes',
  nodefeaturesplugins: 'nodes are not rebooted for their features',
  prioritysitefactorplugin: 'the site gives no priority of its own',
  requeueexit: 'no job is put back for its exit code',
  requeueexithold: 'no job is put back for its exit code',
  topologyparam: 'placement is by leaf switch',
  batchstarttimeout: 'batch scripts always start',
  completewait: 'no job waits for another to be cleaned up',
  fairsharedampeningfactor: 'fair-share is not dampened',
  federationparameters: 'one cluster alone',
  inactivelimit: 'no step is inactive',
  jobsubmitplugins: 'jobs are not changed at submission',
  licenses: 'licenses are not counted',
  epilogslurmctld: 'it takes no time',
  maxarraysize: 'arrays of any size are taken',
  maxjobcount: 'any number of jobs is taken',
  maxmempercpu: 'a job may use all memory of a node',
  maxmempernode: 'a job may use all memory of a node',
  powerdownonidle: 'nodes are always on',
  priorityusageresetperiod: 'use, also what limits on used minutes count, fades by its half-life alone',
  priorityweightassoc: 'an association has no priority of its own',
  prolog: 'it takes no time',
  prologslurmctld: 'it takes no time',
  suspendtime: 'nodes are always on',
};

/** What is done instead of what a flag says. */
const PRIORITY_FLAGS: Readonly<Record<string, string>> = {
  ACCRUE_ALWAYS: 'a job ages only while nothing but its turn keeps it from starting',
  CALCULATE_RUNNING: 'a job that runs has no priority',
  DEPTH_OBLIVIOUS: 'of the ways to rank associations, fair tree and classic fair-share are known',
  INCR_ONLY: 'priorities fall, too',
};

/** One setting at a time: of two in one file the later counts, as in Slurm. */
export type Settings = ReadonlyMap<string, ConfLine>;

/** Scheduling policy from the settings of slurm.conf, without QOS, accounts and partitions. Throws ORR_BAD_FILE. */
export function readSlurmPolicy(settings: Settings, ignored: IgnoredSetting[]): SchedulerOptions {
  for (const [key, line] of settings) {
    const reason = NOT_MODELLED[key];
    const value = line.values.get(key) ?? '';
    if (reason !== undefined && !/^(?:0|NO|(?:MCS\/)?NONE|\(NULL\)|)$/i.test(value))
      ignored.push({ ...line, key: keyOf(line, key), reason });
  }
  const options: SchedulerOptions = { ...SLURM_DEFAULTS };
  const scheduler = pluginOf(settings, 'SchedulerType');
  if (scheduler === 'builtin') options.schedulerType = 'builtin';
  else if (scheduler !== undefined && scheduler !== 'backfill') {
    throw unknown(settings, 'SchedulerType', 'sched/backfill or sched/builtin');
  }
  Object.assign(options, readParameters(settings, ignored));
  const priority = readPriority(settings, ignored);
  const preempt = readPreempt(settings, ignored);
  return { ...options, ...readTimeLimits(settings), ...readSlurmTimes(settings), priority, preempt };
}

/** What holds jobs to the limits of their partitions and to their time limits, where it is not as Slurm has it by default. */
function readTimeLimits(settings: Settings): SchedulerOptions {
  const options: SchedulerOptions = {};
  const [over, wait] = [settings.get('overtimelimit'), settings.get('killwait')];
  const overTime = over === undefined ? undefined : overTimeSetting(over);
  if (overTime !== undefined && overTime !== 0) options.overTimeSeconds = overTime;
  const killWait = wait === undefined ? undefined : integerSetting(wait, 'KillWait');
  if (killWait !== undefined && killWait !== KILL_WAIT_SECONDS) options.killWaitSeconds = killWait;
  const line = settings.get('enforcepartlimits');
  const value = line?.values.get('enforcepartlimits') ?? 'NO';
  if (/^ANY$/i.test(value)) options.enforcePartLimits = 'any';
  else if (/^ALL$/i.test(value) || (line && flagSetting(line, 'EnforcePartLimits'))) options.enforcePartLimits = true;
  return options;
}

const KILL_WAIT_SECONDS = 30;

function readParameters(settings: Settings, ignored: IgnoredSetting[]): SchedulerOptions {
  const options: SchedulerOptions = {};
  const line = settings.get('schedulerparameters');
  for (const entry of (line?.values.get('schedulerparameters') ?? '').split(',')) {
    if (line === undefined || entry.trim() === '') continue;
    const [word = '', value = ''] = entry.trim().split('=');
    const name = word.toLowerCase();
    if (name === 'bf_interval' && value === '-1') options.schedulerType = 'builtin';
    else if (isAppliedParameter(name)) {
      const number = Number(value);
      const { min } = APPLIED_PARAMETERS[name];
      if (!/^\d+$/.test(value) || number < min) {
        throw badConf(
          line.file,
          line.line,
          `SchedulerParameters: ${name}: expected an integer >= ${min}, got "${value}"`,
        );
      }
      const reason = name === 'bf_max_job_assoc' && number > 0 ? withoutAssociations(settings) : null;
      if (reason === null) Object.assign(options, parameterOption(name, number));
      else ignored.push({ ...line, key: `SchedulerParameters ${name}`, reason });
    } else if (name !== 'preempt_youngest_first' && !isCadenceParameter(name)) {
      const reason = isIgnoredParameter(name) ? IGNORED_PARAMETERS[name] : 'this parameter is not modelled';
      ignored.push({ ...line, key: `SchedulerParameters ${name}`, reason });
    }
  }
  return options;
}

/** Why Slurm, too, keeps to no limit for each association; null where it does. */
function withoutAssociations(settings: Settings): string | null {
  return isWithoutDatabase(settings)
    ? 'without a database there are no associations, and Slurm keeps to no such limit either'
    : null;
}

/** Every slurm.conf names its cluster: without, these are not its settings, and nothing is known of a database. */
export function isWithoutDatabase(settings: Settings): boolean {
  return settings.has('clustername') && pluginOf(settings, 'AccountingStorageType') !== 'slurmdbd';
}

/** Those that Slurm passes over without a database, which has what they are worked out from. */
function databaseWeight(settings: Settings, key: string, ignored: IgnoredSetting[]): number {
  const value = weight(settings, key);
  const line = settings.get(key.toLowerCase());
  if (value === 0 || line === undefined || !isWithoutDatabase(settings)) return value;
  ignored.push({
    ...line,
    key: keyOf(line, key),
    reason: 'Slurm passes it over too, without AccountingStorageType=accounting_storage/slurmdbd',
  });
  return 0;
}

function readPriority(settings: Settings, ignored: IgnoredSetting[]): Partial<PriorityPolicy> {
  const plugin = pluginOf(settings, 'PriorityType') ?? 'basic';
  if (plugin !== 'basic' && plugin !== 'multifactor') {
    throw unknown(settings, 'PriorityType', 'priority/basic or priority/multifactor');
  }
  const priority: Partial<PriorityPolicy> = {
    type: plugin,
    weights: {
      age: databaseWeight(settings, 'PriorityWeightAge', ignored),
      fairshare: databaseWeight(settings, 'PriorityWeightFairshare', ignored),
      jobSize: weight(settings, 'PriorityWeightJobSize'),
      partition: weight(settings, 'PriorityWeightPartition'),
      qos: weight(settings, 'PriorityWeightQOS'),
    },
  };
  // Unless TRESBillingWeights says otherwise.
  priority.billingWeights = { cpu: 1, gpu: 0 };
  const maxAge = minutes(settings, 'PriorityMaxAge');
  if (maxAge !== undefined && maxAge !== null) priority.maxAgeSeconds = maxAge;
  const halfLife = minutes(settings, 'PriorityDecayHalfLife');
  if (halfLife !== undefined) priority.decayHalfLifeSeconds = halfLife ?? 0;
  const period = minutes(settings, 'PriorityCalcPeriod');
  if (period !== undefined && period !== null) priority.calcPeriodSeconds = period;
  const favorsSmall = settings.get('priorityfavorsmall');
  if (favorsSmall !== undefined) priority.isSmallFavored = flagSetting(favorsSmall, 'PriorityFavorSmall') ?? false;
  for (const { flag, line } of listOf(settings, 'PriorityFlags')) {
    if (flag === 'NO_FAIR_TREE' || flag === 'TICKET_BASED') priority.fairshareAlgorithm = 'classic';
    else if (flag === 'MAX_TRES') priority.isMostBilled = true;
    else if (flag === 'SMALL_RELATIVE_TO_TIME') priority.isSizeRelativeToTime = true;
    else if (flag !== 'FAIR_TREE') {
      const reason = PRIORITY_FLAGS[flag] ?? 'this flag is not modelled';
      ignored.push({ ...line, key: `PriorityFlags ${flag}`, reason });
    }
  }
  return priority;
}

function readPreempt(settings: Settings, ignored: IgnoredSetting[]): Partial<PreemptPolicy> {
  const type = pluginOf(settings, 'PreemptType') ?? 'none';
  if (type !== 'none' && type !== 'qos' && type !== 'partition_prio') {
    throw unknown(settings, 'PreemptType', 'preempt/none, preempt/qos or preempt/partition_prio');
  }
  const preempt: Partial<PreemptPolicy> = { type, mode: 'off', isYoungestFirst: false };
  for (const { flag, line } of listOf(settings, 'PreemptMode')) {
    if (flag === 'REQUEUE') preempt.mode = 'requeue';
    else if (flag === 'CANCEL') preempt.mode = 'cancel';
    else if (flag !== 'OFF') {
      const reason = flag === 'SUSPEND' ? 'no job is suspended: none is preempted' : 'jobs do not take turns on a node';
      ignored.push({ ...line, key: `PreemptMode=${flag}`, reason });
    }
  }
  const exempt = time(settings, 'PreemptExemptTime');
  preempt.exemptSeconds = exempt ?? 0;
  const parameters = [...listOf(settings, 'SchedulerParameters'), ...listOf(settings, 'PreemptParameters')];
  preempt.isYoungestFirst = parameters.some(({ flag }) => /^(?:PREEMPT_)?YOUNGEST_FIRST(?:=|$)/.test(flag));
  for (const { flag, line } of listOf(settings, 'PreemptParameters')) {
    if (!flag.startsWith('YOUNGEST_FIRST')) {
      ignored.push({ ...line, key: `PreemptParameters ${flag}`, reason: 'this parameter is not modelled' });
    }
  }
  return preempt;
}

/** `sched/backfill` is `backfill`; undefined where the key is absent. */
export function pluginOf(settings: Settings, key: string): string | undefined {
  return settings.get(key.toLowerCase())?.values.get(key.toLowerCase())?.toLowerCase().replace(/^.*\//, '');
}

/** The words of a comma-separated setting, in capitals. */
export function listOf(settings: Settings, key: string): { flag: string; line: ConfLine }[] {
  const line = settings.get(key.toLowerCase());
  if (line === undefined) return [];
  const words = (line.values.get(key.toLowerCase()) ?? '').split(',');
  return words.map((flag) => ({ flag: flag.trim().toUpperCase(), line })).filter(({ flag }) => flag !== '');
}

function weight(settings: Settings, key: string): number {
  const line = settings.get(key.toLowerCase());
  return line === undefined ? 0 : (integerSetting(line, key) ?? 0);
}

/** In seconds, of whole minutes. */
function minutes(settings: Settings, key: string): number | null | undefined {
  const line = settings.get(key.toLowerCase());
  return line === undefined ? undefined : minutesSetting(line, key);
}

/** In seconds; a plain number is minutes. */
function time(settings: Settings, key: string): number | null | undefined {
  const line = settings.get(key.toLowerCase());
  return line === undefined ? undefined : timeSetting(line, key);
}

/** The key as the file has it. */
function keyOf(line: ConfLine, key: string): string {
  return line.subject.toLowerCase() === key ? line.subject : key;
}

function unknown(settings: Settings, key: string, expected: string): Error {
  const line = settings.get(key.toLowerCase());
  const found = line?.values.get(key.toLowerCase()) ?? '';
  return badConf(line?.file ?? '', line?.line ?? 0, `${key}: expected ${expected}, got "${found}"`);
}
