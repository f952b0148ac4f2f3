import type { LemonDetector } from './lemons.ts';
import type { EndState, SchedulerEvent } from './types.ts';

/** Reasons of drains that a verdict was the cause of begin with this. */
export const LEMON_REASON = 'lemon node';

/**
 * A check that fails from ten minutes before to five minutes after the end of a job that failed counts as the cause (Kokolis et al., HPCA 2025,
 * "Revisiting Reliability in Large-Scale Machine Learning Research Clusters").
 */
const BLAME_MS = { before: 600_000, after: 300_000 } as const;
/** How attempts end that a failed health check may be the cause of: lost, failed, or put back by Slurm. */
const LOST_STATES: readonly EndState[] = ['NODE_FAIL', 'FAILED', 'CANCELLED'];

type AttemptEnded = Extract<SchedulerEvent, { kind: 'AttemptEnded' }>;

/** An attempt that holds nodes. */
interface Placed {
  nodeNames: readonly string[];
  startMs: number;
}

/**
 * What a detector of lemon nodes learns from the facts and decisions of a scheduler, in journal order. A node that is resumed after it was drained as a
 * lemon counts as mended for good, and so does one that jobs no longer keep off.
 */
export class LemonFacts {
  readonly #detector: LemonDetector;
  readonly #placed = new Map<number, Placed>();
  /** When each node failed last. */
  readonly #failedMs = new Map<string, number>();
  /** When a health check took each node out last. */
  readonly #unfitMs = new Map<string, number>();
  /** Attempts that ended badly within the last minutes and that no node is to blame for so far. */
  #unexplained: { nodeNames: readonly string[]; atMs: number }[] = [];
  readonly #outOfService = new Set<string>();
  readonly #drainedAsLemon = new Set<string>();
  /** Jobs that somebody wants to end or to wait again: how their attempts end says nothing of nodes. */
  readonly #asked = new Set<number>();
  readonly #healthReason: string | null;
  /** Whose exclusions are counted. */
  readonly #excluders = new Set<number>();

  /** `healthReason`: what reasons of drains begin with that a health check is the cause of. Such a node fails the jobs that end badly on it. */
  constructor(detector: LemonDetector, healthReason: string | null = null) {
    this.#detector = detector;
    this.#healthReason = healthReason;
  }

  apply(event: SchedulerEvent): void {
    const { atMs } = event;
    switch (event.kind) {
      case 'NodeAdded':
        this.#detector.addNode(event.node.name, atMs);
        this.#outOfService.delete(event.node.name);
        return;
      case 'NodeRemoved':
        this.#detector.removeNode(event.nodeName);
        return;
      case 'NodeFailed':
        this.#failedMs.set(event.nodeName, atMs);
        return this.#takeOut(event.nodeName, atMs);
      case 'NodeDrained':
        if (event.reason.startsWith(LEMON_REASON)) {
          this.#drainedAsLemon.add(event.nodeName);
          this.#detector.flag(event.nodeName);
        }
        if (this.#healthReason !== null && event.reason.startsWith(this.#healthReason)) this.#noteUnfit(event);
        return this.#takeOut(event.nodeName, atMs);
      case 'NodeAvoided':
        if (event.reason === null) this.#detector.addNode(event.nodeName, atMs);
        else if (event.reason.startsWith(LEMON_REASON)) this.#detector.flag(event.nodeName);
        return;
      case 'NodeResumed':
        this.#outOfService.delete(event.nodeName);
        if (this.#drainedAsLemon.delete(event.nodeName)) this.#detector.addNode(event.nodeName, atMs);
        return;
      case 'XidSeen':
      case 'TicketOpened':
        return this.#detector.observe(event);
      case 'JobSubmitted':
        return this.#exclude(event.job.jobId, event.job.excludedNodes, atMs);
      case 'AttemptStarting':
        this.#placed.set(event.jobId, { nodeNames: event.placement.map(({ nodeName }) => nodeName), startMs: atMs });
        return;
      case 'JobCancelRequested':
      case 'JobRequeueRequested':
        if (this.#placed.has(event.jobId)) this.#asked.add(event.jobId);
        return;
      case 'RequeueRefused':
        this.#asked.delete(event.jobId);
        return;
      case 'AttemptEnded':
        return this.#endAttempt(event);
      case 'LaunchFailed':
        this.#placed.delete(event.jobId);
        return;
      case 'JobEnded':
        this.#excluders.delete(event.jobId);
        this.#asked.delete(event.jobId);
        return;
      default:
    }
  }

  #takeOut(nodeName: string, atMs: number): void {
    if (this.#outOfService.has(nodeName)) return;
    this.#outOfService.add(nodeName);
    this.#detector.observe({ kind: 'NodeTakenOut', nodeName, atMs });
  }

  #exclude(jobId: number, nodeNames: readonly string[], atMs: number): void {
    if (nodeNames.length === 0 || this.#excluders.has(jobId)) return;
    this.#excluders.add(jobId);
    for (const nodeName of nodeNames) this.#detector.observe({ kind: 'NodeExcluded', nodeName, atMs });
  }

  #endAttempt({ jobId, state, atMs, lostNodes }: AttemptEnded): void {
    const placed = this.#placed.get(jobId);
    this.#placed.delete(jobId);
    const isAsked = this.#asked.delete(jobId);
    if (placed === undefined) return;
    const culprit = lostNodes?.[0] ?? this.#culprit(placed, state, atMs, isAsked);
    const [first, ...others] = placed.nodeNames;
    if (first !== undefined && others.length === 0) {
      this.#detector.observe({ kind: 'SingleNodeJobEnded', nodeName: first, atMs, isNodeFailure: culprit !== null });
    } else if (culprit !== null) this.#detector.observe({ kind: 'MultiNodeJobLost', nodeName: culprit, atMs });
  }

  /** The node that an attempt ended because of; null where there is none (yet), or where it was something that many nodes share. */
  #culprit(placed: Placed, state: EndState, atMs: number, isAsked: boolean): string | null {
    const { startMs, nodeNames } = placed;
    const failed = state === 'NODE_FAIL' ? lastOf(this.#failedMs, nodeNames, startMs) : null;
    if (failed !== null || isAsked || this.#healthReason === null || !LOST_STATES.includes(state)) return failed;
    const unfit = lastOf(this.#unfitMs, nodeNames, Math.max(startMs, atMs - BLAME_MS.before));
    if (unfit !== null) return unfit;
    while ((this.#unexplained[0]?.atMs ?? Infinity) < atMs - BLAME_MS.after) this.#unexplained.shift();
    this.#unexplained.push({ nodeNames, atMs });
    return null;
  }

  /** A health check takes a node out: what ended badly on it a moment ago did so because of it. */
  #noteUnfit({ nodeName, atMs }: { nodeName: string; atMs: number }): void {
    this.#unfitMs.set(nodeName, atMs);
    this.#unexplained = this.#unexplained.filter((ended) => {
      if (!ended.nodeNames.includes(nodeName) || ended.atMs < atMs - BLAME_MS.after) return true;
      const kind = ended.nodeNames.length === 1 ? 'SingleNodeJobBlamed' : 'MultiNodeJobLost';
      this.#detector.observe({ kind, nodeName, atMs: ended.atMs });
      return false;
    });
  }
}

/** The node to which it happened last, not before `sinceMs`; null for none. */
function lastOf(times: ReadonlyMap<string, number>, nodeNames: readonly string[], sinceMs: number): string | null {
  let culprit: string | null = null;
  let lastMs = sinceMs;
  for (const nodeName of nodeNames) {
    const timeMs = times.get(nodeName) ?? -Infinity;
    if (timeMs < lastMs) continue;
    [culprit, lastMs] = [nodeName, timeMs];
  }
  return culprit;
}
