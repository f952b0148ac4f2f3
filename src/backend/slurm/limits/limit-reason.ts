/** Whom a limit counts: all jobs of a QOS or an account, those of one user or account in it, one job, one job on a node; or the least a job must ask for. */
export type LimitScope = 'group' | 'user' | 'account' | 'job' | 'node' | 'minimum';

/** What a reason of Slurm's says of a limit. */
export interface LimitReason {
  owner: 'qos' | 'association';
  scope: LimitScope;
  /** `jobs`, `submit` (jobs in the queue), `wall` (time on the clock), or what names of TRES begin with: `cpu`, `gres/`. */
  counted: string;
  /** Of a TRES, times minutes: used so far, or promised to what runs. Null: as it is. */
  minutes: 'used' | 'running' | null;
}

/** What a limit counts, by Slurm's word for it in a reason. */
const COUNTED: Readonly<Record<string, string>> = {
  BB: 'bb/',
  Billing: 'billing',
  CPU: 'cpu',
  Cpu: 'cpu',
  Energy: 'energy',
  GRES: 'gres/',
  Job: 'jobs',
  Jobs: 'jobs',
  License: 'license/',
  Mem: 'mem',
  Memory: 'mem',
  Node: 'node',
  SubmitJob: 'submit',
  SubmitJobs: 'submit',
  Wall: 'wall',
  WallDuration: 'wall',
};
const SCOPES: Readonly<Record<string, LimitScope>> = {
  PerJob: 'job',
  PerNode: 'node',
  PerUser: 'user',
  PerAccount: 'account',
};
const REASON = new RegExp(
  `^(QOS|Assoc|)(Grp|Max|Min)(${Object.keys(COUNTED).join('|')})((?:Run)?Minutes)?(${Object.keys(SCOPES).join('|')})?(?:Limit|NotSatisfied)?$`,
);

/** The limit that a reason names: `QOSMaxJobsPerUserLimit`, `AssocGrpGRES`, `MaxGRESPerAccount` (of a QOS). Null where it names none (squeue(1), "JOB REASON CODES"). */
export function limitReason(reason: string): LimitReason | null {
  const [, owner, kind, word = '', minutes, per = ''] = REASON.exec(reason) ?? [];
  // Without an owner there are those of a QOS for each account alone.
  if (owner === undefined || (owner === '' && per !== 'PerAccount')) return null;
  return {
    owner: owner === 'Assoc' ? 'association' : 'qos',
    scope: kind === 'Grp' ? 'group' : kind === 'Min' ? 'minimum' : (SCOPES[per] ?? 'user'),
    counted: COUNTED[word] ?? word,
    minutes: minutes === undefined ? null : minutes === 'RunMinutes' ? 'running' : 'used',
  };
}

/** The limit on jobs in the queue that Slurm's words name, `QOSMaxSubmitJobPerUserLimit`; null where they name none. */
export function submitLimitIn(words: string): string | null {
  return words.match(/\b[A-Z]\w+\b/g)?.find((word) => limitReason(word)?.counted === 'submit') ?? null;
}
