import type { NodeSpec } from '../cluster/node.ts';
import { LemonDetector, type LemonOptions, type LemonVerdict } from '../scheduler/lemons.ts';
import type { LemonReport } from './report.ts';
import type { NodeAction, Operator } from './scenario.ts';
import type { AttemptEnd, Component, Incident, NodeService, TwinJob } from './types.ts';

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
/** Assumption: what a reset mends gets no ticket, and what takes longer than this was no reset. */
const TICKET_REPAIR_MS = 4 * HOUR_MS;
/**
 * XID errors as the driver reports them, one for each component that has any: the model of failures knows no more of them. A GPU that other
 * checks see go with its link or its bus has fallen off the bus.
 */
const XIDS: Readonly<Partial<Record<Component, number>>> = { gpu: 48, nvlink: 74 };
const XID_OFF_THE_BUS = 79;

export interface LemonWatchOptions {
  detector?: LemonOptions;
  /** Default a day. */
  reviewEveryMs?: number;
  /** From when a lemon is empty until another machine stands in its place. Default 48 h, an assumption. */
  swapMs?: number;
  /** Another machine stands in the node's place. */
  onSwapped?: (nodeIndex: number, atMs: number) => void;
}

export interface LemonWatch extends Operator {
  /** How good the detector was; a lemon is one that has failed as such. */
  score(): LemonReport;
  /** All so far, in the order in which they were given. */
  readonly verdicts: readonly (LemonVerdict & { atMs: number })[];
}

/** The operator who drains lemons and has them swapped, with the detector of the daemon. */
export function createLemonWatch(nodes: readonly NodeSpec[], options: LemonWatchOptions = {}): LemonWatch {
  return new Watch(nodes, options);
}

class Watch implements LemonWatch {
  readonly reviewEveryMs: number;
  readonly verdicts: (LemonVerdict & { atMs: number })[] = [];
  readonly #names: readonly string[];
  readonly #indices: ReadonlyMap<string, number>;
  readonly #detector: LemonDetector;
  readonly #swapMs: number;
  readonly #onSwapped: ((nodeIndex: number, atMs: number) => void) | null;
  readonly #service: NodeService[];
  /** Found while they were in repair: to be drained once they are back. */
  readonly #due = new Set<number>();
  readonly #swapping = new Set<number>();
  /** For the score alone. */
  readonly #lemons = new Set<number>();
  readonly #flagged = new Set<number>();

  constructor(nodes: readonly NodeSpec[], options: LemonWatchOptions) {
    this.reviewEveryMs = options.reviewEveryMs ?? DAY_MS;
    this.#names = nodes.map(({ name }) => name);
    this.#indices = new Map(this.#names.map((name, nodeIndex) => [name, nodeIndex]));
    this.#detector = new LemonDetector(options.detector);
    for (const name of this.#names) this.#detector.addNode(name, 0);
    this.#swapMs = options.swapMs ?? 2 * DAY_MS;
    this.#onSwapped = options.onSwapped ?? null;
    this.#service = nodes.map(() => 'up');
  }

  jobSubmitted({ request }: TwinJob, atMs: number): void {
    for (const nodeName of request.excludedNodes) this.#detector.observe({ kind: 'NodeExcluded', nodeName, atMs });
  }

  attemptEnded({ allocation: { nodeIndices }, incident, state, endMs: atMs }: AttemptEnd): void {
    const culprit = culpritOf(incident, state);
    if (nodeIndices.length === 1) {
      const nodeName = this.#name(nodeIndices[0]);
      this.#detector.observe({ kind: 'SingleNodeJobEnded', nodeName, atMs, isNodeFailure: culprit !== null });
    } else if (culprit !== null) {
      this.#detector.observe({ kind: 'MultiNodeJobLost', nodeName: this.#name(culprit), atMs });
    }
  }

  incident({ nodeIndices, component, alsoSeen, repairMs, isFalsePositive, isLemon, atMs }: Incident): void {
    const [nodeIndex] = nodeIndices;
    // What breaks for many nodes at a time is not of the node, and one in repair is not looked at.
    if (nodeIndex === undefined || nodeIndices.length > 1 || this.#service[nodeIndex] === 'down') return;
    if (isLemon) this.#lemons.add(nodeIndex);
    if (isFalsePositive) return;
    const nodeName = this.#name(nodeIndex);
    const xid = XIDS[component] ?? (alsoSeen?.includes('gpu') === true ? XID_OFF_THE_BUS : null);
    if (xid !== null) this.#detector.observe({ kind: 'XidSeen', nodeName, atMs, xid });
    if (repairMs >= TICKET_REPAIR_MS) this.#detector.observe({ kind: 'TicketOpened', nodeName, atMs });
  }

  nodeChanged(nodeIndex: number, service: NodeService, _reason: string, atMs: number): void {
    const before = this.#service[nodeIndex];
    this.#service[nodeIndex] = service;
    if (this.#swapping.has(nodeIndex)) {
      if (service !== 'up') return;
      this.#swapping.delete(nodeIndex);
      this.#detector.addNode(this.#name(nodeIndex), atMs);
      this.#onSwapped?.(nodeIndex, atMs);
    } else if (before === 'up' && service !== 'up') {
      this.#detector.observe({ kind: 'NodeTakenOut', nodeName: this.#name(nodeIndex), atMs });
    }
  }

  review(nowMs: number): readonly NodeAction[] {
    for (const verdict of this.#detector.review(nowMs)) {
      const nodeIndex = this.#indices.get(verdict.nodeName) ?? 0;
      this.verdicts.push({ ...verdict, atMs: nowMs });
      this.#flagged.add(nodeIndex);
      this.#due.add(nodeIndex);
    }
    const actions: NodeAction[] = [];
    for (const nodeIndex of this.#due) {
      if (this.#service[nodeIndex] === 'down') continue;
      this.#due.delete(nodeIndex);
      this.#swapping.add(nodeIndex);
      actions.push({ nodeIndex, reason: 'lemon node', repairMs: this.#swapMs });
    }
    return actions;
  }

  score(): LemonReport {
    const lemonsFlagged = [...this.#flagged].filter((nodeIndex) => this.#lemons.has(nodeIndex)).length;
    return {
      nodesFlagged: this.#flagged.size,
      lemons: this.#lemons.size,
      lemonsFlagged,
      precision: this.#flagged.size === 0 ? null : lemonsFlagged / this.#flagged.size,
      recall: this.#lemons.size === 0 ? null : lemonsFlagged / this.#lemons.size,
    };
  }

  #name(nodeIndex: number | undefined): string {
    return this.#names[nodeIndex ?? -1] ?? '';
  }
}

/** The node that ended an attempt, where it was one node: what a failed check or a lost heartbeat tells the operator. */
function culpritOf(incident: Incident | null, state: AttemptEnd['state']): number | null {
  if (incident === null || incident.isFalsePositive || incident.nodeIndices.length !== 1) return null;
  if (state !== 'NODE_FAIL' && state !== 'REQUEUED' && state !== 'FAILED') return null;
  return incident.nodeIndices[0] ?? null;
}
