import { limitReason, type LimitScope } from './limit-reason.ts';
import type { SlurmJob } from '../output/slurm-job.ts';

const COUNTED: Readonly<Record<string, string>> = {
  'bb/': 'burst buffer',
  billing: 'billing units',
  cpu: 'CPUs',
  energy: 'energy',
  'gres/': 'GPUs or other GRES',
  jobs: 'jobs',
  'license/': 'licenses',
  mem: 'memory',
  node: 'nodes',
  submit: 'jobs in the queue',
  wall: 'time on the clock',
};

/**
 * The limit that a reason of Slurm's names, in a sentence, where its value is not shown: `QOSMaxJobsPerUserLimit`, `AssocGrpGRES`. Null where it names
 * none. (Of the limits sacctmgr(1), "SPECIFICATIONS FOR ASSOCIATIONS" and "... FOR QOS".)
 */
export function limitWords({ reason, qos, account }: Pick<SlurmJob, 'reason' | 'qos' | 'account'>): string | null {
  const named = limitReason(reason);
  if (named === null) return null;
  const { owner, scope, counted, minutes } = named;
  const what = `${minutes === null ? '' : 'minutes of '}${COUNTED[counted] ?? counted}${minutes === 'running' ? ' promised to what runs' : ''}`;
  // Which of several it is does not show: the partition may have a QOS, the account others above it.
  const [giver, command] =
    owner === 'qos'
      ? [`QOS ${qos} or that of its partition`, `sacctmgr show qos ${qos}`]
      : [`account ${account} or one above it`, 'sacctmgr show assoc tree'];
  return `${told(scope, what, giver)}: ${command} shows the limit.`;
}

function told(scope: LimitScope, counted: string, giver: string): string {
  switch (scope) {
    case 'minimum':
      return `It asks for less than ${giver} takes in ${counted}`;
    case 'group':
      return `All jobs of ${giver} together have what they may in ${counted}`;
    case 'job':
      return `It asks for more than ${giver} gives one job in ${counted}`;
    case 'node':
      return `It asks for more than ${giver} gives one job on a node in ${counted}`;
    case 'account':
      return `Its account has what ${giver} gives one account in ${counted}`;
    default:
      return `Its user has what ${giver} gives one user in ${counted}`;
  }
}
