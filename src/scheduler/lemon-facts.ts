import type { LemonDetector } from './lemons.ts';
import type { SchedulerEvent } from './types.ts';

/** Reasons of drains that a verdict was the cause of begin with this. */
export const LEMON_REASON = 'lemon node';

/** An attempt that holds nodes. */
interface Placed {
  nodeNames: readonly string[];
  startMs: number;
}

/**
 * What a detector of lemon nodes learns from the facts and decisions of a scheduler, in journal order. A node that is resumed after it was drained as a lemon counts as mended for good.
 */
export class LemonFacts {
  readonly #detector: LemonDetector;
  readonly #placed = new Map<number, Placed>();
  /** When each node failed last. */
  readonly #failedMs = new Map<string, number>();
  readonly #outOfService = new Set<string>();
  readonly #drainedAsLemon = new Set<string>();
  /** Whose exclusions are counted. */
  readonly #excluders = new Set<number>();

  constructor(detector: LemonDetector) {
    this.#detector = detector;
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
        return this.#takeOut(event.nodeName, atMs);
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
      case 'AttemptEnded':
        return this.#endAttempt(event.jobId, event.state === 'NODE_FAIL', atMs);
      case 'LaunchFailed':
        this.#placed.delete(event.jobId);
        return;
      case 'JobEnded':
        this.#excluders.delete(event.jobId);
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

  #endAttempt(jobId: number, isNodeFailure: boolean, atMs: number): void {
    const placed = this.#placed.get(jobId);
    this.#placed.delete(jobId);
    if (placed === undefined) return;
    const culprit = isNodeFailure ? this.#lastFailed(placed) : null;
    const [first, ...others] = placed.nodeNames;
    if (first !== undefined && others.length === 0) {
      this.#detector.observe({ kind: 'SingleNodeJobEnded', nodeName: first, atMs, isNodeFailure: culprit !== null });
    } else if (culprit !== null) this.#detector.observe({ kind: 'MultiNodeJobLost', nodeName: culprit, atMs });
  }

  /** The one of its nodes that failed under it, the last of several; null where it was something that many nodes share. */
  #lastFailed({ nodeNames, startMs }: Placed): string | null {
    let culprit: string | null = null;
    let lastMs = startMs;
    for (const nodeName of nodeNames) {
      const failedMs = this.#failedMs.get(nodeName) ?? -Infinity;
      if (failedMs < lastMs) continue;
      [culprit, lastMs] = [nodeName, failedMs];
    }
    return culprit;
  }
}
