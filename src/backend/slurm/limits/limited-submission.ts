import type { MirrorJob } from '../mirror/mirror-job.ts';
import { type ClusterView, partitionsOf } from '../nodes/cluster-view.ts';
import { submitLimitIn } from './limit-reason.ts';
import type { LimitedSubmission } from './limit-table.ts';

/** Slurm's own, where the association has none. */
const DEFAULT_QOS = 'normal';

/** A job that sbatch did not take for a limit on jobs in the queue, as Slurm would have it; null for any other. */
export function limitedSubmission(
  { phase, hindrance, request }: Pick<MirrorJob, 'phase' | 'hindrance' | 'request'>,
  user: string,
  cluster: Pick<ClusterView, 'partitions' | 'defaultAccount' | 'defaultQos'>,
): LimitedSubmission | null {
  const reason = phase === 'none' && hindrance !== null ? submitLimitIn(hindrance) : null;
  if (reason === null) return null;
  const account = request.account ?? cluster.defaultAccount ?? '';
  const { qos = DEFAULT_QOS, partition } = request;
  return {
    reason,
    user,
    account,
    // A job that asks for none is given to sbatch without one.
    qos: qos === DEFAULT_QOS ? (cluster.defaultQos?.[account] ?? DEFAULT_QOS) : qos,
    partition:
      partition ??
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
