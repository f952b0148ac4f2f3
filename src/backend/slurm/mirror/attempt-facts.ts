import type { JournalRecord } from '../../../contract/journal.ts';
import { partitionNames } from '../../../scheduler/partition-names.ts';
import type { EndState, Placement } from '../../../scheduler/types.ts';
import { END_MESSAGES } from '../../end-messages.ts';
import type { Finding } from './finding.ts';
import type { AttemptFacts } from '../batch/job-folder.ts';
import type { MirrorJob } from './mirror-job.ts';
import type { SlurmJob } from '../output/slurm-job.ts';

export interface AttemptEnd {
  state: EndState;
  status: number;
  /** By our clock, as far as that goes on. */
  atMs: number;
  /** How long it ran, by the clock that told its start and its end; null or absent: not known. */
  ranMs?: number | null;
  message: string | null;
  /** Nodes that it was lost with, though Slurm may not call them down yet. Default none. */
  lostNodes?: readonly string[];
}

/** The end of the running attempt, and what it means for the job: over, or back in the queue with a new submission. */
export function settle(job: MirrorJob, attempt: number, finding: Finding, end: AttemptEnd): Finding {
  const atMs = endMoment(job, attempt, finding.records, end);
  const isHung = job.isHung && end.state !== 'COMPLETED';
  const state = isHung ? 'FAILED' : end.state;
  const message = isHung ? END_MESSAGES.HANG : end.message;
  const exitCode = exitCodeOf(state, end.status);
  const { jobId } = job.request;
  const { lostNodes = [] } = end;
  const known = state === 'NODE_FAIL' && lostNodes.length > 0 ? { lostNodes } : {};
  const record: JournalRecord = { event: { kind: 'AttemptEnded', atMs, jobId, attempt, state, exitCode, ...known } };
  finding.records.push(message === null ? record : { ...record, message });
  const again = state === 'NODE_FAIL' && !job.isCancelRequested;
  if (again && job.requeues < job.request.maxRequeues) {
    const requeues = job.requeues + 1;
    finding.records.push({ event: { kind: 'JobRequeued', atMs, jobId, requeues, isHeld: false, ...severalOf(job) } });
    return { ...finding, isSubmissionDue: true };
  }
  // Whoever cancelled it need not see what that came to on the nodes.
  const isCancelled = job.isCancelRequested && (state === 'NODE_FAIL' || (state === 'FAILED' && end.status > 128));
  finding.records.push(ended(job, isCancelled ? 'CANCELLED' : state, exitCode, atMs));
  return finding;
}

/**
 * When the attempt ended: not before it began and had run as long as is known of it. Our own clock may have been set back since its start, and then
 * nothing that Slurm tells is in the past.
 */
export function endMoment(
  { live }: MirrorJob,
  attempt: number,
  before: readonly JournalRecord[],
  { atMs, ranMs }: Pick<AttemptEnd, 'atMs' | 'ranMs'>,
): number {
  const begins = before.findLast(({ event }) => event.kind === 'AttemptStarting' && event.attempt === attempt);
  const startMs = begins?.event.atMs ?? (live?.attempt === attempt ? live.startMs : null);
  return startMs === null ? atMs : Math.max(atMs, startMs + Math.max(0, Math.round(ranMs ?? 0)));
}

/** Of an attempt, by the clock that told both its start and its end; null: not known. */
export function endTimes(
  startMs: number | null,
  endMs: number | null,
  nowMs: number,
): Pick<AttemptEnd, 'atMs' | 'ranMs'> {
  return { atMs: momentOf(endMs, nowMs), ranMs: spanMs(startMs, endMs) };
}

function spanMs(startMs: number | null, endMs: number | null): number | null {
  return startMs === null || endMs === null ? null : endMs - startMs;
}

export function begun(job: MirrorJob, slurm: SlurmJob, attempt: number, nowMs: number): JournalRecord[] {
  const { jobId, submitMs } = job.request;
  // It waited here at least as long as it did at Slurm, also where our clock was set back meanwhile. Slurm tells whole seconds.
  const waitedMs = slurm.submitMs === 0 ? 0 : (spanMs(slurm.submitMs, slurm.startMs) ?? 0);
  const atMs = Math.max(momentOf(slurm.startMs, nowMs), submitMs, Math.floor(submitMs / 1000) * 1000 + waitedMs);
  return [
    {
      event: {
        kind: 'AttemptStarting',
        atMs,
        jobId,
        attempt,
        placement: placementOf(job, slurm),
        ...chosenOf(job, slurm),
      },
    },
    { event: { kind: 'AttemptStarted', atMs, jobId, attempt } },
  ];
}

/** Of an attempt of which only its folder tells. Where it ran nobody knows. */
export function begunUnseen(job: MirrorJob, facts: AttemptFacts, nowMs: number): JournalRecord[] {
  const { jobId, submitMs } = job.request;
  const { attempt } = facts;
  const atMs = Math.max(momentOf(facts.claimedMs, nowMs), submitMs);
  return [
    { event: { kind: 'AttemptStarting', atMs, jobId, attempt, placement: [] } },
    { event: { kind: 'AttemptStarted', atMs, jobId, attempt } },
  ];
}

/** The partitions that the job names, where they are several. */
export function severalOf({ request: { partition } }: MirrorJob): { partition?: string } {
  return partition !== undefined && isSeveral(partition) ? { partition } : {};
}

/** The one that it runs in of several. */
function chosenOf(job: MirrorJob, { partition }: SlurmJob): { partition?: string } {
  return severalOf(job).partition === undefined || partition === '' || isSeveral(partition) ? {} : { partition };
}

function isSeveral(partition: string): boolean {
  return partitionNames(partition).length > 1;
}

function placementOf({ request }: MirrorJob, slurm: SlurmJob): Placement {
  const { nodeNames } = slurm;
  return nodeNames.map((nodeName, index) => {
    const gpuIndices = slurm.gpuIndices[index] ?? Array.from({ length: request.perNode.gpus }, (_, gpu) => gpu);
    return {
      nodeName,
      resources: {
        cpus: Math.round(slurm.cpus / nodeNames.length),
        memoryBytes: slurm.memoryBytesPerNode ?? request.perNode.memoryBytes,
        gpus: gpuIndices.length,
      },
      gpuIndices,
    };
  });
}

export function ended(
  { request: { jobId, submitMs } }: MirrorJob,
  state: EndState,
  exitCode: number,
  atMs: number,
): JournalRecord {
  return { event: { kind: 'JobEnded', atMs: Math.max(atMs, submitMs), jobId, state, exitCode } };
}

export function exitCodeOf(state: EndState, status: number): number {
  return state === 'COMPLETED' ? 0 : status === 0 ? 1 : status;
}

/** Slurm's clock may be ahead of ours; nothing happens in the future. */
export function momentOf(ms: number | null, nowMs: number): number {
  return ms === null ? nowMs : Math.min(Math.round(ms), nowMs);
}
