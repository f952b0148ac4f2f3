import type { PartitionPolicy, SchedulerOptions } from '../scheduler/policy.ts';
import type { TraceRow } from './trace-row.ts';

/** A policy for jobs of a trace, and of which lists of its partitions nothing is left since no row says whose it is. */
export interface SaidPolicy {
  policy: SchedulerOptions;
  dropped: readonly ('accounts' | 'QOS')[];
}

/**
 * Without the lists of accounts, or of QOS, that partitions take or do not take where no row of the trace names any: its jobs ran, and nobody
 * knows who was kept out.
 */
export function withoutUnsaidLists(policy: SchedulerOptions, rows: readonly TraceRow[]): SaidPolicy {
  const { partitions = [] } = policy;
  const hasAccounts = partitions.some(({ allowAccounts, denyAccounts }) => allowAccounts ?? denyAccounts);
  const hasQos = partitions.some(({ allowQos, denyQos }) => allowQos ?? denyQos);
  const isDropped = {
    accounts: hasAccounts && rows.every(({ account }) => account === null),
    QOS: hasQos && rows.every(({ qos }) => qos === null),
  };
  const dropped = (['accounts', 'QOS'] as const).filter((what) => isDropped[what]);
  if (dropped.length === 0) return { policy, dropped };
  const kept = partitions.map((partition): PartitionPolicy => {
    const { allowAccounts, denyAccounts, allowQos, denyQos, ...rest } = partition;
    return {
      ...rest,
      ...(!isDropped.accounts && { ...(allowAccounts && { allowAccounts }), ...(denyAccounts && { denyAccounts }) }),
      ...(!isDropped.QOS && { ...(allowQos && { allowQos }), ...(denyQos && { denyQos }) }),
    };
  });
  return { policy: { ...policy, partitions: kept }, dropped };
}
