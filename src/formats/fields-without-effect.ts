import type { SchedulerOptions } from '../scheduler/policy.ts';
import type { Limits } from '../scheduler/qos-and-accounts.ts';

/** What only Slurm's own passes look at; 0 is none. */
const BOUNDS_OF_PASSES = [
  'bfMaxJobUser',
  'bfMaxJobPart',
  'bfMaxJobUserPart',
  'bfMaxJobAssoc',
  'bfMaxJobStart',
  'schedMaxJobStart',
  'bfJobPartCountReserve',
  'bfMinAgeReserveSeconds',
  'bfMinPrioReserve',
  'partitionJobDepth',
] as const satisfies readonly (keyof SchedulerOptions)[];

const OF_PASSES = 'it is about the passes of backfillType conservative';
const NOT_COUNTED = 'with priority.type basic nothing is counted in it';

/** A field that the rest of its policy leaves nothing to do. */
export interface FieldWithoutEffect {
  key: string;
  reason: string;
}

/** Of the whole policy, once all of it is known: what one field says may depend on another. */
export function fieldsWithoutEffect(options: SchedulerOptions): FieldWithoutEffect[] {
  return [...ofPasses(options), ...usedLimits(options)];
}

function ofPasses(options: SchedulerOptions): FieldWithoutEffect[] {
  if (options.backfillType === 'conservative') return [];
  const keys: string[] = BOUNDS_OF_PASSES.filter((field) => (options[field] ?? 0) > 0);
  if (options.selectType === 'linear') keys.push('selectType');
  if (options.cadence) keys.push('cadence');
  return keys.map((key) => ({ key, reason: OF_PASSES }));
}

/** Limits on what jobs use, of a QOS, an account or a user. */
function usedLimits({ priority, qos = [], accounts = [], users = [] }: SchedulerOptions): FieldWithoutEffect[] {
  if (priority?.type === 'multifactor') return [];
  const limits: readonly Limits[] = [...qos, ...accounts, ...users];
  const found: FieldWithoutEffect[] = [];
  const areMinutesLimited = ({ groupMinutes = {} }: Limits) =>
    Object.values(groupMinutes).some((minutes) => minutes !== null);
  if (limits.some(areMinutesLimited)) found.push({ key: 'groupMinutes', reason: NOT_COUNTED });
  if (limits.some(({ groupWallSeconds = null }) => groupWallSeconds !== null)) {
    const reason = `${NOT_COUNTED}, and it is but the time limit of jobs that ask for none`;
    found.push({ key: 'groupWallSeconds', reason });
  }
  return found;
}
