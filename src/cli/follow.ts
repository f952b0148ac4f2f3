import type { LogChunk } from '../contract/api.ts';
import type { LogQuery } from '../contract/client.ts';
import { throughRestarts } from './patience.ts';

/**
 * Hands over every piece of a job's output in order, without loss or repetition, also across restarts of the daemon. The next piece is not
 * read before `onChunk` is done with the last one.
 */
export async function followLogs(jobId: number, query: LogQuery, onChunk: (chunk: LogChunk) => unknown): Promise<void> {
  let resumeId: string | undefined;
  await throughRestarts(async (client, answered) => {
    await client.job(jobId);
    answered();
    const resumed = resumeId === undefined ? query : { ...query, resumeId };
    for await (const { resumeId: next, ...chunk } of client.logs(jobId, resumed)) {
      answered();
      await onChunk(chunk);
      resumeId = next;
    }
  });
}
