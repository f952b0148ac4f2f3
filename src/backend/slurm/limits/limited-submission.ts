import type { MirrorJob } from '../mirror/mirror-job.ts';
import { accountOf, qosOf } from '../nodes/association-defaults.ts';
import { type ClusterView, partitionsOf } from '../nodes/cluster-view.ts';
import { submitLimitIn } from './limit-reason.ts';
import type { LimitedSubmission } from './limit-table.ts';

/** A job that sbatch did not take for a limit on jobs in the queue, as Slurm would have it; null for any other. */
export function limitedSubmission(
  { phase, hindrance, request }: Pick<MirrorJob, 'phase' | 'hindrance' | 'request'>,
  user: string,
  cluster: Pick<ClusterView, 'partitions' | 'defaultAccount' | 'defaultQos'>,
): LimitedSubmission | null {
  const reason = phase === 'none' && hindrance !== null ? submitLimitIn(hindrance) : null;
  if (reason === null) return null;
  return {
    reason,
    user,
    account: accountOf(request, cluster) ?? '',
    qos: qosOf(request, cluster) ?? '',
    partition:
      request.partition ??
      partitionsOf(cluster, undefined)
        .map(({ name }) => name)
        .join(','),
    // Of these a limit on jobs in the queue counts nothing.
    tres: '',
    timeLimitMs: null,
    slurmJobId: null,
    arrayJobId: null,
  };
}
