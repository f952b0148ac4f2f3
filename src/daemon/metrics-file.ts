import { closeSync, constants, fstatSync, openSync, readSync, statSync } from 'node:fs';
import type { Metrics } from '../contract/api.ts';

/** One answer carries this much of a file at most. */
const CHUNK_BYTES_MAX = 8 * 1024 ** 2;
const TAIL_BYTES = 4096;
/** Jobs whose progress is remembered. */
const CACHE_SIZE_MAX = 100_000;

type Line = Record<string, unknown>;

/** Whole lines of an ORRERY_METRICS file from byte `since`; none where there is no file. Lines that are not JSON objects are left out. */
export function readMetrics(path: string, since: number): Metrics {
  const bytes = readRange(path, since, CHUNK_BYTES_MAX);
  const end = bytes.lastIndexOf(0x0a) + 1;
  return { lines: parseLines(bytes.subarray(0, end)), nextOffset: since + end };
}

/** The lines that begin within the last `bytes` of a file of metrics; none where there is no such file. */
export function readTail(path: string, bytes: number): Line[] {
  const size = statSync(path, { throwIfNoEntry: false })?.size ?? 0;
  return size === 0 ? [] : parseLines(readRange(path, Math.max(0, size - bytes), bytes));
}

/** Reads the newest progress of jobs from the ends of their metrics files, again only when a file has grown. */
export class ProgressReader {
  readonly #cache = new Map<string, { bytes: number; isFinal: boolean; progress: number | null }>();

  /** Between 0 and 1; null where nothing says it. `isFinal`: the file no longer grows. */
  read(path: string, isFinal: boolean): number | null {
    const known = this.#cache.get(path);
    if (isFinal && known?.isFinal === true) return known.progress;
    const bytes = statSync(path, { throwIfNoEntry: false })?.size ?? 0;
    if (known?.bytes === bytes) {
      known.isFinal = isFinal;
      return known.progress;
    }
    const newest = readTail(path, TAIL_BYTES).findLast((line) => isFraction(line['progress']));
    const progress = newest === undefined ? (known?.progress ?? null) : Number(newest['progress']);
    if (this.#cache.size >= CACHE_SIZE_MAX) this.#cache.clear();
    this.#cache.set(path, { bytes, isFinal, progress });
    return progress;
  }
}

function isFraction(value: unknown): value is number {
  return typeof value === 'number' && value >= 0 && value <= 1;
}

function parseLines(bytes: Buffer): Line[] {
  return bytes
    .toString('utf8')
    .split('\n')
    .flatMap((text) => {
      try {
        const value: unknown = JSON.parse(text);
        return typeof value === 'object' && value !== null && !Array.isArray(value)
          ? [Object.fromEntries(Object.entries(value))]
          : [];
      } catch {
        // A line cut by a kill, or not ours.
        return [];
      }
    });
}

function readRange(path: string, offset: number, bytesMax: number): Buffer {
  return withFile(path, Buffer.alloc(0), (file) => {
    const bytes = Buffer.alloc(Math.max(0, Math.min(bytesMax, fstatSync(file).size - offset)));
    return bytes.subarray(0, readSync(file, bytes, 0, bytes.length, offset));
  });
}

function withFile<T>(path: string, missing: T, use: (file: number) => T): T {
  let file: number;
  try {
    // A job may have put anything here: a FIFO would block its reader, a directory fail it.
    file = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
  } catch {
    return missing;
  }
  try {
    if (!fstatSync(file).isFile()) return missing;
    return use(file);
  } finally {
    closeSync(file);
  }
}
