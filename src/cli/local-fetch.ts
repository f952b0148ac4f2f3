// As a module, node:http would load Node's whole web platform: 35 ms of the 150 that `orrery run` has.
const { request } = process.getBuiltinModule('node:http');

/** As much of a Response as the API's client reads. */
type LocalResponse = Pick<Response, 'ok' | 'status' | 'statusText' | 'json'> & {
  body: AsyncIterable<Uint8Array>;
};

/** `fetch` over plain HTTP, without redirects, proxies or kept connections: what a daemon on this machine needs. */
export function localFetch(
  url: string,
  init: { method?: string; headers?: Record<string, string>; body?: string; signal?: AbortSignal | null },
): Promise<LocalResponse> {
  return new Promise((resolve, reject) => {
    const headers = { ...init.headers };
    if (init.body !== undefined) headers['content-length'] = String(Buffer.byteLength(init.body));
    const signal = init.signal ?? undefined;
    const outgoing = request(url, {
      method: init.method ?? 'GET',
      headers,
      agent: false,
      ...(signal ? { signal } : {}),
    });
    outgoing.on('error', reject);
    outgoing.on('response', (incoming) => {
      const status = incoming.statusCode ?? 0;
      resolve({
        ok: status >= 200 && status < 300,
        status,
        statusText: incoming.statusMessage ?? '',
        body: incoming,
        async json(): Promise<unknown> {
          const chunks: Buffer[] = [];
          for await (const chunk of incoming) chunks.push(chunk);
          return JSON.parse(Buffer.concat(chunks).toString());
        },
      });
    });
    outgoing.end(init.body);
  });
}
