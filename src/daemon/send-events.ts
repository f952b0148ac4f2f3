import type { SSEMessage, SSEStreamingApi } from 'hono/streaming';
import { isErrorCode, OrreryError } from '../contract/errors.ts';
import type { DaemonContext } from './context.ts';

/**
 * Sends what `messages` yields as server-sent events until it ends, the client goes away or the daemon stops; null is a heartbeat.
 * An error that comes up on the way is the last event, `error`.
 */
export async function sendEvents(
  stream: SSEStreamingApi,
  { stopping, log }: DaemonContext,
  messages: (abort: AbortSignal) => AsyncIterable<SSEMessage | null>,
): Promise<void> {
  const gone = new AbortController();
  stream.onAbort(() => gone.abort());
  const abort = AbortSignal.any([stopping, gone.signal]);
  try {
    // The client learns at once that it is connected.
    await stream.write(': connected\n\n');
    for await (const message of messages(abort)) {
      if (abort.aborted) return;
      if (message === null) await stream.write(': heartbeat\n\n');
      else await stream.writeSSE(message);
    }
  } catch (error) {
    const code = error instanceof OrreryError && isErrorCode(error.code) ? error.code : 'ORR_INTERNAL';
    if (code === 'ORR_INTERNAL') log.error({ err: error }, 'a stream broke');
    const message = error instanceof OrreryError ? error.message : 'the stream broke: see the log of the daemon';
    await stream.writeSSE({ event: 'error', data: JSON.stringify({ error: { code, message } }) });
  }
}
