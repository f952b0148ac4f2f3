import { parseTres } from '../../../formats/sacct-dump.ts';
import type { SlurmJob } from '../output/slurm-job.ts';
import type { AssociationManager, Limits } from './association-manager.ts';
import type { LimitReason, LimitScope } from './limit-reason.ts';

/** Whose limit it is. */
export interface LimitHolder {
  kind: 'qos' | 'account' | 'user';
  name: string;
  /** Accounts that it counts: one and those below it. Null: whatever the account. */
  accounts: ReadonlySet<string> | null;
}

/** The limit that keeps a job from starting, with what Slurm counts for it now. */
export interface ReachedLimit {
  holder: LimitHolder;
  scope: LimitScope;
  /** As sacctmgr shows it: `GrpTRES`, `MaxWall`. */
  setting: string;
  /** `jobs`, `submit`, `wall`, or the TRES: `gres/gpu`. */
  counted: string;
  minutes: LimitReason['minutes'];
  limit: number;
  /** Null for limits of a single job. */
  used: number | null;
  /** Of this job alone. */
  asked: number;
}

/** Of a pending job what limits count. */
export type LimitedJob = Pick<SlurmJob, 'user' | 'account' | 'qos' | 'partition' | 'tres' | 'timeLimitMs'>;

/** Slurm's names in `scontrol show assoc_mgr` and what sacctmgr calls the same. */
const SETTINGS: Readonly<Record<string, string>> = {
  GrpSubmitJobs: 'GrpSubmit',
  MaxSubmitJobs: 'MaxSubmit',
  MaxSubmitJobsPU: 'MaxSubmitPU',
  MaxSubmitJobsPA: 'MaxSubmitPA',
  MaxTRESPJ: 'MaxTRES',
  MaxTRESPN: 'MaxTRESPerNode',
  MaxTRESMinsPJ: 'MaxTRESMins',
  MaxWallPJ: 'MaxWall',
  MinTRESPJ: 'MinTRES',
};

/**
 * Which limit a reason means: of the job's QOS and that of its partition, or of its user, its account and those above, the first that the job would go
 * beyond; else the first that there is. Null where none is known.
 */
export function reachedLimit(
  reason: LimitReason,
  job: LimitedJob,
  manager: AssociationManager,
  partitionQos: readonly string[],
): ReachedLimit | null {
  const found = candidates(reason, job, manager, partitionQos).flatMap(({ holder, limits }) => {
    return fieldsOf(reason, holder.kind, limits).flatMap(({ field, counted }) => {
      const use = limits.get(counted === null ? field : `${field} ${counted}`);
      if (use === undefined || use.limit === null) return [];
      const { scope, minutes } = reason;
      const setting = SETTINGS[field] ?? field;
      const what = counted ?? reason.counted;
      return [
        {
          holder,
          scope,
          setting,
          counted: what,
          minutes,
          limit: use.limit,
          used: use.used,
          asked: asked(what, reason, job),
        },
      ];
    });
  });
  return found.find(isReached) ?? found[0] ?? null;
}

function isReached({ scope, limit, used, asked: amount }: ReachedLimit): boolean {
  if (scope === 'minimum') return amount < limit;
  const before = used ?? 0;
  return before >= limit || before + amount > limit;
}

interface Candidate {
  holder: LimitHolder;
  limits: Limits;
}

function candidates(
  { owner, scope }: LimitReason,
  job: LimitedJob,
  { associations, qos }: AssociationManager,
  partitionQos: readonly string[],
): Candidate[] {
  if (owner === 'qos') {
    const names = [...new Set([job.qos, ...partitionQos])];
    const userId = associations.find(({ user }) => user === job.user)?.userId ?? null;
    return names.flatMap((name) => {
      const one = qos.find((other) => other.name === name);
      if (one === undefined) return [];
      const holder = { kind: 'qos', name, accounts: null } as const;
      if (scope === 'user') return own(holder, userId === null ? undefined : one.users.get(userId));
      return own(holder, scope === 'account' ? one.accounts.get(job.account) : one.limits);
    });
  }
  const users = associations.filter(({ account, user }) => account === job.account && user === job.user);
  const nearest = users.find(({ partition }) => partition !== '' && partition === job.partition) ?? users[0];
  const found: Candidate[] = [];
  if (nearest !== undefined) {
    const holder = { kind: 'user', name: job.user, accounts: new Set([job.account]) } as const;
    found.push({ holder, limits: nearest.limits });
  }
  const seen = new Set<string>();
  for (let name = job.account; name !== '' && !seen.has(name); ) {
    seen.add(name);
    const account = associations.find((other) => other.account === name && other.user === '');
    if (account === undefined) break;
    found.push({ holder: { kind: 'account', name, accounts: below(name, associations) }, limits: account.limits });
    name = account.parent;
  }
  return found;
}

function own(holder: LimitHolder, limits: Limits | undefined): Candidate[] {
  return limits === undefined ? [] : [{ holder, limits }];
}

/** An account and all below it. */
function below(name: string, associations: AssociationManager['associations']): Set<string> {
  const names = new Set([name]);
  // Sets go on to what is added meanwhile.
  for (const parent of names) {
    for (const { account, user, parent: above } of associations)
      if (user === '' && above === parent) names.add(account);
  }
  return names;
}

/** Names that the limit may have in Slurm's answer; with the TRES where it is of one. */
function fieldsOf(
  { scope, counted, minutes }: LimitReason,
  holder: LimitHolder['kind'],
  limits: Limits,
): { field: string; counted: string | null }[] {
  const ofQos = holder === 'qos';
  const suffix = { group: '', user: ofQos ? 'PU' : '', account: 'PA', job: 'PJ', node: 'PN', minimum: 'PJ' }[scope];
  if (counted === 'jobs' || counted === 'submit') {
    const word = counted === 'jobs' ? 'Jobs' : 'SubmitJobs';
    return [{ field: `${scope === 'group' ? 'Grp' : 'Max'}${word}${suffix}`, counted: null }];
  }
  if (counted === 'wall') return [{ field: scope === 'group' ? 'GrpWall' : 'MaxWallPJ', counted: null }];
  const kind = { group: 'Grp', minimum: 'Min' }[scope as string] ?? 'Max';
  const times = minutes === null ? '' : minutes === 'used' ? 'Mins' : 'RunMins';
  const field = `${kind}TRES${times}${suffix}`;
  return [...limits.keys()].flatMap((key) => {
    const [name, tres = ''] = key.split(' ');
    const fits = counted.endsWith('/') ? tres.startsWith(counted) : tres === counted;
    return name === field && fits ? [{ field, counted: tres }] : [];
  });
}

/** What the job adds to what is counted. */
function asked(counted: string, { scope, minutes }: LimitReason, { tres, timeLimitMs }: LimitedJob): number {
  if (counted === 'jobs' || counted === 'submit') return 1;
  const timeMinutes = (timeLimitMs ?? 0) / 60_000;
  if (counted === 'wall') return timeMinutes;
  const amounts = parseTres(tres);
  const amount = (amounts.get(counted) ?? 0) / (scope === 'node' ? (amounts.get('node') ?? 1) : 1);
  if (minutes === null) return amount;
  return (counted === 'mem' ? amount / 1024 ** 2 : amount) * timeMinutes;
}
