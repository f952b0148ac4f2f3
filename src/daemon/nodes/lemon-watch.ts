import type { LemonList } from '../../contract/api.ts';
import type { Backend, Log } from '../../backend/port.ts';
import { isInService } from '../../cluster/node.ts';
import { OrreryError } from '../../contract/errors.ts';
import { HEALTH_REASON } from '../../health/verdict.ts';
import { LEMON_REASON, LemonFacts } from '../../scheduler/lemon-facts.ts';
import { LemonDetector, type LemonEvidence } from '../../scheduler/lemons.ts';
import type { Store } from '../../store/store.ts';
import { lemonWords } from './outage-words.ts';
import { takeOut } from './take-out.ts';

/** The paper's: Kokolis et al., HPCA 2025, section 5.1. */
export const WINDOW_DAYS = 28;
const DAY_MS = 86_400_000;
/** Signals are counted by the day: to look more often would find nothing earlier that matters. */
const REVIEW_MS = 60_000;

export interface LemonWatchInput {
  store: Store;
  backend: Pick<Backend, 'nodes' | 'drain' | 'avoidNode'>;
  /** Lemons are taken out; else only told of. */
  isDraining: boolean;
  /** Where XID errors come from just now, for people. */
  sourceOfXids: () => LemonList['xids'];
  log: Log;
}

/** Finds lemon nodes among the live ones with the detector of the twin, and drains them where the policy says so. */
export class LemonWatch {
  readonly #detector = new LemonDetector({ windowDays: WINDOW_DAYS });
  readonly #facts = new LemonFacts(this.#detector, HEALTH_REASON);
  readonly #backend: LemonWatchInput['backend'];
  readonly #isDraining: boolean;
  readonly #sourceOfXids: () => LemonList['xids'];
  /** Lemons that are to be taken out, and why. */
  readonly #due = new Map<string, string>();
  readonly #log: Log;
  readonly #timer: NodeJS.Timeout;
  readonly #unsubscribe: () => void;

  /** From the journal as it is, then what is committed from now on. */
  constructor({ store, backend, isDraining, sourceOfXids, log }: LemonWatchInput, nowMs: number) {
    this.#backend = backend;
    this.#isDraining = isDraining;
    this.#sourceOfXids = sourceOfXids;
    this.#log = log;
    for (const event of store.nodeHistory(nowMs - WINDOW_DAYS * DAY_MS)) this.#facts.apply(event);
    this.#unsubscribe = store.subscribe((entries) => {
      for (const { record } of entries) this.#facts.apply(record.event);
    });
    this.#timer = setInterval(() => this.review(Date.now()), REVIEW_MS);
    this.#timer.unref();
  }

  /** Gives verdicts, and has the nodes drained where that is the policy. */
  review(nowMs: number): void {
    for (const { nodeName, evidence } of this.#detector.review(nowMs)) {
      const reason = `${LEMON_REASON}: ${lemonWords(evidence)}`;
      this.#log.info({ nodeName, evidence, isDraining: this.#isDraining }, reason);
      if (this.#isDraining) this.#due.set(nodeName, reason);
    }
    for (const [nodeName, reason] of this.#due) void this.#takeOut(nodeName, reason);
    this.#due.clear();
  }

  /** The signals of a node, and whether it was found a lemon; null for one that is not of the fleet. */
  of(nodeName: string, nowMs: number): { isLemon: boolean; evidence: readonly LemonEvidence[] } | null {
    const node = this.#detector.survey(nowMs).find((other) => other.nodeName === nodeName);
    return node === undefined ? null : { isLemon: this.#detector.isFlagged(nodeName), evidence: node.evidence };
  }

  isLemon(nodeName: string): boolean {
    return this.#detector.isFlagged(nodeName);
  }

  /** Drained; where that is not ours to do, jobs of ours keep off it. Never rejects. */
  async #takeOut(nodeName: string, reason: string): Promise<void> {
    const view = this.#backend.nodes().find(({ spec }) => spec.name === nodeName);
    const before =
      view !== undefined && !isInService(view.state) && view.reason !== null ? `; out before: ${view.reason}` : '';
    try {
      const refusal = await takeOut(this.#backend, nodeName, reason, `${reason}${before}`);
      if (refusal !== null) this.#log.info({ nodeName, refusal }, 'a lemon node may not be drained: jobs keep off it');
    } catch (error) {
      this.#retry(nodeName, reason, error);
    }
  }

  /** Slurm does not answer, or the disk is full: the verdict is given once, so the next review tries again. */
  #retry(nodeName: string, reason: string, error: unknown): void {
    if (error instanceof OrreryError && error.code === 'ORR_NOT_FOUND') return;
    this.#log.error({ err: error, nodeName }, 'a lemon node could not be taken out; tried again');
    this.#due.set(nodeName, reason);
  }

  list(nowMs: number): LemonList {
    this.review(nowMs);
    return {
      isDraining: this.#isDraining,
      windowDays: WINDOW_DAYS,
      xids: this.#sourceOfXids(),
      nodes: this.#detector.survey(nowMs).map(({ nodeName, evidence }) => ({
        name: nodeName,
        isLemon: this.#detector.isFlagged(nodeName),
        evidence: [...evidence],
      })),
    };
  }

  close(): void {
    clearInterval(this.#timer);
    this.#unsubscribe();
  }
}
