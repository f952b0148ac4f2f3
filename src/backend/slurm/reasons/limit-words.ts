import type { SlurmJob } from '../output/slurm-job.ts';

/** What a limit counts, by Slurm's word for it in a reason. */
const COUNTED: Readonly<Record<string, string>> = {
  BB: 'burst buffer',
  Billing: 'billing units',
  CPU: 'CPUs',
  Cpu: 'CPUs',
  Energy: 'energy',
  GRES: 'GPUs or other GRES',
  Jobs: 'jobs',
  License: 'licenses',
  Mem: 'memory',
  Memory: 'memory',
  Node: 'nodes',
  SubmitJob: 'jobs in the queue',
  SubmitJobs: 'jobs in the queue',
  Wall: 'time on the clock',
  WallDuration: 'time on the clock',
};

/**
 * The limit that a reason of Slurm's names, in a sentence: `QOSMaxJobsPerUserLimit`, `AssocGrpGRES`. Null where it names none.
 * (squeue(1), "JOB REASON CODES"; of the limits sacctmgr(1), "SPECIFICATIONS FOR ASSOCIATIONS" and "... FOR QOS".)
 */
export function limitWords({ reason, qos, account }: Pick<SlurmJob, 'reason' | 'qos' | 'account'>): string | null {
  const pattern =
    /^(QOS|Assoc)(Grp|Max|Min)([A-Z]+?[a-z]*?(?:Jobs?|Duration)?)((?:Run)?Minutes)?(Per[A-Z][a-z]+)?(?:Limit|NotSatisfied)?$/;
  const [, owner, kind, word = '', minutes, per = ''] = pattern.exec(reason) ?? [];
  if (owner === undefined) return null;
  const counted = `${minutes === undefined ? '' : 'minutes of '}${COUNTED[word] ?? word}${minutes === 'RunMinutes' ? ' promised to what runs' : ''}`;
  const [giver, command] =
    owner === 'QOS'
      ? [`QOS ${qos}`, `sacctmgr show qos ${qos}`]
      : [`account ${account}`, `sacctmgr show assoc account=${account}`];
  return `${told(`${kind ?? ''}${per}`, counted, giver)}: ${command} shows the limit.`;
}

function told(kind: string, counted: string, giver: string): string {
  switch (kind) {
    case 'Min':
      return `It asks for less than ${giver} takes in ${counted}`;
    case 'Grp':
      return `All jobs of ${giver} together have what they may in ${counted}`;
    case 'MaxPerJob':
      return `It asks for more than ${giver} gives one job in ${counted}`;
    case 'MaxPerNode':
      return `It asks for more than ${giver} gives one job on a node in ${counted}`;
    default:
      return `Its user has what ${giver} gives one user in ${counted}`;
  }
}
