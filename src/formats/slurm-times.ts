import type { CadencePolicy } from '../scheduler/policy.ts';
import type { Timing } from '../twin/scenario.ts';
import { badConf, type ConfLine } from './slurm-conf-lines.ts';

/**
 * Slurm 22.05 without further settings and without a database; `promptEndShare`, `controllerAgeSeconds` and `nodeTestMicroseconds` are measured
 * (docs/reference/fidelity.md).
 */
export const SLURM_CADENCE: CadencePolicy = {
  batchSchedDelaySeconds: 3,
  schedIntervalSeconds: 60,
  timeLimitCheckSeconds: 30,
  promptEndShare: 0.012,
  controllerAgeSeconds: 0.5,
  loopDelaySeconds: 0,
  originSeconds: 0,
  bfMaxTimeSeconds: 30,
  bfYieldIntervalSeconds: 2,
  bfYieldSleepSeconds: 0.5,
  isBfContinued: false,
  nodeTestMicroseconds: 23,
};

/** Measured as well: what a job takes beyond its tasks, on a node with a machine of its own. */
const SLURM_TIMING: Timing = { launchMs: 10, completeMs: 10, killMs: 10 };

/**
 * Where nodes of a slurm.conf are one machine's (`NodeHostname`, `NodeAddr`), each launch reads a configuration as long as there are nodes, and a launch
 * waits for those before it: measured on two cores, for each node.
 */
const LAUNCH_MS_PER_NODE = 0.6;
const LAUNCH_GAP_MS_PER_NODE = 0.2;

/** By what the nodes' machines are called; null where that is not known. */
export function readSlurmTiming(machines: readonly (string | null)[]): Timing {
  const counts = new Map<string, number>();
  for (const machine of machines) {
    if (machine !== null) counts.set(machine, (counts.get(machine) ?? 0) + 1);
  }
  const nodes = Math.max(0, ...counts.values());
  if (nodes < 2) return SLURM_TIMING;
  const sharedMs = Math.round(nodes * LAUNCH_MS_PER_NODE);
  const { launchMs, completeMs, killMs } = SLURM_TIMING;
  return {
    launchMs: launchMs + sharedMs,
    completeMs,
    killMs: killMs + sharedMs,
    killGapMs: sharedMs,
    launchGapMs: Math.round(nodes * LAUNCH_GAP_MS_PER_NODE),
  };
}

/** Time limits are whole minutes. */
export const SLURM_LIMIT_STEP_MS = 60_000;

/** Measured: how long a controller with a database needs to register there. */
const REGISTERING_SECONDS = 0.27;

/** Slurm's default for `cred_expire`, in seconds. */
const CREDENTIAL_SECONDS = 120;

interface CadenceParameter {
  field: Exclude<keyof CadencePolicy, 'isBfContinued' | 'mainAgeSeconds' | 'fullAgeSeconds'>;
  min: number;
  /** Of the field in the parameter's unit. */
  factor: number;
}

const MICROSECOND = 1e-6;

/** `SchedulerParameters` that say when the controller looks at its queue, and for how long. */
const CADENCE_PARAMETERS: Readonly<Record<string, CadenceParameter>> = {
  batch_sched_delay: { field: 'batchSchedDelaySeconds', min: 1, factor: 1 },
  sched_interval: { field: 'schedIntervalSeconds', min: 1, factor: 1 },
  bf_max_time: { field: 'bfMaxTimeSeconds', min: 1, factor: 1 },
  bf_yield_interval: { field: 'bfYieldIntervalSeconds', min: 1, factor: MICROSECOND },
  bf_yield_sleep: { field: 'bfYieldSleepSeconds', min: 1, factor: MICROSECOND },
};

export interface SlurmTimes {
  cadence: CadencePolicy;
  requeueDelaySeconds: number;
}

export function isCadenceParameter(name: string): boolean {
  return name === 'bf_continue' || Object.hasOwn(CADENCE_PARAMETERS, name);
}

/** What one of these parameters, with its value in a policy file, makes of a cadence; a text says what was expected. */
export function cadenceChange(name: string, value: unknown): Partial<CadencePolicy> | string {
  const parameter = CADENCE_PARAMETERS[name];
  if (parameter === undefined) return typeof value === 'boolean' ? { isBfContinued: value } : 'true or false';
  const { field, min, factor } = parameter;
  return Number.isSafeInteger(value) && Number(value) >= min
    ? { [field]: Number(value) * factor }
    : `an integer >= ${min}`;
}

/**
 * When Slurm 22.05 looks at its queue, and how long a requeued job waits: until the credential of its last attempt has expired, and a second.
 * Throws ORR_BAD_FILE.
 */
export function readSlurmTimes(settings: ReadonlyMap<string, ConfLine>): SlurmTimes {
  const cadence = { ...SLURM_CADENCE };
  // The time of a pass is that between two, unless the file says otherwise.
  const bfIntervalSeconds = wordSetting(settings, 'SchedulerParameters', 'bf_interval', -1);
  if (bfIntervalSeconds !== undefined && bfIntervalSeconds > 0) cadence.bfMaxTimeSeconds = bfIntervalSeconds;
  for (const [name, { field, min, factor }] of Object.entries(CADENCE_PARAMETERS)) {
    const value = wordSetting(settings, 'SchedulerParameters', name, min);
    if (value !== undefined) cadence[field] = value * factor;
  }
  cadence.isBfContinued = words(settings, 'SchedulerParameters').some((word) =>
    /^bf_continue(?:=(?!0|no|false).*)?$/.test(word),
  );
  if (settings.get('accountingstoragetype')?.values.get('accountingstoragetype') === 'accounting_storage/slurmdbd') {
    cadence.loopDelaySeconds = REGISTERING_SECONDS;
  }
  if (settings.get('epilog')?.values.get('epilog')) cadence.promptEndShare = 1;
  const credentialSeconds = wordSetting(settings, 'AuthInfo', 'cred_expire', 5) ?? CREDENTIAL_SECONDS;
  return { cadence, requeueDelaySeconds: credentialSeconds + 1 };
}

/** `name=number` among the words of a setting. */
function wordSetting(
  settings: ReadonlyMap<string, ConfLine>,
  key: string,
  name: string,
  min: number,
): number | undefined {
  const line = settings.get(key.toLowerCase());
  const word = words(settings, key).find((one) => one.startsWith(`${name}=`));
  if (line === undefined || word === undefined) return undefined;
  const text = word.slice(name.length + 1);
  if (/^-?\d+$/.test(text) && Number(text) >= min) return Number(text);
  throw badConf(line.file, line.line, `${key}: ${name}: expected an integer >= ${min}, got "${text}"`);
}

function words(settings: ReadonlyMap<string, ConfLine>, key: string): string[] {
  const text = settings.get(key.toLowerCase())?.values.get(key.toLowerCase()) ?? '';
  return text.split(',').map((word) => word.trim().toLowerCase());
}
