import { type JobSummary, jobStateSchema } from '../../contract/api.ts';
import type { LiveJob } from '../job-book.ts';
import { entryOf, heaviest, NAMES_MAX } from './bounded-labels.ts';
import type { Family, Sample } from './family.ts';

const LIVE_STATES = ['PENDING', 'RUNNING', 'COMPLETING'] as const satisfies JobSummary['state'][];
export const END_STATES = jobStateSchema.options.filter((state) => !LIVE_STATES.some((live) => live === state));
type LiveState = (typeof LIVE_STATES)[number];

/** What jobs are summed by, beside their state. */
const GROUPS = ['partition', 'qos', 'account', 'user'] as const;
type Group = (typeof GROUPS)[number];

/** A job that waits for another, for its time or to be released is not kept waiting by the cluster. */
const WAITS_BY_ITSELF = /^(?:Dependency|BeginTime|JobHeld)/;

interface Sum {
  jobs: number;
  gpus: number;
}
type Sums = Record<LiveState, Sum>;

/** Sums over the jobs that have not ended, by one pass. */
export class JobSums {
  readonly all = noJobs();
  readonly groups: Readonly<Record<Group, Map<string, Sums>>> = {
    partition: new Map(),
    qos: new Map(),
    account: new Map(),
    user: new Map(),
  };
  readonly reasons = new Map<string, number>();
  /** Of the pending job that has waited longest though it could run, by partition. Milliseconds. */
  readonly longestWaitMs = new Map<string, number>();

  constructor(jobs: Iterable<LiveJob>, nowMs: number) {
    for (const job of jobs) this.#add(job, nowMs);
  }

  #add({ row, state, reason, partition, qos }: LiveJob, nowMs: number): void {
    if (state !== 'PENDING' && state !== 'RUNNING' && state !== 'COMPLETING') return;
    const gpus = row.nodes * row.gpusPerNode;
    const names: Record<Group, string> = {
      partition: partition ?? 'none',
      qos,
      account: row.account,
      user: row.user,
    };
    addTo(this.all[state], gpus);
    for (const group of GROUPS) addTo(entryOf(this.groups[group], names[group], noJobs)[state], gpus);
    if (state !== 'PENDING') return;
    // Slurm's reasons may go on with names of nodes: `ReqNodeNotAvail, UnavailableNodes:n1`.
    const word = /^\w+/.exec(reason)?.[0] ?? 'None';
    this.reasons.set(word, (this.reasons.get(word) ?? 0) + 1);
    if (row.queuedSinceMs === null || WAITS_BY_ITSELF.test(word)) return;
    const waitMs = Math.max(0, nowMs - row.queuedSinceMs);
    this.longestWaitMs.set(names.partition, Math.max(waitMs, this.longestWaitMs.get(names.partition) ?? 0));
  }
}

export const JOB_FAMILIES: readonly Family<JobSums>[] = [
  {
    name: 'orrery_jobs',
    help: 'Jobs that have not ended.',
    labels: ['state'],
    read: ({ all }) => LIVE_STATES.map((state) => [{ state }, all[state].jobs]),
  },
  {
    name: 'orrery_job_gpus',
    help: 'GPUs that jobs hold or wait for.',
    labels: ['state'],
    read: ({ all }) => LIVE_STATES.map((state) => [{ state }, all[state].gpus]),
  },
  ...GROUPS.flatMap((group) => [
    groupFamily(group, 'jobs', `Jobs that have not ended, by ${group}`),
    groupFamily(group, 'gpus', `GPUs that jobs hold or wait for, by ${group}`),
  ]),
  {
    name: 'orrery_pending_jobs',
    help: `Jobs that wait, by Slurm's word for why; the ${NAMES_MAX} most frequent.`,
    labels: ['reason'],
    *read({ reasons }) {
      for (const [reason, jobs] of heaviest(reasons, NAMES_MAX, Number, (a, b) => a + b)) yield [{ reason }, jobs];
    },
  },
  {
    name: 'orrery_longest_wait_seconds',
    help: 'For how long the job that has waited longest waits: not held, not for another job nor for its begin time.',
    labels: ['partition'],
    *read({ longestWaitMs }) {
      for (const [partition, ms] of heaviest(longestWaitMs, NAMES_MAX, Number, Math.max)) {
        yield [{ partition }, ms / 1000];
      }
    },
  },
];

function groupFamily(group: Group, measure: keyof Sum, what: string): Family<JobSums> {
  return {
    name: `orrery_${group}_${measure === 'jobs' ? 'jobs' : 'job_gpus'}`,
    help: `${what}; the ${NAMES_MAX} with the most GPUs.`,
    labels: [group, 'state'],
    *read({ groups }): Generator<Sample> {
      for (const [name, sums] of heaviest(groups[group], NAMES_MAX, weight, together)) {
        for (const state of LIVE_STATES) yield [{ [group]: name, state }, sums[state][measure]];
      }
    },
  };
}

function noJobs(): Sums {
  return { PENDING: { jobs: 0, gpus: 0 }, RUNNING: { jobs: 0, gpus: 0 }, COMPLETING: { jobs: 0, gpus: 0 } };
}

function addTo(sum: Sum, gpus: number): void {
  sum.jobs += 1;
  sum.gpus += gpus;
}

/** By GPUs, then by jobs: there are never as many jobs as this. */
function weight(sums: Sums): number {
  return LIVE_STATES.reduce((sum, state) => sum + sums[state].gpus + sums[state].jobs / 1e9, 0);
}

function together(a: Sums, b: Sums): Sums {
  const both = noJobs();
  for (const state of LIVE_STATES) {
    both[state].jobs = a[state].jobs + b[state].jobs;
    both[state].gpus = a[state].gpus + b[state].gpus;
  }
  return both;
}
