import { arrayTaskOf, type SacctRun } from '../output/sacct-text.ts';
import { isEnded, type SlurmJob } from '../output/slurm-job.ts';
import type { JobFacts, Look } from './finding.ts';
import type { MirrorJob } from './mirror-job.ts';

/** Of a run that has not ended, to accounting. */
const LIVE: ReadonlySet<string> = new Set(['PENDING', 'RUNNING', 'SUSPENDED']);

/** Accounting has not heard of the end of a run, or not yet of the run. */
export function isUnheardOf(run: SacctRun | undefined): boolean {
  return run === undefined || LIVE.has(run.state);
}

/** A job that Slurm lists no more and of which accounting has the end: as if it were listed, and under the number it had. Null where there is none. */
export function endInAccounting(job: MirrorJob, { facts, askedMs }: Look): { job: MirrorJob; slurm: SlurmJob } | null {
  // Asked before sbatch had answered: it could not be there.
  if (facts === null || askedMs <= job.phaseSinceMs) return null;
  const run = facts.runs?.at(-1);
  if (run === undefined || !isEnded({ state: run.state, isCompleting: false })) return null;
  if (run.state === 'CANCELLED' && !isMeant(run, job, facts)) return null;
  // Numbers are given again by a slurmctld that has lost its state: what its scripts claimed counts the attempts.
  const claimed = facts.attempts.findLast(({ slurmJobId }) => slurmJobId === run.slurmJobId);
  const restarts = Math.max(claimed?.attempt ?? 0, job.live?.attempt ?? 0, job.record.base + 1) - job.record.base - 1;
  return {
    job: { ...job, record: { ...job.record, slurmJobId: run.slurmJobId } },
    slurm: asListed(run, restarts, job),
  };
}

/**
 * Whether somebody cancelled it. What a slurmctld does not know any more when it begins, accounting takes for cancelled: by nobody. What waits then may
 * be cancelled by mistake, and as root.
 */
export function isMeant(
  { cancelledBy, nodeNames }: SacctRun,
  job: MirrorJob,
  { isFreshController }: JobFacts,
): boolean {
  if (job.isCancelRequested || cancelledBy === null) return job.isCancelRequested;
  return cancelledBy > 0 || nodeNames.length > 0 || !isFreshController;
}

function asListed(run: SacctRun, restarts: number, job: MirrorJob): SlurmJob {
  return {
    slurmJobId: run.slurmJobId,
    ...arrayTaskOf(run),
    arrayTasks: '',
    name: run.name,
    folder: '',
    user: '',
    account: '',
    partition: '',
    qos: '',
    state: run.state,
    isCompleting: false,
    reason: 'None',
    reasonDetail: '',
    restarts,
    priority: null,
    nodeNames: run.nodeNames,
    nodeCount: run.nodeNames.length,
    cpus: job.request.perNode.cpus * job.request.nodes,
    memoryBytesPerNode: null,
    gpuIndices: [],
    timeLimitMs: null,
    submitMs: run.submitMs ?? 0,
    startMs: run.startMs,
    endMs: run.endMs,
    eligibleMs: null,
    exitStatus: run.exitStatus,
    dependency: '',
    excludedNodes: '',
    requiredNodes: '',
    reservation: '',
    licenses: '',
    tres: '',
  };
}
