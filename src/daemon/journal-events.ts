import type { JobEvent } from '../contract/api.ts';
import { jobIdOf, nodeNameOf } from '../contract/event-subject.ts';
import type { JournalEntry } from '../store/journal-table.ts';
import type { Store } from '../store/store.ts';

const PAGE_SIZE = 500;

/** An event as the API shows it. */
function toJobEvent({ seq, record }: JournalEntry): JobEvent {
  const { event, message } = record;
  return {
    seq,
    atTime: event.atMs / 1000,
    kind: event.kind,
    jobId: jobIdOf(event),
    nodeName: nodeNameOf(event),
    body: message === undefined ? { ...event } : { ...event, message },
  };
}

/** The journal from after `since`, in order and without gaps, then what is committed from now on; null every `idleMs` without news. */
export async function* followJournal(
  store: Store,
  since: number,
  idleMs: number,
  signal: AbortSignal,
): AsyncGenerator<JobEvent | null> {
  let cursor = since;
  const news = new News();
  const unsubscribe = store.subscribe(() => news.tell());
  try {
    while (!signal.aborted) {
      const page = store.journalSince(cursor, PAGE_SIZE);
      for (const entry of page) yield toJobEvent(entry);
      cursor = page.at(-1)?.seq ?? cursor;
      if (page.length === 0 && !(await news.wait(idleMs, signal))) yield null;
    }
  } finally {
    unsubscribe();
  }
}

/** Tells one waiter that something has happened, also if it happened before it waited. */
export class News {
  #isTold = false;
  #wake: () => void = () => undefined;

  tell(): void {
    this.#isTold = true;
    this.#wake();
  }

  /** Resolves with true as soon as there is news, with false after `timeoutMs` or on abort. */
  async wait(timeoutMs: number, signal: AbortSignal): Promise<boolean> {
    if (!this.#isTold && !signal.aborted) {
      await new Promise<void>((resolve) => {
        const timer = setTimeout(done, timeoutMs);
        signal.addEventListener('abort', done, { once: true });
        this.#wake = done;
        function done(): void {
          clearTimeout(timer);
          signal.removeEventListener('abort', done);
          resolve();
        }
      });
    }
    const isTold = this.#isTold;
    this.#isTold = false;
    return isTold;
  }
}
