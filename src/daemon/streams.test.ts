import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { JobEvent, LogChunk } from '../contract/api.ts';
import { DaemonFixture } from './daemon.test-support.ts';
import { LogPosition } from './log-position.ts';

const fixture = new DaemonFixture();
beforeAll(() => fixture.start());
afterAll(() => fixture.remove());

async function take<T>(items: AsyncIterable<T>, isLast: (item: T) => boolean): Promise<T[]> {
  const taken: T[] = [];
  for await (const item of items) {
    taken.push(item);
    if (isLast(item)) break;
  }
  return taken;
}

describe('events', () => {
  it('come in journal order, resume without a gap, and follow what happens', async () => {
    const following = take(fixture.client.events({ since: 0 }), (event) => event.kind === 'JobEnded');
    const jobId = await fixture.sh('true');
    const live = await following;
    expect(live.filter((event) => event.jobId === jobId).map(({ kind }) => kind)).toEqual([
      'JobSubmitted',
      'AttemptStarting',
      'AttemptStarted',
      'AttemptEnded',
      'JobEnded',
    ]);
    const seqs = live.map(({ seq }) => seq);
    expect(seqs).toEqual([...new Set(seqs)].sort((a, b) => a - b));
    const isEnd = (event: JobEvent) => event.seq === seqs.at(-1);
    expect(await take(fixture.client.events({ since: 0 }), isEnd)).toEqual(live);
    expect(await take(fixture.client.events({ since: seqs[3] ?? 0 }), isEnd)).toEqual(live.slice(4));
    const resumed = await fixture.fetch(`/api/v1/events?since=0`, {
      headers: { 'last-event-id': String(seqs.at(-2)) },
    });
    const reader = resumed.body!.getReader();
    let text = '';
    while (!text.includes('\n\n') || !text.includes('id:'))
      text += new TextDecoder().decode((await reader.read()).value);
    await reader.cancel();
    expect(text).toContain(`id: ${seqs.at(-1)}\n`);
    expect((await fixture.fetch('/api/v1/events', { headers: { 'last-event-id': 'x' } })).status).toBe(400);
  });

  it('begin with what comes next after a place beyond the end', async () => {
    const submitted: Promise<number>[] = [];
    const following = take(fixture.client.events({ since: 1_000_000 }), (event) => event.kind === 'JobEnded');
    // Submitted until the stream is open: its beginning is where the journal ends by then.
    const opened = setInterval(() => submitted.push(fixture.sh('true')), 200);
    const seen = await following;
    clearInterval(opened);
    expect(seen.length).toBeGreaterThan(0);
    const jobIds = await Promise.all(submitted);
    expect(jobIds).toContain(seen.at(-1)?.jobId);
    // None ends in the midst of the next test.
    for (const jobId of jobIds) await fixture.until(jobId, 'COMPLETED');
  });

  it('begin with what comes next where nobody says since when', async () => {
    const abort = new AbortController();
    const events = fixture.client.events({}, abort.signal);
    const seen: JobEvent[] = [];
    const waiting = (async () => {
      const { value } = await events.next();
      if (value !== undefined) seen.push(value);
    })();
    // When the stream is open nobody can tell from here: things happen until one of them is seen.
    const jobIds: number[] = [];
    while (seen.length === 0) jobIds.push(await fixture.sh('true', { hold: true }));
    await waiting;
    expect(seen[0]?.kind).toBe('JobSubmitted');
    expect(jobIds).toContain(seen[0]?.jobId);
    abort.abort();
    expect(await events.next()).toEqual({ done: true, value: undefined });
    await Promise.all(jobIds.map((jobId) => fixture.client.cancel(jobId)));
  });
});

/** To the end. */
function takeAll<T>(items: AsyncIterable<T>): Promise<T[]> {
  return take(items, () => false);
}

describe('logs', () => {
  const joined = (chunks: LogChunk[]) => chunks.map(({ text }) => text).join('');

  it('follow all attempts to the end, and resume after any piece', async () => {
    const jobId = await fixture.sh(
      'echo "attempt $ORRERY_ATTEMPT rank $RANK"; if [ $ORRERY_ATTEMPT = 1 ]; then sleep 60; fi; echo "last $RANK"',
      { nodes: 2 },
    );
    const following = takeAll(fixture.client.logs(jobId, { follow: true, stream: 'stdout' }));
    await fixture.untilSaid(jobId, 'attempt 1 rank 1');
    await fixture.untilSaid(jobId, 'attempt 1 rank 0');
    await fixture.client.requeue(jobId);
    const chunks = await following;
    const lines = joined(chunks).trim().split('\n').sort();
    expect(lines).toEqual([
      'attempt 1 rank 0',
      'attempt 1 rank 1',
      'attempt 2 rank 0',
      'attempt 2 rank 1',
      'last 0',
      'last 1',
    ]);
    for (const [index, { resumeId }] of chunks.entries()) {
      const rest = await takeAll(fixture.client.logs(jobId, { follow: true, stream: 'stdout', resumeId }));
      expect(joined(rest).length, `after piece ${index}`).toBe(joined(chunks.slice(index + 1)).length);
    }
    const some = await takeAll(fixture.client.logs(jobId, { attempt: 2, rank: 1 }));
    expect(joined(some)).toBe('attempt 2 rank 1\nlast 1\n');
    expect(new Set(some.map(({ attempt, rank, stream }) => `${attempt} ${rank} ${stream}`))).toEqual(
      new Set(['2 1 stdout']),
    );
    expect(joined(await takeAll(fixture.client.logs(jobId, { tail: 1, rank: 0 })))).toBe('last 0\n');
    expect(await takeAll(fixture.client.logs(jobId, { attempt: 2, stream: 'stderr' }))).toEqual([]);
  });

  it('without follow end where the output is now', async () => {
    const jobId = await fixture.sh('echo now; sleep 60');
    await fixture.untilSaid(jobId, 'now');
    expect(joined(await takeAll(fixture.client.logs(jobId)))).toBe('now\n');
    await fixture.client.cancel(jobId);
    await fixture.until(jobId, 'CANCELLED');
  });

  it('are whole when they are long, with characters of many bytes', async () => {
    const line = 'これはログの一行です é🙂 ';
    const jobId = await fixture.sh(`i=0; while [ $i -lt 9000 ]; do echo "${line}$i"; i=$((i+1)); done`);
    const expected = Array.from({ length: 9000 }, (_, index) => `${line}${index}\n`).join('');
    expect(await fixture.output(jobId)).toBe(expected);
    const tail = await takeAll(fixture.client.logs(jobId, { tail: 8000 }));
    expect(joined(tail)).toBe(expected.split('\n').slice(1000).join('\n'));
  });

  it('tell a position that is none', async () => {
    const jobId = await fixture.sh('true');
    await expect(takeAll(fixture.client.logs(jobId, { resumeId: 'x' }))).rejects.toMatchObject({
      code: 'ORR_USAGE',
    });
  });

  it('break off with an error when the daemon goes away', async () => {
    const other = new DaemonFixture();
    await other.start();
    const jobId = await other.sh('echo up; while [ ! -e go ]; do sleep 0.05; done; echo down');
    const { workFolder } = await other.client.job(jobId);
    const chunks: (LogChunk & { resumeId: string })[] = [];
    const following = (async () => {
      for await (const chunk of other.client.logs(jobId, { follow: true })) chunks.push(chunk);
    })();
    await other.untilSaid(jobId, 'up');
    while (chunks.length === 0) await new Promise(setImmediate);
    await Promise.all([expect(following).rejects.toMatchObject({ code: 'ORR_UNREACHABLE' }), other.daemon.close()]);
    await other.start();
    writeFileSync(join(workFolder, 'go'), '');
    const resumeId = chunks.at(-1)?.resumeId ?? '';
    const rest = await takeAll(other.client.logs(jobId, { follow: true, resumeId }));
    expect(joined([...chunks, ...rest])).toBe('up\ndown\n');
    await other.remove();
  });
});

describe('LogPosition', () => {
  it('is read back as it was written', () => {
    const position = new LogPosition(3);
    expect(position.toString()).toBe('3|');
    position.advance(0, 'stdout', 12);
    position.advance(10, 'stderr', 7);
    const again = LogPosition.parse(position.toString());
    expect([again.attempt, again.offset(0, 'stdout'), again.offset(10, 'stderr'), again.offset(0, 'stderr')]).toEqual([
      3,
      12,
      7,
      undefined,
    ]);
    again.nextAttempt();
    expect(again.toString()).toBe('4|');
    for (const bad of ['', '3', '3|0x1', '|0o1', '3|0o'])
      expect(() => LogPosition.parse(bad)).toThrow('no position in a log');
  });
});
