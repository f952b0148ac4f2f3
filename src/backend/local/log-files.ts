import { constants } from 'node:fs';
import { open, readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';

export interface LogFile {
  rank: number;
  stream: 'stdout' | 'stderr';
  path: string;
}

export interface LogRange {
  /** Where `text` begins: the offset asked for, or where the file's output begins if that was given back to the file system. */
  offset: number;
  /** Bytes between the offset asked for and `offset`, gone because of the size limit. */
  droppedBytes: number;
  text: string;
  /** Where to read on. */
  nextOffset: number;
  /** Nothing was there beyond `nextOffset`, but for the beginning of a character at most. */
  isAtEnd: boolean;
}

/** Where it stands how much of the beginning of a log file was given back. */
export function droppedFile(path: string): string {
  return `${path}.dropped`;
}

/** What the tasks of an attempt wrote so far, by rank, stdout first; nothing for an attempt that never began. */
export async function logFiles(attemptFolder: string): Promise<LogFile[]> {
  const names = await readdir(attemptFolder).catch((): string[] => []);
  return names
    .flatMap((name): LogFile[] => {
      const [, rank, ending] = /^rank-(\d+)\.(out|err)$/.exec(name) ?? [];
      if (rank === undefined) return [];
      return [{ rank: Number(rank), stream: ending === 'out' ? 'stdout' : 'stderr', path: join(attemptFolder, name) }];
    })
    .sort((a, b) => a.rank - b.rank || (a.stream === b.stream ? 0 : a.stream === 'stdout' ? -1 : 1));
}

/**
 * Reads up to `bytesMax` (at least 4) from `offset` on. Never ends within a UTF-8 character, except where the bytes are none:
 * those read as U+FFFD, as does the rest of a character whose beginning was given back.
 */
export async function readLog(path: string, offset: number, bytesMax: number): Promise<LogRange> {
  const start = Math.max(offset, await droppedBytes(path));
  const file = await open(path, constants.O_RDONLY | constants.O_NONBLOCK);
  try {
    const buffer = Buffer.alloc(Math.max(4, bytesMax));
    const { bytesRead } = await file.read(buffer, 0, buffer.length, start);
    // Given back while it was read: what came of it may be the hole.
    if ((await droppedBytes(path)) > start) return await readLog(path, offset, bytesMax);
    const bytes = buffer.subarray(0, bytesRead);
    const whole = bytes.subarray(0, bytesRead - partialCharacterBytes(bytes));
    return {
      offset: start,
      droppedBytes: start - offset,
      text: whole.toString('utf8'),
      nextOffset: start + whole.length,
      isAtEnd: bytesRead < buffer.length,
    };
  } finally {
    await file.close();
  }
}

async function droppedBytes(path: string): Promise<number> {
  return Number(await readFile(droppedFile(path), 'utf8').catch(() => '0'));
}

/** How many bytes at the end are the beginning of a character whose rest is yet to come (RFC 3629). */
function partialCharacterBytes(bytes: Buffer): number {
  for (let back = 1; back <= Math.min(3, bytes.length); back += 1) {
    const byte = bytes[bytes.length - back] ?? 0;
    if (byte >= 0x80 && byte < 0xc0) continue;
    const length = byte >= 0xf5 ? 1 : byte >= 0xf0 ? 4 : byte >= 0xe0 ? 3 : byte >= 0xc2 ? 2 : 1;
    return length > back ? back : 0;
  }
  return 0;
}
