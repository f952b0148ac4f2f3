import type { CadencePolicy } from '../scheduler/policy.ts';
import { badConf, type ConfLine } from './slurm-conf-lines.ts';

/** Slurm 22.05 without further settings; the share of prompt ends is measured (docs/reference/fidelity.md). */
export const SLURM_CADENCE: CadencePolicy = {
  batchSchedDelaySeconds: 3,
  schedIntervalSeconds: 60,
  timeLimitCheckSeconds: 30,
  promptEndShare: 0.15,
};

/** Slurm's default for `cred_expire`, in seconds. */
const CREDENTIAL_SECONDS = 120;

/** `SchedulerParameters` that say when the controller looks at its queue. */
const CADENCE_PARAMETERS = {
  batch_sched_delay: 'batchSchedDelaySeconds',
  sched_interval: 'schedIntervalSeconds',
} as const satisfies Record<string, keyof CadencePolicy>;

export interface SlurmTimes {
  cadence: CadencePolicy;
  requeueDelaySeconds: number;
}

export function isCadenceParameter(name: string): boolean {
  return Object.hasOwn(CADENCE_PARAMETERS, name);
}

/**
 * When Slurm 22.05 looks at its queue, and how long a requeued job waits: until the credential of its last attempt has expired, and a second.
 * Throws ORR_BAD_FILE.
 */
export function readSlurmTimes(settings: ReadonlyMap<string, ConfLine>): SlurmTimes {
  const cadence = { ...SLURM_CADENCE };
  for (const [name, field] of Object.entries(CADENCE_PARAMETERS)) {
    cadence[field] = wordSetting(settings, 'SchedulerParameters', name, 1) ?? cadence[field];
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
  const words = line?.values.get(key.toLowerCase())?.split(',') ?? [];
  const word = words.find((one) => one.trim().startsWith(`${name}=`));
  if (line === undefined || word === undefined) return undefined;
  const text = word.trim().slice(name.length + 1);
  if (/^\d+$/.test(text) && Number(text) >= min) return Number(text);
  throw badConf(line.file, line.line, `${key}: ${name}: expected an integer >= ${min}, got "${text}"`);
}
