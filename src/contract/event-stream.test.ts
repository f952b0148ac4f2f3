import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseEventStream, type ServerSentEvent } from './event-stream.ts';

async function* inPieces(bytes: Uint8Array, cuts: readonly number[]): AsyncGenerator<Uint8Array> {
  const ends = [...cuts.map((cut) => cut % (bytes.length + 1)), bytes.length].sort((a, b) => a - b);
  let start = 0;
  for (const end of ends) {
    yield bytes.subarray(start, end);
    start = end;
  }
}

async function parse(text: string, cuts: readonly number[] = []): Promise<ServerSentEvent[]> {
  const events: ServerSentEvent[] = [];
  for await (const event of parseEventStream(inPieces(new TextEncoder().encode(text), cuts))) events.push(event);
  return events;
}

describe('parseEventStream', () => {
  it('reads ids, names and data of several lines; drops comments and what is not finished', async () => {
    const text =
      ': hello\n\nid: 1\nevent: end\ndata: a\ndata:b\n\nid: 2\r\ndata: c\r\n\r\nevent: lost\n\ndata\n\ndata: never';
    expect(await parse(text)).toEqual([
      { id: '1', event: 'end', data: 'a\nb' },
      { id: '2', event: 'message', data: 'c' },
      { id: '2', event: 'message', data: '' },
    ]);
  });

  it('reads the same however the bytes arrive', async () => {
    const data = fc.string({ unit: 'grapheme' }).map((text) => text.replaceAll(/[\r\n]/g, ' '));
    await fc.assert(
      fc.asyncProperty(fc.array(data), fc.array(fc.nat(500)), async (datas, cuts) => {
        const text = datas.map((line, index) => `id: ${index}\ndata: ${line}\n\n`).join('');
        expect((await parse(text, cuts)).map((event) => event.data)).toEqual(datas);
      }),
      { numRuns: 200 },
    );
  });
});
