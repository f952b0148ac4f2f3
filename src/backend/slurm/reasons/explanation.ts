import { formatDuration } from '../../../lib/units.ts';
import { slurmLabel } from '../mirror/job-fact.ts';
import { limitWords } from '../limits/limit-words.ts';
import type { MirrorJob } from '../mirror/mirror-job.ts';
import type { MirrorState } from '../mirror/mirror-state.ts';
import { dependencyText } from '../mirror/open-dependencies.ts';
import { dependencySentences, dependencyWords } from './dependency-words.ts';
import { type Blockers, blockedSentences, jobNumber, NO_BLOCKERS } from './blocked-words.ts';
import { aheadSentences, type QueuedJob } from './queue-ahead.ts';
import type { SlurmPartition } from '../output/scontrol-text.ts';
import { partitionsOf } from '../nodes/cluster-view.ts';
import { hostNames } from '../output/host-names.ts';
import { isPending, type SlurmJob } from '../output/slurm-job.ts';

/** Slurm's reasons in plain words (`squeue`(1), "JOB REASON CODES"). */
const WORDS: Readonly<Record<string, string>> = {
  None: 'Slurm has not looked at it yet.',
  Resources: 'It is next in line and waits for nodes to come free.',
  Priority: 'It waits its turn.',
  Dependency: 'It waits for another job to end.',
  DependencyNeverSatisfied: 'A job it depends on did not end as it had to: it will never start. Cancel it.',
  JobHeldUser: 'It is held: orrery release starts it.',
  'job requeued in held state': 'It was put back in the queue and is held: orrery release starts it.',
  JobHeldAdmin: 'An operator holds it, or Slurm does after too many requeues: only an operator can release it.',
  BeginTime:
    'It was put back in the queue: Slurm waits until what it gave its last attempt has expired (two minutes by default).',
  ReqNodeNotAvail: 'Nodes it needs are down, drained or reserved: orrery nodes shows which are out.',
  Reservation: 'It waits for its reservation to begin.',
  JobArrayTaskLimit: 'As many tasks of its array run as may at once.',
  PartitionTimeLimit: 'Its time limit is more than its partition allows.',
  PartitionNodeLimit: 'It asks for more nodes than its partition gives one job.',
  PartitionDown: 'Its partition is down.',
  QOSNotAllowed: 'Its QOS may not be used in its partition.',
  QOSUsageThreshold: 'Its account has used so much that its QOS lets none of its jobs start.',
  InvalidAccount: 'Its account is not one of the cluster any more.',
  InvalidQOS: 'Its QOS is not one that its account may use.',
  Licenses: 'It waits for licenses.',
  NodeDown: 'A node it needs is down.',
  Cleaning: 'What its last attempt left on its nodes is being cleared up.',
  Prolog: 'The prolog of its nodes runs.',
  BadConstraints: 'No node can ever give what it asks for.',
};

const ALONE =
  'Slurm shows you no jobs of others (PrivateData=jobs): who is ahead, what runs there and a forecast leave them out.';

/** What is known of the cluster when a job is asked about. */
export interface Surroundings {
  state: MirrorState;
  partitions: readonly SlurmPartition[];
  /** All that wait or run; asked for where `goesByQueue` says so. */
  queue: readonly QueuedJob[];
  /** Of the limit that its reason names; absent or null: not known, or it names none. */
  limit?: readonly string[] | null;
  /** What it may wait for; absent: nothing known. */
  blockers?: Pick<Blockers, 'nodes' | 'reservations' | 'licenses'>;
  /** Nodes that it is to keep off by now, of which Slurm may not have been told; absent: not known. */
  spared?: readonly string[];
  /** Slurm shows this user no jobs of others. */
  isAlone?: boolean;
  /** What Slurm says is not from now. */
  isUnreachable: boolean;
  /** Slurm answers, and the disk of the home takes nothing down. Absent: it does. */
  isDiskFull?: boolean;
  nowMs: number;
}

/** Whether it waits for what others have, or are to have before it. */
export function goesByQueue({ slurm, live }: MirrorJob): boolean {
  const isWaiting = live === null && slurm !== null && isPending(slurm);
  return isWaiting && ['Priority', 'Resources', 'ReqNodeNotAvail'].includes(slurm.reason);
}

/** Sentences for `orrery why`: what the job waits for and what is ahead of it, or how it runs. */
export function explainJob(job: MirrorJob, surroundings: Surroundings): string[] {
  const {
    state,
    partitions,
    queue,
    limit,
    blockers = NO_BLOCKERS,
    isAlone = false,
    isUnreachable,
    isDiskFull = false,
    nowMs,
  } = surroundings;
  const cause = isDiskFull ? "The disk of Orrery's home takes nothing down now" : 'Slurm does not answer now';
  const stale = isUnreachable ? [`${cause}: this is what Slurm said last.`] : [];
  const { slurm, live, record, phase, hindrance } = job;
  const hindered = hindrance === null ? [] : [`It cannot go on at the moment, and is tried again: ${hindrance}.`];
  const label = slurmLabel(job) ?? '?';
  if (live !== null) {
    const nodes = live.placement.map(({ nodeName }) => nodeName);
    if (slurm?.state === 'SUSPENDED') return [suspendedWords(label, nodes), ...stale];
    return [`It runs as Slurm job ${label} on ${nodes.join(', ')}.`, ...hindered, ...stale];
  }
  if (record.refusal !== null)
    return [
      `Slurm refused it: ${record.refusal}.`,
      `orrery release ${job.request.jobId} tries again, orrery cancel ${job.request.jobId} gives it up.`,
    ];
  if (slurm?.state === 'CONFIGURING') {
    const where = slurm.nodeNames.join(', ') || 'its nodes';
    return [`Slurm job ${label} begins on ${where} once they are up: Slurm starts them for it.`, ...stale];
  }
  if (slurm === null || !isPending(slurm)) {
    const dependency = dependencyText(job, state, nowMs);
    if (phase === 'none' && typeof dependency === 'string')
      return [...dependencyWords(job, state, dependency, nowMs), ...stale];
    if (phase === 'none' && limit) return [...limit, 'It is not with Slurm yet, and goes there then.', ...stale];
    return [
      phase === 'submitted'
        ? 'Slurm has it and does not list it now: it is being looked for.'
        : job.isThrottled
          ? (WORDS['JobArrayTaskLimit'] ?? '')
          : phase === 'none' && job.isHeld
            ? (WORDS['JobHeldUser'] ?? '')
            : 'It is on its way to Slurm.',
      ...hindered,
      ...stale,
    ];
  }
  const begins = slurm.reason === 'BeginTime' ? beginWords(job, nowMs) : null;
  const most = slurm.reason === 'PartitionTimeLimit' ? partitionLimitWords(slurm, partitions) : '';
  const words = begins ?? WORDS[slurm.reason] ?? limitWords(slurm) ?? `Slurm's reason is ${slurm.reason}.`;
  const blocked = begins === null ? blockedSentences(slurm, { ...blockers, partitions, nowMs }) : null;
  const reasons = limit ?? blocked ?? dependencySentences(job, state, nowMs) ?? [words + most];
  const queueId = slurm.slurmJobId ?? slurm.arrayJobId ?? 0;
  const seen = goesByQueue(job) ? aheadSentences(queueId, queue, partitions, nowMs) : [];
  const ahead = isAlone && goesByQueue(job) ? [...seen, ALONE] : seen;
  const priority = slurm.priority === null || slurm.priority === 0 ? '' : `, with priority ${slurm.priority}`;
  const where = `It is Slurm job ${label} in partition ${slurm.partition}${priority}.`;
  return [...reasons, where, ...keptOffSentences(job, slurm, surroundings), ...ahead, ...stale];
}

/** Nodes that Slurm is told to leave out, and why, beside what the user excluded; and those that it was told of and may use again. */
function keptOffSentences(
  { failedNodes }: MirrorJob,
  { excludedNodes, requiredNodes, partition }: SlurmJob,
  { state: { avoided }, partitions, spared }: Surroundings,
): string[] {
  const excluded = hostNames(excludedNodes);
  const members = new Set(partitionsOf({ partitions }, partition).flatMap(({ nodeNames }) => nodeNames));
  const isWanted = new Set([...excluded, ...hostNames(requiredNodes), ...(spared ?? members)]);
  const again = [...members].filter((name) => !isWanted.has(name));
  const isFailed = (name: string) => failedNodes.includes(name);
  const isLemon = (name: string) => avoided.has(name) && !isFailed(name);
  const sentence = (what: string, names: readonly string[], why: string) =>
    names.length === 0 ? [] : [`It ${what} ${names.join(', ')}, ${why}.`];
  const few = 'too few other nodes that it could have are in service';
  return [
    ...sentence('keeps off', excluded.filter(isFailed), 'where an attempt of it was lost'),
    ...sentence('keeps off', excluded.filter(isLemon), 'as all jobs do: orrery nodes says why'),
    ...sentence('does not keep off', again.filter(isFailed), `where an attempt of it was lost: ${few}`),
    ...sentence('does not keep off', again.filter(isLemon), `as other jobs do: ${few}`),
  ];
}

/** What the partitions of a job allow, of those that have a limit. */
function partitionLimitWords(slurm: SlurmJob, partitions: readonly SlurmPartition[]): string {
  const limits = partitionsOf({ partitions }, slurm.partition).flatMap(({ name, maxTimeSeconds }) => {
    return maxTimeSeconds === null ? [] : `${formatDuration(maxTimeSeconds * 1000)} in ${name}`;
  });
  return limits.length === 0
    ? ''
    : ` At most: ${limits.join(', ')}; scontrol update JobId=${jobNumber(slurm)} TimeLimit=D-HH:MM:SS lowers it.`;
}

function suspendedWords(label: string, nodes: readonly string[]): string {
  const where = `its processes stand still on ${nodes.join(', ')} until Slurm resumes it`;
  return `Slurm job ${label} is suspended, for another job or by an operator: ${where}.`;
}

/** Null where Slurm itself puts the begin off. */
function beginWords({ request: { beginMs = 0 } }: MirrorJob, nowMs: number): string | null {
  return beginMs > nowMs ? `It is to begin in ${formatDuration(beginMs - nowMs)} at the earliest (--begin).` : null;
}
