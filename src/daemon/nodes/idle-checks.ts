import { AVOIDED_REASON, type Backend, type Log } from '../../backend/port.ts';
import type { HealthReport } from '../../contract/health.ts';
import { drainReason, HEALTH_REASON, isBad, isWell } from '../../health/verdict.ts';
import type { NodeView } from '../../scheduler/types.ts';
import { takeOut } from './take-out.ts';

/** Nodes that are checked at a time: each is a job. */
const AT_ONCE_MAX = 4;
const TICK_MS_MAX = 15_000;

/** What a check of a node came to, as far as it decides about it. */
export type CheckOutcome = Pick<HealthReport, 'results'>;

export interface IdleChecksInput {
  /** Between two checks of a node. */
  intervalMs: number;
  backend: Pick<Backend, 'nodes' | 'drain' | 'avoidNode' | 'resumeNode'>;
  /** Null where the node is not idle any more. */
  checkNode: (nodeName: string, signal: AbortSignal) => Promise<CheckOutcome | null>;
  now: () => number;
  log: Log;
}

/**
 * Has idle nodes that are machines of their own checked, each now and then. What a critical finding speaks against is taken out: drained where that
 * is allowed, else kept off by our jobs, and given back to them once nothing is left open. A node that is drained takes no check.
 */
export class IdleChecks {
  readonly #input: IdleChecksInput;
  readonly #timer: NodeJS.Timeout;
  readonly #closing = new AbortController();
  /** When a check of the node began that came to something, or failed. */
  readonly #checkedMs = new Map<string, number>();
  readonly #underWay = new Map<string, Promise<void>>();

  constructor(input: IdleChecksInput) {
    this.#input = input;
    this.#timer = setInterval(() => this.tick(), Math.min(TICK_MS_MAX, input.intervalMs));
    this.#timer.unref();
    this.tick();
  }

  /** Begins as many checks as may be under way, of the nodes that have waited longest. */
  tick(): void {
    const { backend, intervalMs, now } = this.#input;
    const nowMs = now();
    const due = backend
      .nodes()
      // One that is off to save power is not started for a check.
      .filter(({ state, isPoweredDown }) => state === 'idle' && isPoweredDown !== true)
      .filter(({ spec }) => !this.#underWay.has(spec.name))
      .map(({ spec: { name } }) => ({ name, checkedMs: this.#checkedMs.get(name) ?? -Infinity }))
      .filter(({ checkedMs }) => nowMs - checkedMs >= intervalMs)
      .sort((a, b) => a.checkedMs - b.checkedMs);
    for (const { name } of due.slice(0, AT_ONCE_MAX - this.#underWay.size)) {
      const check = this.#check(name).finally(() => {
        this.#underWay.delete(name);
        if (!this.#closing.signal.aborted) this.tick();
      });
      this.#underWay.set(name, check);
    }
  }

  /** Resolves once what was under way has ended; it has no effect any more. */
  async close(): Promise<void> {
    clearInterval(this.#timer);
    this.#closing.abort();
    await Promise.all(this.#underWay.values());
  }

  /** Never rejects. */
  async #check(nodeName: string): Promise<void> {
    const { checkNode, log, now } = this.#input;
    const { signal } = this.#closing;
    const beganMs = now();
    try {
      const outcome = await checkNode(nodeName, signal);
      if (signal.aborted) return;
      // A node that somebody else has taken meanwhile is tried again when it is idle: at the next tick at the earliest.
      this.#checkedMs.set(nodeName, outcome === null ? beganMs - this.#input.intervalMs + TICK_MS_MAX : beganMs);
      if (outcome !== null) await this.#settle(nodeName, outcome);
    } catch (error) {
      this.#checkedMs.set(nodeName, beganMs);
      if (!signal.aborted) log.error({ err: error, nodeName }, 'the health checks of an idle node had no effect');
    }
  }

  async #settle(nodeName: string, outcome: CheckOutcome): Promise<void> {
    const { backend, log } = this.#input;
    const bad = outcome.results.filter(isBad);
    if (bad.length > 0) log.info({ nodeName, results: bad }, 'health checks of an idle node');
    const node = backend.nodes().find(({ spec }) => spec.name === nodeName);
    const reason = drainReason(outcome);
    if (reason !== null && node?.reason !== `${AVOIDED_REASON}${reason}`) {
      const refusal = await takeOut(backend, nodeName, reason);
      if (refusal !== null)
        log.info({ nodeName, refusal }, 'a node that is not well may not be drained: jobs keep off it');
    }
    if (reason === null && isWell(outcome) && node !== undefined && isAvoidedForHealth(node)) {
      await backend.resumeNode(nodeName);
    }
  }
}

function isAvoidedForHealth({ reason }: NodeView): boolean {
  return reason?.startsWith(`${AVOIDED_REASON}${HEALTH_REASON}`) === true;
}
