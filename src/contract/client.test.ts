import { createServer, type RequestListener, type Server } from 'node:http';
import { afterEach, describe, expect, it } from 'vitest';
import { createClient, type OrreryClient } from './client.ts';

let server: Server | undefined;
afterEach(() => {
  server?.closeAllConnections();
  server?.close();
});

/** A client of a server that answers as told: what no sound daemon does. */
async function clientOf(answer: RequestListener): Promise<OrreryClient> {
  const listening = createServer(answer);
  server = listening;
  await new Promise<void>((resolve) => {
    listening.listen(0, '127.0.0.1', resolve);
  });
  const address = listening.address();
  const port = typeof address === 'object' ? address?.port : 0;
  return createClient({ url: `http://127.0.0.1:${port}/`, token: 'secret' });
}

describe('createClient', () => {
  it('says how to start a daemon where none answers', async () => {
    const client = await clientOf(() => undefined);
    server?.close();
    await expect(client.nodes()).rejects.toMatchObject({
      code: 'ORR_UNREACHABLE',
      exitCode: 5,
      message: expect.stringMatching(/^no daemon at http:\/\/127\.0\.0\.1:\d+: start one with orrery up --detach$/),
    });
    await expect(client.events({ since: 0 }).next()).rejects.toMatchObject({ code: 'ORR_UNREACHABLE' });
  });

  it('does not say that no daemon runs where one took the request and went away', async () => {
    const client = await clientOf((request) => request.socket.destroy());
    const mayHave = /^the daemon at \S+ went away before it acknowledged: it may have the jobs, see orrery queue --all/;
    await expect(client.submit({ jobs: [{ command: ['true'] }] })).rejects.toMatchObject({
      code: 'ORR_UNREACHABLE',
      message: expect.stringMatching(mayHave),
    });
    await expect(client.cancel(1)).rejects.toThrow(/went away before it acknowledged: it may have done what was asked/);
    await expect(client.nodes()).rejects.toThrow(/went away before it answered$/);
  });

  it('sends the token, the query and the body', async () => {
    const seen: string[] = [];
    const client = await clientOf((request, response) => {
      seen.push(`${request.method} ${request.url} ${request.headers.authorization}`);
      response.end('{"jobs":[]}');
    });
    expect(await client.jobs({ all: true, name: 'a b' })).toEqual([]);
    expect(await client.submit({ jobs: [{ command: ['true'] }] })).toEqual({ jobs: [] });
    expect(seen).toEqual(['GET /api/v1/jobs?all=true&name=a+b Bearer secret', 'POST /api/v1/jobs Bearer secret']);
  });

  it('gives errors the code the daemon gave', async () => {
    const client = await clientOf((request, response) => {
      response.statusCode = 404;
      response.end(request.url?.endsWith('1') ? '{"error":{"code":"ORR_NOT_FOUND","message":"no job 1"}}' : 'a proxy');
    });
    await expect(client.job(1)).rejects.toMatchObject({ code: 'ORR_NOT_FOUND', message: 'no job 1' });
    await expect(client.job(2)).rejects.toMatchObject({
      code: 'ORR_INTERNAL',
      message: 'the daemon answered 404 Not Found',
    });
  });

  it('refuses answers of another shape', async () => {
    const client = await clientOf((_request, response) => response.end('{"nodes":[{"name":1}]}'));
    await expect(client.nodes()).rejects.toThrow(/speaks another version: nodes\.0\.name/);
  });

  it('throws when an answer or a stream breaks off, and ends quietly when it is aborted', async () => {
    const client = await clientOf((request, response) => {
      response.write(
        request.url?.includes('/logs')
          ? 'data: {"attempt":1,"rank":0,"stream":"stdout","offset":0,"text":"x"}\n\n'
          : '{',
      );
      if (request.headers['last-event-id'] === undefined) setTimeout(() => response.destroy(), 50);
    });
    await expect(client.health()).rejects.toMatchObject({ code: 'ORR_UNREACHABLE' });
    const broken = client.logs(1);
    expect((await broken.next()).value).toMatchObject({ text: 'x', resumeId: '' });
    await expect(broken.next()).rejects.toMatchObject({ code: 'ORR_UNREACHABLE' });
    const abort = new AbortController();
    const aborted = client.logs(1, { resumeId: 'here' }, abort.signal);
    await aborted.next();
    const next = aborted.next();
    abort.abort();
    expect((await next).done).toBe(true);
  });
});
