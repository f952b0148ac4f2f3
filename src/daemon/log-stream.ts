import { constants } from 'node:fs';
import { open, stat } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { logFiles, readLog } from '../backend/local/log-files.ts';
import type { LogChunk } from '../contract/api.ts';
import type { Store } from '../store/store.ts';
import type { Home } from './home.ts';
import { LogPosition } from './log-position.ts';

export interface LogFilter {
  follow?: boolean | undefined;
  attempt?: number | undefined;
  rank?: number | undefined;
  stream?: LogChunk['stream'] | undefined;
  tail?: number | undefined;
}

export interface LogPiece {
  chunk: LogChunk;
  /** Where to resume after this piece. */
  position: string;
}

const CHUNK_BYTES_MAX = 64 * 1024;
const POLL_MS = 100;
const POLLS_PER_HEARTBEAT = 150;

/**
 * The output of a job's tasks, attempt by attempt; null now and then while there is nothing new. With `follow` until the job has ended
 * and its files are read to the end, else until the end of what is there. With `tail` it begins that many lines before the end
 * of each file of the current attempt.
 */
export async function* followLogs(
  { store, home }: { store: Store; home: Home },
  jobId: number,
  filter: LogFilter,
  resume: LogPosition | null,
  abort: AbortSignal,
): AsyncGenerator<LogPiece | null> {
  const position = resume ?? (await beginning(store, home, jobId, filter));
  for (let polls = 1; !abort.aborted; polls++) {
    const job = store.job(jobId);
    if (job === undefined) return;
    // Looked at before the files: what an ended attempt wrote is all there by then.
    const attempt = store.attempts(jobId).find((row) => row.attempt === position.attempt);
    const isAttemptOver = attempt === undefined ? job.attempt > position.attempt : attempt.endMs !== null;
    if (attempt !== undefined) yield* readFiles(home, jobId, position, filter, abort);
    const isLast = filter.attempt !== undefined || position.attempt >= job.attempt;
    if (isLast && (filter.follow !== true || job.isEnded || (isAttemptOver && filter.attempt !== undefined))) return;
    if (isAttemptOver || position.attempt < job.attempt) {
      position.nextAttempt();
      continue;
    }
    if (polls % POLLS_PER_HEARTBEAT === 0) yield null;
    await sleep(POLL_MS, undefined, { signal: abort }).catch(() => undefined);
  }
}

async function beginning(store: Store, home: Home, jobId: number, filter: LogFilter): Promise<LogPosition> {
  if (filter.tail === undefined) return new LogPosition(filter.attempt ?? 1);
  const position = new LogPosition(filter.attempt ?? Math.max(1, store.job(jobId)?.attempt ?? 1));
  for (const { rank, stream, path } of await logFiles(home.attempt(jobId, position.attempt))) {
    position.advance(rank, stream, await tailOffset(path, filter.tail));
  }
  return position;
}

async function* readFiles(
  home: Home,
  jobId: number,
  position: LogPosition,
  filter: LogFilter,
  abort: AbortSignal,
): AsyncGenerator<LogPiece> {
  const { attempt } = position;
  for (const { rank, stream, path } of await logFiles(home.attempt(jobId, attempt))) {
    if (filter.rank !== undefined && filter.rank !== rank) continue;
    if (filter.stream !== undefined && filter.stream !== stream) continue;
    const { size } = await stat(path);
    let offset = position.offset(rank, stream) ?? 0;
    while (offset < size && !abort.aborted) {
      const range = await readLog(path, offset, CHUNK_BYTES_MAX);
      if (range.text === '') break;
      offset = range.nextOffset;
      position.advance(rank, stream, offset);
      yield {
        chunk: { attempt, rank, stream, offset: range.offset, text: range.text },
        position: position.toString(),
      };
    }
  }
}

/** Byte at which the last `lines` lines of a file begin; a last line without its end counts. */
async function tailOffset(path: string, lines: number): Promise<number> {
  const file = await open(path, constants.O_RDONLY | constants.O_NONBLOCK);
  try {
    const { size } = await file.stat();
    let left = lines;
    for (let end = size; end > 0; ) {
      const start = Math.max(0, end - CHUNK_BYTES_MAX);
      const { buffer } = await file.read(Buffer.alloc(end - start), 0, end - start, start);
      for (let index = buffer.length - 1; index >= 0; index--) {
        // The newline that ends the last line begins none.
        if (buffer[index] !== 0x0a || start + index === size - 1) continue;
        left -= 1;
        if (left === 0) return start + index + 1;
      }
      end = start;
    }
    return lines === 0 ? size : 0;
  } finally {
    await file.close();
  }
}
