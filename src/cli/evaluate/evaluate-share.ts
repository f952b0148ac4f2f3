import { createReadStream } from 'node:fs';
import { open } from 'node:fs/promises';
import { createInterface } from 'node:readline';
import { pipeline } from 'node:stream';
import { createGunzip } from 'node:zlib';
import { OrreryError } from '../../contract/errors.ts';
import { readLabelledLine } from '../../formats/labelled-text.ts';
import { type ConfusionCount, Confusions } from '../../inference/confusions.ts';
import { errorCode } from '../../lib/error-code.ts';
import { loadLanguageModel } from '../identify.ts';
import { readFailure } from '../read-failure.ts';

/** Which texts to judge, and with which model. */
export interface EvaluationRequest {
  modelFolder: string;
  files: readonly string[];
  /** Only so many code points of each text; null: all of them. */
  firstCharacters: number | null;
  /** Of every `shares` lines the one at `share`. */
  share: number;
  shares: number;
}

export interface BadLine {
  file: string;
  line: number;
  reason: string;
}

/** What came of a share of the lines; several add up to the whole. */
export interface EvaluatedShare {
  /** Labels by their index in the model. */
  counts: ConfusionCount[];
  /** Labels that the model does not know, and how many texts have them. */
  unknown: [label: string, texts: number][];
  /** Every line that is no labelled text; of the first few where and why. */
  badLines: number;
  firstBad: BadLine[];
}

const BAD_SHOWN_MAX = 5;
const READ_BYTES = 1 << 18;

/**
 * Names the language of each text of the share and counts what was expected and what was said. `onRead` is told how many bytes of the files were read since.
 * Throws ORR_BAD_FILE where a file cannot be read, and what the model's folder gives cause to.
 */
export async function evaluateShare(
  request: EvaluationRequest,
  onRead: (bytes: number) => void = () => undefined,
): Promise<EvaluatedShare> {
  const { files, firstCharacters, share, shares } = request;
  const identifier = await loadLanguageModel(request.modelFolder);
  const indexOf = new Map(identifier.labels.map((label, index) => [label, index]));
  const named = labelIndices(identifier.labels);
  const confusions = new Confusions(identifier.labels.length);
  const unknown = new Map<string, number>();
  const bad: BadLine[] = [];
  let badLines = 0;
  for (const file of files) {
    let line = 0;
    for await (const content of linesOf(file, onRead)) {
      line += 1;
      if (line % shares !== share) continue;
      const record = readLabelledLine(content, line);
      if (record === null) continue;
      if ('bad' in record) {
        badLines += 1;
        if (bad.length < BAD_SHOWN_MAX) bad.push({ file, line, reason: record.bad });
        continue;
      }
      const expected = named.get(record.label.toLowerCase());
      if (expected === undefined) unknown.set(record.label, (unknown.get(record.label) ?? 0) + 1);
      else {
        const predicted = indexOf.get(identifier.best(firstOf(record.text, firstCharacters)));
        if (predicted !== undefined) confusions.add(expected, predicted);
      }
    }
  }
  return { counts: confusions.counts(), unknown: [...unknown], badLines, firstBad: bad };
}

/** By ISO 639-3 code, by those of the members of a macrolanguage, and by BCP 47 subtag, in this order where they collide. */
function labelIndices(
  labels: readonly { code: string; tag: string; members?: readonly string[] | undefined }[],
): Map<string, number> {
  const indices = new Map<string, number>();
  const name = (text: string, index: number) => {
    if (!indices.has(text.toLowerCase())) indices.set(text.toLowerCase(), index);
  };
  for (const [index, { code }] of labels.entries()) name(code, index);
  for (const [index, { members = [] }] of labels.entries()) for (const member of members) name(member, index);
  for (const [index, { tag }] of labels.entries()) name(tag, index);
  return indices;
}

function firstOf(text: string, characters: number | null): string {
  return characters === null ? text : Array.from(text).slice(0, characters).join('');
}

/** The lines of a file, unpacked where it is a gzip file; never all of it in memory. */
async function* linesOf(path: string, onRead: (bytes: number) => void): AsyncGenerator<string> {
  const failure = (cause: unknown) => {
    const reason = errorCode(cause).startsWith('Z_') ? 'no whole gzip file' : readFailure(cause);
    return new OrreryError('ORR_BAD_FILE', `cannot read ${path}: ${reason}`, { cause });
  };
  const isGzip = await beginsAsGzip(path).catch((cause: unknown) => {
    throw failure(cause);
  });
  const bytes = createReadStream(path, { highWaterMark: READ_BYTES });
  bytes.on('data', (chunk) => onRead(chunk.length));
  // What goes wrong in one stream ends the other, and the lines.
  const input = isGzip ? pipeline(bytes, createGunzip(), () => undefined) : bytes;
  const lines = createInterface({ input, crlfDelay: Infinity });
  let failed: unknown = null;
  input.once('error', (cause: unknown) => {
    failed = cause;
    lines.close();
  });
  try {
    for await (const line of lines) yield line;
  } catch (cause) {
    failed = cause;
  }
  if (failed !== null) throw failure(failed);
}

async function beginsAsGzip(path: string): Promise<boolean> {
  const file = await open(path);
  try {
    const { buffer, bytesRead } = await file.read(Buffer.alloc(2), 0, 2, 0);
    return bytesRead === 2 && buffer[0] === 0x1f && buffer[1] === 0x8b;
  } finally {
    await file.close();
  }
}
