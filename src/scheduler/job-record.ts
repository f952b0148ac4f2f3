import type { Dependency, EndCause, EndState, JobRequest, Placement } from './types.ts';

/** What becomes of a job whose attempt is over: `decide` turns it into a decision. */
export type Verdict =
  | { kind: 'requeue'; requeues: number; hold: 'launch' | null }
  | { kind: 'end'; state: EndState; exitCode: number };

/** The scheduler's own account of a job that has not ended. Mutated in place. */
export interface JobRecord {
  readonly request: JobRequest;
  readonly excluded: ReadonlySet<string>;
  /** `over`: its attempt (or, if it was cancelled while pending, its wait) is over and `verdict` says what follows. */
  phase: 'pending' | 'starting' | 'running' | 'over';
  attempt: number;
  requeues: number;
  hold: 'user' | 'launch' | null;
  /** Dependencies not satisfied yet. */
  waitsFor: Dependency[];
  placement: Placement | null;
  /** When its time limit ends the attempt; null before it has started, without a limit, and once it is being ended. */
  deadlineMs: number | null;
  /** When its attempt ends at the latest, for the forecast (see AttemptEnds); null while it holds no nodes. */
  endMsMax: number | null;
  /** Why the attempt is to end, the strongest reason so far; null while it may run on. */
  cause: EndCause | null;
  /** Whether the driver was told to end it. */
  isEnding: boolean;
  verdict: Verdict | null;
  /** What it asks for on a node, as a key; made when it is first needed. */
  shape: string | null;
  /** Its place in the queue's heap; -1 outside. */
  queueIndex: number;
  /** Its place in the heap of time limits; -1 outside. */
  deadlineIndex: number;
}

/** Most jobs exclude none: they share it, since a set of its own is a fifth of a pending job's memory. */
const NO_NODES: ReadonlySet<string> = new Set();

export function createJobRecord(request: JobRequest, attempt: number): JobRecord {
  return {
    request,
    excluded: request.excludedNodes.length === 0 ? NO_NODES : new Set(request.excludedNodes),
    phase: 'pending',
    attempt,
    requeues: 0,
    hold: request.isHeld ? 'user' : null,
    waitsFor: [],
    placement: null,
    deadlineMs: null,
    endMsMax: null,
    cause: null,
    isEnding: false,
    verdict: null,
    shape: null,
    queueIndex: -1,
    deadlineIndex: -1,
  };
}

/** True where an attempt of the job holds nodes. */
export function isOnNodes(job: JobRecord): boolean {
  return job.phase === 'starting' || job.phase === 'running';
}
