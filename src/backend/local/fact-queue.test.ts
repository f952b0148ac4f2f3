import { describe, expect, it } from 'vitest';
import type { JournalRecord } from '../../contract/journal.ts';
import { FactQueue } from './fact-queue.ts';

const held = (jobId: number): JournalRecord => ({ event: { kind: 'JobHeld', atMs: 0, jobId } });

/** A journal on a disk that can be full. */
function makeJournal() {
  const written: number[] = [];
  const cycles: JournalRecord['cycles'][] = [];
  const disk = { isFull: false };
  const append = (records: readonly JournalRecord[]): Promise<void> => {
    if (disk.isFull) return Promise.reject(new Error('disk full'));
    for (const { event } of records) if (event.kind === 'JobHeld') written.push(event.jobId);
    cycles.push(...records.flatMap((record) => record.cycles ?? []));
    return Promise.resolve();
  };
  return { disk, written, cycles, append };
}

const idOf = (record: JournalRecord) => (record.event.kind === 'JobHeld' ? record.event.jobId : 0);

describe('facts on their way to the journal', () => {
  it('are applied after the commit: own facts first, then requests, each in order', async () => {
    const journal = makeJournal();
    const queue = new FactQueue(journal, () => undefined);
    const applied: number[] = [];
    const request = queue.request([held(10), held(11)]);
    queue.report(held(1));
    queue.report(held(2));
    expect(await queue.commit((record) => applied.push(idOf(record)))).toBe(true);
    await request;
    expect(applied).toEqual([1, 2, 10, 11]);
    expect(journal.written).toEqual([1, 2, 10, 11]);
    expect(queue.isEmpty).toBe(true);
  });

  it('on a full disk refuse requests and keep our own until there is room', async () => {
    const journal = makeJournal();
    const errors: unknown[] = [];
    const queue = new FactQueue(journal, (error) => errors.push(error));
    const applied: number[] = [];
    journal.disk.isFull = true;
    const refused = queue.request([held(10)]).catch((error: Error) => error.message);
    queue.report(held(1));
    expect(await queue.commit((record) => applied.push(idOf(record)))).toBe(false);
    expect(await refused).toBe('disk full');
    expect(applied).toEqual([]);
    queue.report(held(2));
    journal.disk.isFull = false;
    expect(await queue.commit((record) => applied.push(idOf(record)))).toBe(true);
    expect(applied).toEqual([1, 2]);
    expect(errors).toHaveLength(2);
  });

  it('write decisions again until the disk takes them, refusing requests meanwhile', async () => {
    const journal = makeJournal();
    const queue = new FactQueue(journal, () => undefined);
    journal.disk.isFull = true;
    const refused = queue.request([held(10)]).catch((error: Error) => error.message);
    const committed = queue.commitDecisions([held(5)], () => false);
    expect(await refused).toBe('disk full');
    journal.disk.isFull = false;
    expect(await committed).toBe(true);
    expect(journal.written).toEqual([5]);
  });

  it('carry the cycles that decided nothing before them, all of them once at least, numbered', async () => {
    const journal = makeJournal();
    const queue = new FactQueue(journal, () => undefined);
    queue.noteCycle(5);
    queue.noteCycle(7);
    journal.disk.isFull = true;
    queue.report(held(1), held(2));
    expect(await queue.commit(() => undefined)).toBe(false);
    journal.disk.isFull = false;
    const request = queue.request([held(10)]);
    expect(await queue.commit(() => undefined)).toBe(true);
    await request;
    // Each of two appends side by side tells of them, since the other might have failed.
    const both = { first: 0, atMs: [5, 7] };
    expect(journal.cycles).toEqual([both, both]);
    queue.noteCycle(9);
    expect(await queue.commitDecisions([held(3)], () => false)).toBe(true);
    expect(await queue.commitDecisions([held(4)], () => false)).toBe(true);
    expect(journal.cycles.slice(2)).toEqual([{ first: 2, atMs: [9] }]);
  });
});
