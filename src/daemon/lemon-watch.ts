import type { LemonList } from '../contract/api.ts';
import type { Backend, Log } from '../backend/port.ts';
import { LEMON_REASON, LemonFacts } from '../scheduler/lemon-facts.ts';
import { LemonDetector } from '../scheduler/lemons.ts';
import type { Store } from '../store/store.ts';

/** The paper's: Kokolis et al., HPCA 2025, section 5.1. */
const WINDOW_DAYS = 28;
const DAY_MS = 86_400_000;
/** Signals are counted by the day: to look more often would find nothing earlier that matters. */
const REVIEW_MS = 60_000;

/** Finds lemon nodes among the live ones with the detector of the twin, and drains them where the policy says so. */
export class LemonWatch {
  readonly #detector = new LemonDetector({ windowDays: WINDOW_DAYS });
  readonly #facts = new LemonFacts(this.#detector);
  readonly #backend: Backend;
  readonly #isDraining: boolean;
  readonly #log: Log;
  readonly #timer: NodeJS.Timeout;
  readonly #unsubscribe: () => void;

  /** From the journal as it is, then what is committed from now on. */
  constructor(store: Store, backend: Backend, isDraining: boolean, log: Log, nowMs: number) {
    this.#backend = backend;
    this.#isDraining = isDraining;
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
      const signals = evidence.flatMap(({ signal, value, isExceeded }) => (isExceeded ? [`${signal} ${value}`] : []));
      const reason = `${LEMON_REASON}: ${signals.join(', ')}`;
      this.#log.info({ nodeName, evidence, isDraining: this.#isDraining }, reason);
      if (!this.#isDraining) continue;
      this.#backend.drain(nodeName, reason).catch((error: unknown) => {
        this.#log.error({ err: error, nodeName }, 'a lemon node could not be drained');
      });
    }
  }

  list(nowMs: number): LemonList {
    this.review(nowMs);
    return {
      isDraining: this.#isDraining,
      windowDays: WINDOW_DAYS,
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
