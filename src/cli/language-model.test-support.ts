import { createHash } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** A model by hand: 16 rows of 4 columns, n-grams of one code point, two languages; the label is the sign of the first column. */
export function writeLanguageModel(folder: string, change: (model: Record<string, unknown>) => void = () => {}): void {
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
