import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { OrreryError } from '../contract/errors.ts';
import { errorMessage } from '../lib/error-message.ts';
import { type LanguageGuess, LanguageIdentifier } from '../inference/language-identifier.ts';
import type { LanguageModelDescription } from '../inference/language-model.ts';

const count = z.int().min(1);
const multiplier = z.int().min(0).max(0xffffffff);
const codePoint = z.int().min(0).max(0x1ffff);

/** The parts of `model.json` that identification needs. */
const modelSchema = z
  .object({
    format: z.literal(1),
    labels: z
      .array(z.object({ code: z.string(), name: z.string(), tag: z.string(), members: z.array(z.string()).optional() }))
      .min(1),
    hashing: z.object({
      bits: count.max(30),
      order: count.max(16),
      gramMultiplier: multiplier,
      wordMultiplier: multiplier,
      orderSalt: multiplier,
      wordSalt: multiplier,
    }),
    normalisation: z
      .object({
        form: z.literal('NFC'),
        from: z.string(),
        to: z.string(),
        separators: z.array(z.tuple([codePoint, codePoint])),
      })
      .refine(({ from, to }) => Array.from(from).length === Array.from(to).length, 'from and to differ in length'),
    weights: z.object({
      file: z.literal('weights.bin'),
      bytes: count,
      sha256: z.string().regex(/^[0-9a-f]{64}$/),
      tensors: z.array(
        z.object({
          name: z.string(),
          type: z.enum(['int8', 'float32']),
          shape: z.array(count).min(1),
          byteOffset: z.int().min(0),
        }),
      ),
    }),
  })
  .transform((model): LanguageModelDescription & { weights: { sha256: string } } => model);

export interface IdentifiedText {
  text: string;
  /** The likeliest first; empty where the text holds no letters. */
  languages: LanguageGuess[];
}

/** The most probable `top` languages of each text, with the model in a folder. Throws an `OrreryError` with one line. */
export async function identify(options: {
  texts: readonly string[];
  modelFolder: string;
  top: number;
}): Promise<IdentifiedText[]> {
  const identifier = await loadLanguageModel(options.modelFolder);
  return options.texts.map((text) => ({ text, languages: identifier.top(text, options.top) }));
}

/** Reads a model that `workloads/languages/train.py` exported, and holds its weights against their checksum. */
export async function loadLanguageModel(folder: string): Promise<LanguageIdentifier> {
  const path = join(folder, 'model.json');
  const model = parseModel(path, (await readModelFile(folder, 'model.json')).toString('utf8'));
  const weights = await readModelFile(folder, 'weights.bin');
  if (createHash('sha256').update(weights).digest('hex') !== model.weights.sha256) {
    throw damaged(join(folder, 'weights.bin'), 'its SHA-256 is not the one in model.json');
  }
  try {
    // A copy of its own: a small Buffer is a view into a shared pool, at any offset.
    return new LanguageIdentifier(model, new Uint8Array(weights).buffer);
  } catch (error) {
    throw damaged(path, errorMessage(error));
  }
}

async function readModelFile(folder: string, name: string): Promise<Buffer> {
  try {
    return await readFile(join(folder, name));
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : '';
    if (code === 'ENOENT' || code === 'ENOTDIR') {
      throw new OrreryError('ORR_NOT_FOUND', `no model in ${folder}: ${name} is missing; train one with orrery demo`);
    }
    throw new OrreryError('ORR_BAD_FILE', `${join(folder, name)} cannot be read: ${code}`, { cause: error });
  }
}

function parseModel(path: string, text: string) {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw damaged(path, 'it is no JSON');
  }
  const parsed = modelSchema.safeParse(value);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  throw damaged(
    path,
    issue === undefined ? 'it is no model' : `${issue.path.join('.') || 'document'}: ${issue.message}`,
  );
}

function damaged(path: string, reason: string): OrreryError {
  return new OrreryError('ORR_BAD_FILE', `${path} is damaged: ${reason}; train the model again with orrery demo`);
}
