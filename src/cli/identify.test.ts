import { createHash } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeEach, describe, expect, it } from 'vitest';
import { OrreryError } from '../contract/errors.ts';
import { identify } from './identify.ts';

const folder = mkdtempSync(join(tmpdir(), 'orrery-identify-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** A model by hand: 16 rows of 4 columns, n-grams of one code point, two languages; the label is the sign of the first column. */
function writeModel(change: (model: Record<string, unknown>) => void = () => {}): void {
  const weights = new ArrayBuffer(64 + 32 + 8);
  new Int8Array(weights, 0, 64).forEach((_, index, table) => {
    table[index] = index % 4 === 0 ? (index % 8 === 0 ? 100 : -100) : 0;
  });
  new Float32Array(weights, 64, 8).set([1, 0, 0, 0, -1, 0, 0, 0]);
  const model = {
    format: 1,
    labels: [
      { code: 'eng', name: 'English', tag: 'en' },
      { code: 'kor', name: 'Korean', tag: 'ko' },
    ],
    hashing: { bits: 4, order: 1, gramMultiplier: 1, wordMultiplier: 1, orderSalt: 1, wordSalt: 1 },
    normalisation: { form: 'NFC', from: 'AB', to: 'ab', separators: [[0, 38]] },
    weights: {
      file: 'weights.bin',
      bytes: weights.byteLength,
      sha256: createHash('sha256').update(new Uint8Array(weights)).digest('hex'),
      tensors: [
        { name: 'table', type: 'int8', shape: [16, 4], byteOffset: 0 },
        { name: 'weight', type: 'float32', shape: [2, 4], byteOffset: 64 },
        { name: 'bias', type: 'float32', shape: [2], byteOffset: 96 },
      ],
    },
  };
  change(model);
  writeFileSync(join(folder, 'weights.bin'), new Uint8Array(weights));
  writeFileSync(join(folder, 'model.json'), JSON.stringify(model));
}

async function refusal(modelFolder = folder): Promise<OrreryError> {
  const error = await identify({ texts: ['a'], modelFolder, top: 1 }).then(
    () => undefined,
    (reason: unknown) => reason,
  );
  if (!(error instanceof OrreryError)) throw new Error(`expected an OrreryError, got ${String(error)}`);
  expect(error.message).not.toContain('\n');
  return error;
}

beforeEach(() => writeModel());

describe('identify', () => {
  it('gives the likeliest languages of each text', async () => {
    const results = await identify({ texts: ['aaa', 'AAA'], modelFolder: folder, top: 2 });
    expect(results.map(({ text }) => text)).toEqual(['aaa', 'AAA']);
    const [lower, upper] = results.map(({ languages }) => languages);
    expect(lower).toEqual(upper);
    expect(lower?.map(({ code }) => code).sort()).toEqual(['eng', 'kor']);
    expect(lower?.reduce((sum, { probability }) => sum + probability, 0)).toBeCloseTo(1, 12);
  });

  it('says that there is no model where there is none', async () => {
    const error = await refusal(join(folder, 'elsewhere'));
    expect(error.code).toBe('ORR_NOT_FOUND');
    expect(error.message).toContain('model.json is missing');
  });

  it('refuses weights that are cut short', async () => {
    writeFileSync(join(folder, 'weights.bin'), readFileSync(join(folder, 'weights.bin')).subarray(1));
    expect(await refusal()).toMatchObject({ code: 'ORR_BAD_FILE', message: expect.stringContaining('SHA-256') });
  });

  it.each([
    { what: 'no JSON', write: () => writeFileSync(join(folder, 'model.json'), '{'), message: 'it is no JSON' },
    { what: 'another format', write: () => writeModel((model) => (model['format'] = 2)), message: 'format: ' },
    { what: 'no labels', write: () => writeModel((model) => (model['labels'] = [])), message: 'labels: ' },
    {
      what: 'a label too many',
      write: () =>
        writeModel((model) => {
          model['labels'] = ['a', 'b', 'c'].map((code) => ({ code, name: code, tag: code }));
        }),
      message: 'tensor weight: expected float32 of shape 3 x 4',
    },
  ])('refuses a description with $what', async ({ write, message }) => {
    write();
    expect(await refusal()).toMatchObject({ code: 'ORR_BAD_FILE', message: expect.stringContaining(message) });
  });
});
