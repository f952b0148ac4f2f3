import { parseTres } from '../../../formats/sacct-dump.ts';
import { formatDuration, formatMemory } from '../../../lib/units.ts';
import { count } from '../../../scheduler/admission.ts';
import type { LimitedJob, ReachedLimit } from './reached-limit.ts';

/** A job that runs, of anybody's whom Slurm shows. */
export interface RunningJob {
  label: string;
  user: string;
  account: string;
  qos: string;
  partition: string;
  tres: string;
  /** Until its time limit; null for none. */
  leftMs: number | null;
}

const SHOWN_MAX = 3;

/** Which limit it is, with its value; whose use of it; and what would let the job start. `partitions`: of those that have the holder as their QOS. */
export function limitSentences(
  reached: ReachedLimit,
  job: LimitedJob & { label: string },
  running: readonly RunningJob[],
  partitions: readonly string[],
): string[] {
  return [limitSentence(reached, job), ...holders(reached, job, running, partitions), remedy(reached, job)].filter(
    (sentence) => sentence !== '',
  );
}

function limitSentence(reached: ReachedLimit, job: LimitedJob): string {
  const { holder, scope, setting, counted, minutes, limit, used } = reached;
  const whose = holderWords(holder, job);
  const isPlain = ['jobs', 'submit', 'wall'].includes(counted);
  const name = `(${setting}=${isPlain ? '' : `${counted}=`}${settingValue(reached)})`;
  const amount = (value: number) => amountWords(reached, value);
  const asks = `this job asks for ${amount(reached.asked)}`;
  if (scope === 'minimum') return `${whose} takes no job with less than ${amount(limit)} ${name}: ${asks}.`;
  if (scope === 'job' && counted === 'wall')
    return `${whose} lets no job run longer than ${amount(limit)} ${name}: the time limit of this one is ${amount(reached.asked)}.`;
  if (scope === 'job' || scope === 'node')
    return `${whose} gives one job ${amount(limit)} at most${scope === 'node' ? ' on a node' : ''} ${name}: ${asks}.`;
  const who = scope === 'user' ? job.user : `account ${job.account}`;
  const one = holder.kind === 'user' ? job.user : scope === 'user' ? 'one user' : 'one account';
  if (counted === 'jobs') {
    if (scope === 'group')
      return `${whose} lets ${amount(limit)} run at a time ${name}: ${used} ${used === 1 ? 'runs' : 'run'}.`;
    return `${whose} lets ${one} run ${amount(limit)} at a time ${name}: ${who} runs ${used}.`;
  }
  if (counted === 'submit') {
    if (scope === 'group')
      return `${whose} lets ${amount(limit)} wait or run ${name}: ${used} ${used === 1 ? 'does' : 'do'}.`;
    return `${whose} lets ${one} have ${amount(limit)} waiting or running ${name}: ${who} has ${used}.`;
  }
  const before = amount(used ?? 0);
  if (minutes === 'running')
    return `${whose} lets what runs have ${amount(limit)} ahead of it by its time limits ${name}: it has ${before}, and ${asks}.`;
  if (minutes === 'used' || counted === 'wall')
    return `${whose} has ${amount(limit)} for all its jobs ${name}: ${before} are used up, and ${asks}.`;
  if (scope === 'group')
    return `${whose} has ${amount(limit)} for all its jobs ${name}: ${before} in use, and ${asks}.`;
  return `${whose} gives ${one} ${amount(limit)} at a time ${name}: ${who} has ${before}, and ${asks}.`;
}

function holderWords({ kind, name }: ReachedLimit['holder'], { qos, account }: LimitedJob): string {
  if (kind === 'qos') return name === qos ? `QOS ${name}` : `QOS ${name} of its partition`;
  if (kind === 'user') return `Account ${account}`;
  return name === account ? `Account ${name}` : `Account ${name}, above ${account},`;
}

/** `4 GPUs`, `2G of memory`, `60 CPU minutes`. */
function amountWords({ counted, minutes }: Pick<ReachedLimit, 'counted' | 'minutes'>, value: number): string {
  const number = Number(value.toFixed(1));
  if (counted === 'wall') return formatDuration(value * 60_000);
  if (counted === 'jobs' || counted === 'submit') return count(number, 'job');
  if (minutes !== null) return `${number} ${oneWord(counted)} minutes`;
  if (counted === 'mem') return `${formatMemory(value)} of memory`;
  return count(number, oneWord(counted));
}

function oneWord(counted: string): string {
  const [, kind, name = ''] = /^(gres|license)\/(.*)$/.exec(counted) ?? [];
  if (kind === 'gres') {
    const [gres = '', type] = name.split(':');
    const word = gres === 'gpu' ? 'GPU' : gres;
    return type === undefined ? word : `${type} ${word}`;
  }
  if (kind === 'license') return `${name} license`;
  return { cpu: 'CPU', mem: 'MiB', node: 'node', billing: 'billing unit', energy: 'joule' }[counted] ?? counted;
}

function settingValue({ counted, minutes, limit }: ReachedLimit): string {
  if (counted === 'wall') return formatDuration(limit * 60_000);
  return counted === 'mem' && minutes === null ? formatMemory(limit) : String(limit);
}

/** Who has what the limit counts, the largest part first. */
function holders(
  reached: ReachedLimit,
  job: LimitedJob,
  running: readonly RunningJob[],
  partitions: readonly string[],
): string[] {
  const { holder, scope, counted, minutes } = reached;
  if (!['group', 'user', 'account'].includes(scope) || minutes === 'used' || ['submit', 'wall'].includes(counted))
    return [];
  const parts = running
    .filter((other) => {
      if (holder.kind === 'qos' && other.qos !== holder.name && !partitions.includes(other.partition)) return false;
      if (holder.accounts !== null && !holder.accounts.has(other.account)) return false;
      if (holder.kind === 'user' || scope === 'user') return other.user === job.user;
      return scope !== 'account' || other.account === job.account;
    })
    .map((other) => ({ other, amount: counted === 'jobs' ? 1 : (parseTres(other.tres).get(counted) ?? 0) }))
    .filter(({ amount }) => amount > 0)
    .sort((a, b) => b.amount - a.amount);
  if (parts.length === 0) return [];
  const shown = parts.slice(0, SHOWN_MAX).map(({ other, amount }) => {
    const what = counted === 'jobs' ? '' : `, ${amountWords({ counted, minutes: null }, amount)}`;
    return `${other.label} (${other.user}${what}${other.leftMs === null ? '' : `, ${formatDuration(other.leftMs)} left`})`;
  });
  const more = parts.length > SHOWN_MAX ? ` and ${parts.length - SHOWN_MAX} more` : '';
  return [`It is in use by ${shown.join(', ')}${more}.`];
}

/** What would let the job start. */
function remedy(reached: ReachedLimit, { label }: { label: string }): string {
  const { scope, counted, minutes, limit, used, asked } = reached;
  const amount = (value: number) => amountWords(reached, value);
  if (scope === 'minimum') return 'It never starts like this: ask for more, or take another QOS.';
  if (scope === 'job' && counted === 'wall')
    return `It never starts like this: scontrol update JobId=${label} TimeLimit=${formatDuration(limit * 60_000)} lets it in, or another QOS.`;
  if (scope === 'job' || scope === 'node') return 'It never starts like this: ask for less, or take another QOS.';
  if (used === null) return '';
  if (minutes === 'used' || (counted === 'wall' && scope === 'group'))
    return 'It starts when an operator allows more, or what was used counts for less (PriorityDecayHalfLife, PriorityUsageResetPeriod).';
  if (counted === 'jobs')
    return `It starts when ${used > limit ? `${used - limit + 1} of them have` : 'one of them has'} ended.`;
  if (counted === 'submit') return 'It is taken when one of them has ended.';
  if (asked > limit) return `It never starts like this: ask for ${amount(limit)} at most, or take another QOS.`;
  const room = Math.max(0, limit - used);
  if (minutes === 'running')
    return room > 0
      ? `It starts sooner with a shorter --time: there is room for ${amount(room)}.`
      : 'It starts as what runs gets on or ends.';
  const smaller = room > 0 ? ` A job for ${amount(room)} at most would not wait for this.` : '';
  return `It starts when ${amount(asked - room)} of these ${asked - room === 1 ? 'is' : 'are'} free again.${smaller}`;
}
