import { readFile } from 'node:fs/promises';
import { basename } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { OrreryError } from '../../contract/errors.ts';
import { errorCode } from '../../lib/error-code.ts';

const REASONS: Readonly<Record<string, string>> = {
  EACCES: 'permission denied',
  EISDIR: 'is a folder',
  ENOENT: 'no such file',
};

/** The text of a trace, unpacked where it is a gzip file, and the name its readers go by. Throws ORR_BAD_FILE. */
export async function readTraceText(path: string): Promise<{ text: string; fileName: string }> {
  const bytes = await readFile(path).catch((cause: unknown) => {
    const code = errorCode(cause);
    throw new OrreryError('ORR_BAD_FILE', `trace: cannot read ${path}: ${REASONS[code] ?? (code || 'unreadable')}`, {
      cause,
    });
  });
  const isGzip = bytes[0] === 0x1f && bytes[1] === 0x8b;
  return {
    text: (isGzip ? unpack(bytes, path) : bytes).toString('utf8'),
    fileName: basename(path).replace(/\.gz$/, ''),
  };
}

function unpack(bytes: Buffer, path: string): Buffer {
  try {
    return gunzipSync(bytes);
  } catch (cause) {
    throw new OrreryError('ORR_BAD_FILE', `trace: ${path} is no whole gzip file`, { cause });
  }
}
