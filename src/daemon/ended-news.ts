import type { JournalEntry } from '../store/journal-table.ts';

/** Beyond so many ended jobs that nobody asked about all are better read anew. */
const NEWS_MAX = 100_000;

/** Jobs that have ended since somebody asked for a sum over all that have, so that it need not be worked out anew. */
export class EndedNews {
  readonly #jobIds = new Set<number>();

  /** What was committed just now. Gives those jobs that ended before somebody asked and begin anew. */
  follow(entries: readonly JournalEntry[]): { jobId: number; atMs: number }[] {
    const again: { jobId: number; atMs: number }[] = [];
    for (const { record } of entries) {
      const { event } = record;
      if (event.kind === 'JobEnded') this.#jobIds.add(event.jobId);
      if (event.kind !== 'JobSubmitted' || record.accepted !== undefined) continue;
      const { jobId } = event.job;
      if (!this.#jobIds.delete(jobId)) again.push({ jobId, atMs: event.atMs });
    }
    return again;
  }

  get isTooLong(): boolean {
    return this.#jobIds.size > NEWS_MAX;
  }

  /** From then on they are news no more. */
  take(): number[] {
    const jobIds = [...this.#jobIds];
    this.#jobIds.clear();
    return jobIds;
  }
}
