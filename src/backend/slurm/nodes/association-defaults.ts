import { DEFAULT_QOS } from '../../../scheduler/default-names.ts';
import type { ClusterView } from './cluster-view.ts';

/** What a job asks for of what its association gives where it asks for none. */
interface Asked {
  account?: string | undefined;
  qos?: string | undefined;
}

/** The account that Slurm charges the job to; null: not known. */
export function accountOf({ account }: Asked, { defaultAccount }: Pick<ClusterView, 'defaultAccount'>): string | null {
  return account ?? defaultAccount;
}

/**
 * The QOS that Slurm gives the job: one that asks for none is given to sbatch without one, and where its association has none it gets Slurm's own. Null:
 * which it gets is not known.
 */
export function qosOf(job: Asked, cluster: Pick<ClusterView, 'defaultAccount' | 'defaultQos'>): string | null {
  const { qos = DEFAULT_QOS } = job;
  if (qos !== DEFAULT_QOS) return qos;
  const found = cluster.defaultQos?.[accountOf(job, cluster) ?? ''];
  return found === undefined ? DEFAULT_QOS : found;
}
