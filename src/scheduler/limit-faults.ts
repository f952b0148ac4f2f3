import { formatDuration } from '../lib/units.ts';
import { type Amounts, type Resource, RESOURCES } from './limit-reasons.ts';
import type { LimitProfile } from './limit-profile.ts';
import { amountOf, figure, minutesAsked, minutesFigure, said } from './limit-words.ts';
import { exceededMinutes, minutesOf } from './run-minutes.ts';
import type { PendingReason } from './pending-reason.ts';

/** What a job takes while it runs. */
export interface Demand {
  /** Gang size. */
  readonly nodes: number;
  /** On all of its nodes together. */
  readonly gpus: number;
  /** The same. */
  readonly cpus: number;
  /** The same. */
  readonly memoryBytes: number;
  /** Null: without end, and no limit on the time holds it up. */
  readonly timeLimitMs: number | null;
  /** The same for limits on minutes: Infinity also where none but the longest time of its partition bounds it, as in Slurm. */
  readonly minutesMs: number;
  /** The array it is a task of, and how many tasks may run at once; null where it is none or there is no limit. */
  readonly array: { readonly id: number; readonly runningMax: number } | null;
}

/** What a node has. */
const NODE_RESOURCES = ['gpus', 'cpus', 'memoryBytes'] as const;
export const NOTHING: Amounts = { jobs: 0, gpus: 0, nodes: 0, cpus: 0, memoryBytes: 0 };

/** Why a job is refused at submission that no end of other jobs would let start (`DenyOnLimit`), in words; null where it is not. */
export function deniedOnLimit(profile: LimitProfile, demand: Demand): string | null {
  if (!profile.isDeniedOnLimit) return null;
  const fault = ownFault(profile, demand);
  if (fault !== null) return fault.text;
  for (const { limit } of profile.checks) {
    const name = exceeded(NOTHING, demand, limit);
    // How many jobs run at once is no property of one.
    if (name !== null && name !== 'jobs')
      return `it asks for ${said(amountOf(demand, name), name)}, and all jobs together may have ${figure(limit[name], name)}`;
  }
  for (const { limit } of profile.budgets) {
    const name = RESOURCES.find((one) => minutesOf(amountOf(demand, one), demand.minutesMs) > limit[one]);
    if (name === undefined) continue;
    const asked = minutesAsked(amountOf(demand, name), demand.minutesMs, name);
    return `${asked}, and all jobs together may use ${minutesFigure(limit[name], name)}`;
  }
  for (const { limit } of profile.runChecks) {
    const name = exceededMinutes(NOTHING, demand, demand.minutesMs, limit);
    if (name !== null)
      return `${minutesAsked(demand[name], demand.minutesMs, name)}, and all jobs together may have ${figure(limit[name], name)} ahead of them`;
  }
  return null;
}

/** The limit that the job breaks whatever else runs; null where there is none. */
export function ownFault(
  { wallMsMax, wallReason, perJob, perNode, perJobMinutes, perJobMin }: LimitProfile,
  demand: Demand,
): { reason: PendingReason; text: string } | null {
  const { timeLimitMs } = demand;
  if (wallMsMax !== null && timeLimitMs !== null && timeLimitMs > wallMsMax) {
    const text = `it asks for ${formatDuration(timeLimitMs)}, and no more than ${formatDuration(wallMsMax)} are allowed`;
    return { reason: wallReason, text };
  }
  for (const { limit, reasons } of perJobMinutes) {
    const name = exceededMinutes(NOTHING, demand, demand.minutesMs, limit);
    if (name === null) continue;
    return {
      reason: reasons[name],
      text: `${minutesAsked(demand[name], demand.minutesMs, name)}, and a job may have ${figure(limit[name], name)}`,
    };
  }
  for (const { limit, reasons } of perJobMin) {
    const name = lacking(demand, limit);
    if (name === null) continue;
    const text = `it asks for ${said(demand[name], name)}, and a job has to have ${figure(limit[name], name)}`;
    return { reason: reasons[name], text };
  }
  for (const { limit, reasons } of perJob) {
    const name = exceeded(NOTHING, demand, limit);
    if (name === null || name === 'jobs') continue;
    const text = `it asks for ${said(demand[name], name)}, and a job may have ${figure(limit[name], name)}`;
    return { reason: reasons[name], text };
  }
  for (const { limit, reasons } of perNode) {
    // Slurm divides all that it has by the number of its nodes, and drops what is left over.
    const name = NODE_RESOURCES.find((one) => Math.floor(demand[one] / demand.nodes) > limit[one]);
    if (name === undefined) continue;
    const asked = said(Math.floor(demand[name] / demand.nodes), name);
    const text = `it asks for ${asked} on each node, and a job may have ${figure(limit[name], name)} there`;
    return { reason: reasons[name], text };
  }
  return null;
}

/** The first resource of which the limit allows less than is used and asked for; null where it allows all. `usedNodes`: in the place of what is used. */
export function exceeded(used: Amounts, demand: Demand, limit: Amounts, usedNodes = used.nodes): Resource | null {
  if (used.jobs + 1 > limit.jobs) return 'jobs';
  if (used.gpus + demand.gpus > limit.gpus) return 'gpus';
  if (usedNodes + demand.nodes > limit.nodes) return 'nodes';
  if (used.cpus + demand.cpus > limit.cpus) return 'cpus';
  return used.memoryBytes + demand.memoryBytes > limit.memoryBytes ? 'memoryBytes' : null;
}

/** The first resource of which the job asks for less than it has to; null where there is none. */
function lacking(demand: Demand, least: Amounts): Exclude<Resource, 'jobs'> | null {
  if (demand.gpus < least.gpus) return 'gpus';
  if (demand.nodes < least.nodes) return 'nodes';
  if (demand.cpus < least.cpus) return 'cpus';
  return demand.memoryBytes < least.memoryBytes ? 'memoryBytes' : null;
}
