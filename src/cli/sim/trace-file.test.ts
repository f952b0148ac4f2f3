import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { readTraceText } from './trace-file.ts';

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'orrery-trace-'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const TEXT = 'JobID|User\n7|Łukasz\n';
const LITTLE = Buffer.concat([Buffer.from([0xff, 0xfe]), Buffer.from(TEXT, 'utf16le')]);

it.each([
  ['UTF-8', Buffer.from(TEXT)],
  ['gzip', gzipSync(TEXT)],
  ['UTF-16 as a Windows shell writes it', LITTLE],
  ['UTF-16 the other way round', Buffer.from(LITTLE).swap16()],
  ['UTF-16 in gzip', gzipSync(LITTLE)],
])('reads the text of a trace in %s', async (_, bytes) => {
  const file = join(folder, 'sacct.txt.gz');
  writeFileSync(file, bytes);
  const { text, fileName } = await readTraceText(file);
  expect(text.replace(/^\uFEFF/, '')).toBe(TEXT);
  expect(fileName).toBe('sacct.txt');
});
