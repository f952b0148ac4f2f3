import type { Allocation } from '../../scheduler/core-types.ts';
import type { AttemptEnd, Incident, JobEnd, NodeService, Observer, TwinJob } from '../types.ts';

interface RecordedStart {
  job: TwinJob;
  attempt: number;
  allocation: Allocation;
  queuedMs: number;
  atMs: number;
}

/** Keeps everything, so that measures can be worked out again the slow way. */
export class Recorder implements Observer {
  readonly submitted: TwinJob[] = [];
  readonly starts: RecordedStart[] = [];
  readonly attemptEnds: AttemptEnd[] = [];
  readonly jobEnds: JobEnd[] = [];
  readonly incidents: Incident[] = [];
  readonly changes: { nodeIndex: number; service: NodeService; atMs: number }[] = [];
  readonly depths: { atMs: number; pending: number }[] = [];

  jobSubmitted(job: TwinJob): void {
    this.submitted.push(job);
  }

  attemptStarted(job: TwinJob, attempt: number, allocation: Allocation, queuedMs: number, atMs: number): void {
    const { gpusPerNode, nodeIndices } = allocation;
    this.starts.push({ job, attempt, allocation: { gpusPerNode, nodeIndices: [...nodeIndices] }, queuedMs, atMs });
  }

  attemptEnded(end: AttemptEnd): void {
    const { gpusPerNode, nodeIndices } = end.allocation;
    this.attemptEnds.push({ ...end, allocation: { gpusPerNode, nodeIndices: [...nodeIndices] } });
  }

  jobEnded(end: JobEnd): void {
    this.jobEnds.push({ ...end });
  }

  incident(incident: Incident): void {
    this.incidents.push(incident);
  }

  nodeChanged(nodeIndex: number, service: NodeService, _reason: string, atMs: number): void {
    this.changes.push({ nodeIndex, service, atMs });
  }

  settled(atMs: number, pending: number): void {
    this.depths.push({ atMs, pending });
  }

  /** Attempts with the end they had, or the end of the run. */
  spans(endMs: number): { job: TwinJob; allocation: Allocation; startMs: number; endMs: number }[] {
    return this.starts.map(({ job, attempt, allocation, atMs }) => {
      const end = this.attemptEnds.find((each) => each.job === job && each.attempt === attempt);
      return { job, allocation, startMs: atMs, endMs: end?.endMs ?? endMs };
    });
  }
}
