import type { NodeSpec } from '../../src/cluster/node.ts';
import { Heap } from '../../src/lib/heap.ts';
import type { Decision, SchedulerEvent } from '../../src/scheduler/types.ts';
import type { TraceJob } from './trace.ts';

/** What both schedulers have in common. */
export interface Driven {
  apply: (event: SchedulerEvent) => void;
  /** Everything to be done at this instant. */
  decide: (nowMs: number) => readonly Decision[];
}

export interface Run {
  /** Of this process, in seconds. */
  cpuSeconds: number;
  ended: number;
  /** When the last job ended. */
  makespanMs: number;
  waitMsMean: number;
}

interface End {
  atMs: number;
  jobId: number;
  index: number;
}

const GPUS_PER_NODE = 8;

/** Submits, starts and ends every job of the trace under a virtual clock. Whole nodes only, no failures. */
export function drive(scheduler: Driven, nodes: readonly NodeSpec[], jobs: readonly TraceJob[]): Run {
  for (const node of nodes) scheduler.apply({ kind: 'NodeAdded', atMs: 0, node });
  const ends = new Heap<End>(
    (a, b) => (a.atMs === b.atMs ? a.jobId < b.jobId : a.atMs < b.atMs),
    (end, index) => {
      end.index = index;
    },
  );
  const run: Run = { cpuSeconds: 0, ended: 0, makespanMs: 0, waitMsMean: 0 };
  let waitMsTotal = 0;
  let submitted = 0;
  const before = process.cpuUsage();
  for (;;) {
    const nowMs = Math.min(jobs[submitted]?.submitMs ?? Infinity, ends.peek()?.atMs ?? Infinity);
    if (nowMs === Infinity) break;
    for (let end = ends.peek(); end !== undefined && end.atMs <= nowMs; end = ends.peek()) {
      ends.pop();
      scheduler.apply({
        kind: 'AttemptEnded',
        atMs: nowMs,
        jobId: end.jobId,
        attempt: 1,
        state: 'COMPLETED',
        exitCode: 0,
      });
    }
    for (let job = jobs[submitted]; job !== undefined && job.submitMs <= nowMs; job = jobs[submitted]) {
      submitted += 1;
      scheduler.apply({ kind: 'JobSubmitted', atMs: nowMs, job: toRequest(submitted, job) });
    }
    for (const decision of scheduler.decide(nowMs)) {
      const job = jobs[decision.jobId - 1];
      if (decision.kind === 'EndJob') {
        run.ended += 1;
        run.makespanMs = nowMs;
      } else if (decision.kind === 'StartAttempt' && job !== undefined) {
        scheduler.apply({ kind: 'AttemptStarted', atMs: nowMs, jobId: decision.jobId, attempt: 1 });
        waitMsTotal += nowMs - job.submitMs;
        ends.push({ atMs: nowMs + job.runMs, jobId: decision.jobId, index: -1 });
      }
    }
  }
  const { user, system } = process.cpuUsage(before);
  run.cpuSeconds = (user + system) / 1e6;
  run.waitMsMean = waitMsTotal / run.ended;
  return run;
}

function toRequest(jobId: number, { submitMs, limitMs, nodes }: TraceJob) {
  return {
    jobId,
    submitMs,
    priority: 0,
    nodes,
    perNode: { cpus: 1, memoryBytes: 1e9, gpus: GPUS_PER_NODE },
    gpuType: null,
    exclusive: true,
    timeLimitMs: limitMs,
    excludedNodes: [],
    maxRequeues: 3,
    dependencies: [],
    isHeld: false,
  };
}
