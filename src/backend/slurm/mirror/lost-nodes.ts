import { SIGTERM_STATUS } from '../../end-status.ts';
import { endTimes, settle } from './attempt-facts.ts';
import { type Finding, type JobFacts, type Look, nothing, PATIENCE_MS } from './finding.ts';
import type { AttemptFacts } from '../batch/job-folder.ts';
import type { MirrorJob } from './mirror-job.ts';
import { addressOf, type SlurmJob } from '../output/slurm-job.ts';

/** The nodes that an attempt was lost with which Slurm calls FAILED; none where it was its own failure. */
export function lostWith(slurm: SlurmJob, own: AttemptFacts | null, { downNodes }: JobFacts): readonly string[] {
  if (own !== null && own.lostNodes.length > 0) return own.lostNodes;
  // The ranks that are left notice first, and srun may give the gang up before Slurm knows that the node is gone. The first node told the end.
  return slurm.nodeNames.slice(1).filter((name) => downNodes.has(name));
}

/** What an attempt ended for, in a sentence; null where no node was lost. */
export function lostText(lostNodes: readonly string[]): string | null {
  if (lostNodes.length === 0) return null;
  return `${lostNodes.length === 1 ? 'node' : 'nodes'} ${lostNodes.join(', ')} failed`;
}

/**
 * Its nodes are not free yet, and whether it ends or goes back in the queue Slurm says afterwards. For one that has gone Slurm waits as long as
 * `SlurmdTimeout`: the rest of the gang need not, once its script has said so.
 */
export function completing(job: MirrorJob, slurm: SlurmJob, attempt: number, { facts, nowMs }: Look): Finding {
  const finding = nothing(slurm);
  const isLong = slurm.endMs !== null && nowMs - slurm.endMs > PATIENCE_MS.completing;
  // 22.05 tells no state beside COMPLETING.
  const hasFailed = slurm.state === 'FAILED' || slurm.reason === 'NonZeroExitCode';
  if (!isLong || !hasFailed || job.live?.attempt !== attempt || slurm.nodeNames.length === 1) return finding;
  if (facts === null) return { ...finding, needsFacts: true };
  const own = facts.attempts.find((other) => other.attempt === attempt);
  if (own === undefined || own.exit === null || own.lostNodes.length === 0) return finding;
  const { lostNodes } = own;
  const { status, endedMs } = own.exit;
  const message = lostText(lostNodes);
  return settle(job, attempt, finding, {
    state: 'NODE_FAIL',
    status,
    ...endTimes(own.claimedMs, endedMs, nowMs),
    message,
    lostNodes,
  });
}

/**
 * Some of its nodes do not answer, and a rank elsewhere has failed long ago: srun waits for those nodes, or was on one of them. Slurm calls it running
 * until `SlurmdTimeout` is over, and begins it again `cred_expire` later: it is taken back, and goes on without them. Should its script be alive
 * after all, that ends its ranks when it sees that the job was submitted anew. Null where it is not so; asks for facts where they tell.
 */
export function stuckWithSilentNodes(job: MirrorJob, slurm: SlurmJob, attempt: number, look: Look): Finding | null {
  const { facts, nowMs, silentNodes } = look;
  const { nodeNames } = slurm;
  const lostNodes = nodeNames.filter((name) => silentNodes.has(name));
  // All of them: it may be slurmctld that has only just begun.
  const isSuspect = slurm.state === 'RUNNING' && lostNodes.length > 0 && lostNodes.length < nodeNames.length;
  if (!isSuspect || job.live?.attempt !== attempt || job.isCancelRequested) return null;
  const finding = nothing(slurm);
  if (facts === null) return { ...finding, needsFacts: true };
  const own = facts.attempts.find((other) => other.attempt === attempt);
  if (own === undefined || own.exit !== null || own.failed === null) return null;
  if (nowMs - own.failed.atMs < PATIENCE_MS.stuck) return null;
  const message = lostText(lostNodes);
  const end = { state: 'NODE_FAIL', status: own.failed.status, atMs: nowMs, message, lostNodes } as const;
  return settle(job, attempt, { ...finding, cancel: [addressOf(slurm)] }, end);
}

/**
 * SIGTERM ended it, nobody asked for that, and it had hardly begun after Slurm had put it back in the queue: a late message for the attempt before
 * it, which had the same number.
 */
export function isLateKill({ restarts, startMs, endMs }: SlurmJob, own: AttemptFacts | null): boolean {
  const exit = own?.exit;
  if (!exit?.isTold || exit.status !== SIGTERM_STATUS || restarts === 0 || startMs === null || endMs === null)
    return false;
  return endMs - startMs < PATIENCE_MS.lateKill;
}
