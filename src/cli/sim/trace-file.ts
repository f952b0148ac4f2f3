import { readFile } from 'node:fs/promises';
import { basename } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { OrreryError } from '../../contract/errors.ts';
import { readFailure } from '../read-failure.ts';

/** The text of a trace, unpacked where it is a gzip file, and the name its readers go by. Throws ORR_BAD_FILE. */
export async function readTraceText(path: string): Promise<{ text: string; fileName: string }> {
  const bytes = await readFile(path).catch((cause: unknown) => {
    throw new OrreryError('ORR_BAD_FILE', `trace: cannot read ${path}: ${readFailure(cause)}`, { cause });
  });
  const isGzip = bytes[0] === 0x1f && bytes[1] === 0x8b;
  return {
    text: decoded(isGzip ? unpack(bytes, path) : bytes),
    fileName: basename(path).replace(/\.gz$/, ''),
  };
}

/** UTF-8, or UTF-16 with its mark, as the redirection of a Windows shell writes it. */
function decoded(bytes: Buffer): string {
  if (bytes[0] === 0xff && bytes[1] === 0xfe) return bytes.toString('utf16le');
  if (bytes[0] === 0xfe && bytes[1] === 0xff)
    return bytes
      .subarray(0, bytes.length & ~1)
      .swap16()
      .toString('utf16le');
  return bytes.toString('utf8');
}

function unpack(bytes: Buffer, path: string): Buffer {
  try {
    return gunzipSync(bytes);
  } catch (cause) {
    throw new OrreryError('ORR_BAD_FILE', `trace: ${path} is no whole gzip file`, { cause });
  }
}
