import type { Limits, UseLimit } from '../scheduler/qos-and-accounts.ts';
import type { SchedulerOptions } from '../scheduler/policy.ts';
import type { IgnoredSetting } from './slurm-conf-lines.ts';
import { listOf, type Settings } from './slurm-policy.ts';

/** Leaves of the limits of QOS, accounts and users those that Slurm would hold jobs to, and tells of the others. */
export function keepCountedLimits(
  policy: SchedulerOptions,
  settings: Settings,
  isMemoryConsumed: boolean,
  ignored: IgnoredSetting[],
): void {
  keepEnforcedLimits(policy, settings, ignored);
  if (!isMemoryConsumed) dropMemoryLimits(policy, settings, ignored);
}

/** Where memory never runs out no job is given any, and none counts. */
function dropMemoryLimits(policy: SchedulerOptions, settings: Settings, ignored: IgnoredSetting[]): void {
  const dropped: string[] = [];
  const without = <T extends Limited>(one: T): T => {
    const rest = { ...one };
    for (const kind of USE_LIMITS) {
      const { memoryBytes = null, ...limit } = rest[kind] ?? {};
      if (memoryBytes === null) continue;
      dropped.push(one.name);
      if (Object.keys(limit).length > 0) rest[kind] = limit;
      else delete rest[kind];
    }
    return rest;
  };
  eachLimited(policy, without);
  const [first] = dropped;
  if (first === undefined) return;
  const { file, line } = settings.get('selecttypeparameters') ?? { file: 'slurm.conf', line: 1 };
  const reason = `memory is no resource that can run out, and limits on it change nothing: those of ${first}, for one`;
  ignored.push({ file, line, key: 'SelectTypeParameters', reason });
}

/** Of QOS, accounts and users, whatever their limits: Slurm keeps these only where `AccountingStorageEnforce` says so. */
function keepEnforcedLimits(policy: SchedulerOptions, settings: Settings, ignored: IgnoredSetting[]): void {
  // Every slurm.conf names its cluster: without, these are not its settings, and nothing is known of them.
  if (!settings.has('clustername')) return;
  const enforced = listOf(settings, 'AccountingStorageEnforce').map(({ flag }) => flag);
  const { qos = [], accounts = [], users = [] } = policy;
  const all: readonly Limited[] = [...qos, ...accounts, ...users];
  const isSafe = enforced.some((flag) => /^(?:ALL|SAFE)$/.test(flag));
  // It is about these limits alone.
  if (isSafe && all.some((one) => one.groupMinutes !== undefined || (one.groupWallSeconds ?? null) !== null))
    policy.areLimitsSafe = true;
  if (enforced.some((flag) => /^(?:ALL|LIMITS|SAFE|1|2)$/.test(flag))) return;
  const limited = all.filter((one) => LIMITS.some((limit) => (one[limit] ?? null) !== null));
  const [first] = limited;
  if (first === undefined) return;
  eachLimited(policy, (one) => {
    const rest = { ...one };
    for (const limit of LIMITS) delete rest[limit];
    return rest;
  });
  const line = settings.get('accountingstorageenforce');
  const { file, line: number } = line ?? { file: 'slurm.conf', line: 1 };
  const value = line?.values.get('accountingstorageenforce') ?? '';
  const reason = `without "limits", Slurm keeps to no limit of QOS, accounts and users: those of ${limited.length}, ${first.name} for one, change nothing`;
  ignored.push({ file, line: number, key: `AccountingStorageEnforce=${value}`, reason });
}

type Limited = Limits & { name: string; perJobMin?: UseLimit };

/** Puts what `change` makes of each in its place. */
function eachLimited(policy: SchedulerOptions, change: <T extends Limited>(one: T) => T): void {
  if (policy.qos !== undefined) policy.qos = policy.qos.map(change);
  if (policy.accounts !== undefined) policy.accounts = policy.accounts.map(change);
  if (policy.users !== undefined) policy.users = policy.users.map(change);
}

const USE_LIMITS = [
  'group',
  'perUser',
  'perAccount',
  'perJob',
  'perNode',
  'perJobMin',
  'perJobMinutes',
  'groupRunMinutes',
  'groupMinutes',
] as const;
const LIMITS = [
  ...USE_LIMITS,
  'groupWallSeconds',
  'submitJobs',
  'submitJobsPerUser',
  'submitJobsPerAccount',
  'wallSecondsMax',
] as const;
