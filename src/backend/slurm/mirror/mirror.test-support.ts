import { toJobRequest } from '../../../contract/job-request.ts';
import { jobSpecSchema } from '../../../contract/job.ts';
import type { JournalRecord } from '../../../contract/journal.ts';
import type { AttemptFacts } from '../batch/job-folder.ts';
import type { JobFacts, Look } from './finding.ts';
import { type MirrorJob, newMirrorJob, NO_SUBMISSION } from './mirror-job.ts';
import type { SacctRun } from '../output/sacct-text.ts';
import type { SlurmJob } from '../output/slurm-job.ts';

/** For tests of the mirror: the time of a look, and what is seen then. Milliseconds. */
export const NOW = 1_000_000;
const SPEC = jobSpecSchema.parse({ command: ['true'], nodes: 2, maxRequeues: 1 });

/** Submitted as Slurm job 50, and not begun. */
export function job(fields: Partial<MirrorJob> = {}): MirrorJob {
  const record = { ...NO_SUBMISSION, submission: 1, slurmJobId: 50 };
  return { ...newMirrorJob(toJobRequest(7, SPEC, 0), 0, 0), phase: 'submitted', record, ...fields };
}

/** One whose attempt runs on n1 and n2, as the mirror has it. */
export function running(fields: Partial<MirrorJob> = {}, attempt = 1): MirrorJob {
  const placement = ['n1', 'n2'].map((nodeName) => ({
    nodeName,
    resources: { cpus: 1, memoryBytes: 1, gpus: 0 },
    gpuIndices: [],
  }));
  return job({ attempt, live: { attempt, placement, startMs: 500_000 }, ...fields });
}

/** It as squeue lists it, pending. */
export function slurm(fields: Partial<SlurmJob> = {}): SlurmJob {
  return {
    slurmJobId: 50,
    arrayJobId: null,
    arrayTaskId: null,
    arrayTasks: '',
    name: 'x.orrery-0a1b2c3d-7-1',
    folder: '/jobs/7',
    user: 'me',
    account: 'research',
    partition: 'main',
    qos: 'normal',
    state: 'PENDING',
    isCompleting: false,
    reason: 'Priority',
    reasonDetail: '',
    restarts: 0,
    priority: 1000,
    nodeNames: [],
    nodeCount: 2,
    cpus: 2,
    memoryBytesPerNode: 512,
    gpuIndices: [],
    timeLimitMs: null,
    submitMs: 100_000,
    startMs: null,
    endMs: null,
    eligibleMs: null,
    exitStatus: { code: 0, signal: 0 },
    dependency: '',
    excludedNodes: '',
    requiredNodes: '',
    reservation: '',
    licenses: '',
    tres: 'cpu=2,mem=1G,node=2,billing=2',
    ...fields,
  };
}

/** It with its nodes. */
export const onNodes = (fields: Partial<SlurmJob>) =>
  slurm({ nodeNames: ['n1', 'n2'], startMs: 500_000, reason: 'None', ...fields });
/** It with its end, by Slurm. */
export const over = (state: string, code = 0, fields: Partial<SlurmJob> = {}) =>
  onNodes({ state, endMs: 900_000, exitStatus: { code, signal: 0 }, ...fields });

/** What the script of its first attempt left: a claim. */
export function left(fields: Partial<AttemptFacts> = {}): AttemptFacts {
  return {
    attempt: 1,
    slurmJobId: 50,
    claimedMs: 500_000,
    exit: null,
    failed: null,
    memory: null,
    lostNodes: [],
    ...fields,
  };
}

/** A claim and an end by itself. */
export const exited = (status: number, fields: Partial<AttemptFacts> = {}) =>
  left({ exit: { status, endedMs: 899_000, isTold: false }, ...fields });

/** A run in accounting. */
export function run(state: string, fields: Partial<SacctRun> = {}): SacctRun {
  return {
    slurmJobId: 50,
    label: '50',
    name: 'x.orrery-0a1b2c3d-7-1',
    state,
    cancelledBy: state === 'CANCELLED' ? 0 : null,
    exitStatus: { code: 0, signal: 0 },
    submitMs: 100_000,
    startMs: 500_000,
    endMs: 900_000,
    nodeNames: ['n1', 'n2'],
    ...fields,
  };
}

export function facts(fields: Partial<JobFacts> = {}): JobFacts {
  return {
    runs: null,
    isAccountingAway: false,
    attempts: [],
    isFolderGone: false,
    downNodes: new Set(),
    isPreempting: false,
    isFreshController: false,
    isSteadyController: false,
    ...fields,
  };
}

export const look = (fields: Partial<Look> = {}): Look => ({
  askedMs: NOW,
  nowMs: NOW,
  listed: [],
  isLeftOut: false,
  silentNodes: new Set(),
  facts: facts(),
  ...fields,
});

/** It ended after SIGTERM. */
export const told = (status: number) => left({ exit: { status, endedMs: 899_000, isTold: true } });

/** `AttemptEnded FAILED 3`: events in short. */
export function short(records: readonly JournalRecord[]): string[] {
  return records.map(({ event }) => {
    const { kind } = event;
    const parts = ['attempt', 'state', 'exitCode', 'requeues'].flatMap((key) =>
      key in event ? [String(Reflect.get(event, key))] : [],
    );
    return [kind, ...parts].join(' ');
  });
}
