import type { Journal, JournalRecord } from '../../contract/journal.ts';

interface Request {
  records: readonly JournalRecord[];
  resolve: () => void;
  reject: (error: unknown) => void;
}

/** How long to wait before writing again to a disk that refused. */
const RETRY_MS = 500;

/**
 * What is on its way to the journal. Requests from outside are refused when the disk does not take them, so that nothing is
 * acknowledged that is not there; facts of our own (a task has ended) wait here until the disk takes them, since they happened anyway.
 */
export class FactQueue {
  readonly #journal: Journal;
  readonly #onStorageError: (error: unknown) => void;
  #facts: JournalRecord[] = [];
  #requests: Request[] = [];
  /** Scheduling cycles without decisions: all so far, and those that are in no record yet. */
  #cycleCount = 0;
  #cycles: number[] = [];

  constructor(journal: Journal, onStorageError: (error: unknown) => void) {
    this.#journal = journal;
    this.#onStorageError = onStorageError;
  }

  get isEmpty(): boolean {
    return this.#facts.length === 0 && this.#requests.length === 0;
  }

  /** A request: resolves once committed and applied, rejects if it was not committed. */
  request(records: readonly JournalRecord[]): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#requests.push({ records, resolve, reject });
    });
  }

  /** A fact of our own. */
  report(...records: JournalRecord[]): void {
    this.#facts.push(...records);
  }

  /** A scheduling cycle decided nothing: the next record says so. Nothing is lost with a daemon that dies: its scheduler is gone too. */
  noteCycle(atMs: number): void {
    this.#cycles.push(atMs);
    this.#cycleCount += 1;
  }

  /** The records with the cycles before them; of appends side by side each, since any of them may fail alone. */
  #withCycles(records: readonly JournalRecord[]): readonly JournalRecord[] {
    const [first, ...others] = records;
    if (first === undefined || this.#cycles.length === 0) return records;
    const cycles = { first: this.#cycleCount - this.#cycles.length, atMs: this.#cycles };
    return [{ ...first, cycles }, ...others];
  }

  /**
   * Commits what waits and hands each committed record to `apply`: own facts first, in order, then requests in order. The appends go
   * to the journal side by side, so that it can put them into one commit. Returns false if own facts still wait for the disk.
   */
  async commit(apply: (record: JournalRecord) => void): Promise<boolean> {
    const facts = this.#facts;
    const requests = this.#requests;
    this.#facts = [];
    this.#requests = [];
    const [factsOutcome, ...outcomes] = await Promise.allSettled([
      facts.length === 0 ? Promise.resolve() : this.#journal.append(this.#withCycles(facts)),
      ...requests.map((request) => this.#journal.append(this.#withCycles(request.records))),
    ]);
    const isAnyWritten = (facts.length > 0 && factsOutcome.status === 'fulfilled') || outcomes.some(isFulfilled);
    if (isAnyWritten) this.#cycles = [];
    const areFactsWritten = factsOutcome.status === 'fulfilled';
    if (areFactsWritten) for (const record of facts) apply(record);
    else {
      this.#onStorageError(factsOutcome.reason);
      this.#facts.unshift(...facts);
    }
    for (const [index, request] of requests.entries()) {
      const outcome = outcomes[index];
      if (outcome?.status === 'fulfilled') {
        for (const record of request.records) apply(record);
        request.resolve();
      } else {
        this.#onStorageError(outcome?.reason);
        request.reject(outcome?.reason);
      }
    }
    return areFactsWritten;
  }

  /** Writes decisions, which must be on disk before they are carried out. Tries for as long as it takes; false if stopped first. */
  async commitDecisions(records: readonly JournalRecord[], isStopped: () => boolean): Promise<boolean> {
    for (;;) {
      try {
        await this.#journal.append(this.#withCycles(records));
        this.#cycles = [];
        return true;
      } catch (error) {
        this.#onStorageError(error);
        const refused = this.#requests;
        this.#requests = [];
        for (const request of refused) request.reject(error);
        if (isStopped()) return false;
        await this.pause();
      }
    }
  }

  pause(): Promise<void> {
    return new Promise((resolve) => {
      setTimeout(resolve, RETRY_MS);
    });
  }
}

function isFulfilled(outcome: PromiseSettledResult<void>): boolean {
  return outcome.status === 'fulfilled';
}
