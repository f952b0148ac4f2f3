import { LEMON_SIGNALS, LemonHistory, type LemonSignal } from './lemon-history.ts';

const DAY_MS = 86_400_000;

/** A fact about a node, in about the order of time. */
export type LemonObservation =
  /** Told once for each job. */
  | { kind: 'NodeExcluded'; nodeName: string; atMs: number }
  | { kind: 'XidSeen'; nodeName: string; atMs: number; xid: number }
  | { kind: 'TicketOpened'; nodeName: string; atMs: number }
  /** From in service to drained or down. */
  | { kind: 'NodeTakenOut'; nodeName: string; atMs: number }
  /** Of this node: NODE_FAIL, requeued by a health check, or failed with a failed check. */
  | { kind: 'MultiNodeJobLost'; nodeName: string; atMs: number }
  /** Any end of a job that had this node alone; `isNodeFailure` as above. */
  | { kind: 'SingleNodeJobEnded'; nodeName: string; atMs: number; isNodeFailure: boolean }
  /** It ended before, told as no failure of the node, and turns out to be one. */
  | { kind: 'SingleNodeJobBlamed'; nodeName: string; atMs: number };

export interface LemonOptions {
  /** Default 28, the paper's. */
  windowDays?: number;
  /** A signal speaks against a node that is above this quantile of the fleet in it. Default 0.985: lemons were 1.2 % of RSC-1. */
  quantile?: number;
  /** And that reaches this much: on a fleet without lemons somebody is always above the quantile. */
  minimums?: Readonly<Partial<Record<LemonSignal, number>>>;
  /** Signals against a node that make it a lemon; exclusions by users are not counted, since they do not follow failures. Default 3. */
  signalsMin?: number;
  /** Of the fleet, the most that one review may find, the worst first; one at least. Default 0.01. */
  fleetShareMax?: number;
}

/** Below these nothing is unusual. Assumption: chosen for few false verdicts at 2 to 7 failures per 1,000 node-days. */
const MINIMUMS: Readonly<Record<LemonSignal, number>> = {
  excl_jobid_count: 3,
  xid_cnt: 2,
  tickets: 2,
  out_count: 4,
  multi_node_node_fails: 3,
  single_node_node_fails: 2,
  single_node_node_failure_rate: 0.05,
};

/** A lemon is a node that ends jobs again and again: one of these has to be among the signals. */
const JOB_SIGNALS: readonly LemonSignal[] = [
  'multi_node_node_fails',
  'single_node_node_fails',
  'single_node_node_failure_rate',
];

export interface LemonEvidence {
  signal: LemonSignal;
  value: number;
  /** What the fleet gives for unusual: the quantile, or the minimum where that is more. */
  threshold: number;
  isExceeded: boolean;
}

export interface LemonVerdict {
  nodeName: string;
  /** All seven signals. */
  evidence: readonly LemonEvidence[];
}

interface Threshold {
  signal: LemonSignal;
  quantileValue: number;
  minimum: number;
}

/**
 * Finds nodes that end jobs again and again although checks and repairs find nothing that lasts, from what happened in the last four weeks
 * (Kokolis et al., HPCA 2025, section 5.1). The paper set its thresholds by hand from the distribution of each signal over the fleet; here
 * they are a quantile of it with a minimum. Memory is in proportion to nodes and window.
 */
export class LemonDetector {
  readonly #windowDays: number;
  readonly #quantile: number;
  readonly #minimums: Readonly<Record<LemonSignal, number>>;
  readonly #signalsMin: number;
  readonly #fleetShareMax: number;
  readonly #histories = new Map<string, LemonHistory>();

  constructor(options: LemonOptions = {}) {
    this.#windowDays = options.windowDays ?? 28;
    this.#quantile = options.quantile ?? 0.985;
    this.#minimums = { ...MINIMUMS, ...options.minimums };
    this.#signalsMin = options.signalsMin ?? 3;
    this.#fleetShareMax = options.fleetShareMax ?? 0.01;
  }

  /** From here on it is one of the fleet. Also for a machine swapped or mended for good: nothing of the old one counts. */
  addNode(nodeName: string, atMs: number): void {
    this.#histories.set(nodeName, new LemonHistory(this.#windowDays, dayOf(atMs)));
  }

  removeNode(nodeName: string): void {
    this.#histories.delete(nodeName);
  }

  /** Of nodes that are not of the fleet nothing is kept. */
  observe(observation: LemonObservation): void {
    const history = this.#histories.get(observation.nodeName);
    if (history === undefined) return;
    const day = dayOf(observation.atMs);
    switch (observation.kind) {
      case 'NodeExcluded':
        return history.count('excluded', day);
      case 'XidSeen':
        return history.seeXid(observation.xid, day);
      case 'TicketOpened':
        return history.count('tickets', day);
      case 'NodeTakenOut':
        return history.count('outs', day);
      case 'MultiNodeJobLost':
        return history.count('multiNodeFails', day);
      case 'SingleNodeJobEnded':
        history.count('singleNodeEnds', day);
        if (observation.isNodeFailure) history.count('singleNodeFails', day);
        return;
      case 'SingleNodeJobBlamed':
        return history.count('singleNodeFails', day);
    }
  }

  /** The signals of every node of the fleet now, in the order in which they joined it. */
  survey(nowMs: number): LemonVerdict[] {
    const thresholds = this.#thresholds(nowMs);
    return Array.from(this.#histories, ([nodeName, history]) => ({
      nodeName,
      evidence: evidenceOf(history, thresholds),
    }));
  }

  /** A verdict on it was given. */
  isFlagged(nodeName: string): boolean {
    return this.#histories.get(nodeName)?.isFlagged === true;
  }

  /** A verdict on it was given before. */
  flag(nodeName: string): void {
    const history = this.#histories.get(nodeName);
    if (history !== undefined) history.isFlagged = true;
  }

  /** Nodes that have become lemons, the worst first. Each is named once, until it is added again. */
  review(nowMs: number): LemonVerdict[] {
    const thresholds = this.#thresholds(nowMs);
    const verdicts: LemonVerdict[] = [];
    for (const [nodeName, history] of this.#histories) {
      if (history.isFlagged) continue;
      const evidence = evidenceOf(history, thresholds);
      if (this.#isLemon(evidence)) verdicts.push({ nodeName, evidence });
    }
    verdicts.sort((a, b) => excess(b) - excess(a) || (a.nodeName < b.nodeName ? -1 : 1));
    const most = Math.max(1, Math.floor(this.#fleetShareMax * this.#histories.size));
    const named = verdicts.slice(0, most);
    for (const { nodeName } of named) this.flag(nodeName);
    return named;
  }

  #thresholds(nowMs: number): Threshold[] {
    const today = dayOf(nowMs);
    for (const history of this.#histories.values()) history.moveTo(today);
    return LEMON_SIGNALS.map((signal) => this.#threshold(signal));
  }

  #isLemon(evidence: readonly LemonEvidence[]): boolean {
    const against = evidence.filter(({ signal, isExceeded }) => isExceeded && signal !== 'excl_jobid_count');
    return against.length >= this.#signalsMin && against.some(({ signal }) => JOB_SIGNALS.includes(signal));
  }

  #threshold(signal: LemonSignal): Threshold {
    const values = Float64Array.from(this.#histories.values(), (history) => history.value(signal)).sort();
    return { signal, quantileValue: quantileOf(values, this.#quantile), minimum: this.#minimums[signal] };
  }
}

function evidenceOf(history: LemonHistory, thresholds: readonly Threshold[]): LemonEvidence[] {
  return thresholds.map(({ signal, quantileValue, minimum }) => {
    const value = history.value(signal);
    const isExceeded = value > quantileValue && value >= minimum;
    return { signal, value, threshold: Math.max(quantileValue, minimum), isExceeded };
  });
}

/** How far above what is unusual, over all signals that speak against it. */
function excess({ evidence }: LemonVerdict): number {
  return evidence.reduce((sum, { value, threshold, isExceeded }) => sum + (isExceeded ? value / threshold : 0), 0);
}

/** Between the two values next to it; 0 for none. Values ascending. */
function quantileOf(values: Float64Array, quantile: number): number {
  const place = (values.length - 1) * quantile;
  const below = values[Math.floor(place)] ?? 0;
  const above = values[Math.ceil(place)] ?? below;
  return below + (above - below) * (place - Math.floor(place));
}

function dayOf(atMs: number): number {
  return Math.floor(atMs / DAY_MS);
}
