import { assert, definite } from '../lib/assert.ts';
import { FeatureHasher } from './feature-hasher.ts';
import type { LanguageLabel, LanguageModelDescription } from './language-model.ts';
import { Normaliser } from './normaliser.ts';

/** Added to each int8 of the table at load, so that bytes add up without borrowing from their neighbour. */
const BYTE_OFFSET = 128;
/** 257 * 255 = 65,535: so many bytes fit into a lane of 16 bits. */
const LANE_ROWS_MAX = 257;

export interface LanguageGuess extends LanguageLabel {
  /** Softmax over all labels, 0 to 1. */
  probability: number;
}

/**
 * The exported model: logits = W (sum of the rows of the table / sqrt(number of features)) + b. The table is int8, its
 * scales are folded into W; sums of int8 are exact, so the order of features does not matter.
 */
export class LanguageIdentifier {
  readonly labels: readonly LanguageLabel[];
  readonly #normaliser: Normaliser;
  readonly #hasher: FeatureHasher;
  readonly #width: number;
  /** The table, four columns a word, the first in the lowest byte. */
  readonly #words: Int32Array;
  readonly #weight: Float32Array;
  readonly #bias: Float32Array;
  readonly #sums: Int32Array;
  readonly #scaled: Float64Array;

  /** `weights` holds the bytes of the weights file and is taken over. Throws when its layout is not what this code computes with. */
  constructor(model: LanguageModelDescription, weights: ArrayBuffer) {
    assert(weights.byteLength === model.weights.bytes, `expected ${model.weights.bytes} bytes of weights`);
    const labels = model.labels.length;
    const table = tensor(model, 'table', 'int8', [2 ** model.hashing.bits, undefined]);
    this.#width = definite(table.shape[1], 'the table has a width');
    const weight = tensor(model, 'weight', 'float32', [labels, this.#width]);
    const bias = tensor(model, 'bias', 'float32', [labels]);
    this.labels = model.labels;
    this.#normaliser = new Normaliser(model.normalisation);
    this.#hasher = new FeatureHasher(model.hashing);
    assert(this.#width % 4 === 0, `tensor table: expected a width divisible by 4, got ${this.#width}`);
    this.#words = new Int32Array(weights, table.byteOffset, (2 ** model.hashing.bits * this.#width) / 4);
    for (let word = 0; word < this.#words.length; word++) this.#words[word] = this.#words[word]! ^ 0x80808080;
    this.#weight = new Float32Array(weights, weight.byteOffset, labels * this.#width);
    this.#bias = new Float32Array(weights, bias.byteOffset, labels);
    this.#sums = new Int32Array(this.#width);
    this.#scaled = new Float64Array(this.#width);
  }

  /** Row numbers of the features of a text. */
  features(text: string): Uint32Array {
    return this.#hasher.rows(this.#normaliser.normalise(text));
  }

  /** One number per label: the higher, the likelier. */
  logits(text: string): Float64Array {
    const rows = this.features(text);
    this.#sumRows(rows);
    const width = this.#width;
    const scaled = this.#scaled;
    const scale = 1 / Math.sqrt(Math.max(1, rows.length));
    for (let column = 0; column < width; column++) scaled[column] = this.#sums[column]! * scale;
    const weight = this.#weight;
    const logits = new Float64Array(this.labels.length);
    for (let label = 0, base = 0; label < logits.length; label++, base += width) {
      // Four sums at once: one alone would wait for each addition to end before the next.
      let [sum0, sum1, sum2, sum3] = [this.#bias[label]!, 0, 0, 0];
      for (let column = 0; column < width; column += 4) {
        const at = base + column;
        sum0 += weight[at]! * scaled[column]!;
        sum1 += weight[at + 1]! * scaled[column + 1]!;
        sum2 += weight[at + 2]! * scaled[column + 2]!;
        sum3 += weight[at + 3]! * scaled[column + 3]!;
      }
      logits[label] = sum0 + sum1 + (sum2 + sum3);
    }
    return logits;
  }

  /** The probability of each label, in the order of `labels`. */
  probabilities(text: string): Float64Array {
    const values = this.logits(text);
    const highest = values.reduce((left, right) => Math.max(left, right), -Infinity);
    let total = 0;
    for (let label = 0; label < values.length; label++) {
      const value = Math.exp(values[label]! - highest);
      values[label] = value;
      total += value;
    }
    for (let label = 0; label < values.length; label++) values[label] = values[label]! / total;
    return values;
  }

  /** The most probable label. */
  best(text: string): LanguageLabel {
    const logits = this.logits(text);
    let best = 0;
    for (let label = 1; label < logits.length; label++) if (logits[label]! > logits[best]!) best = label;
    return definite(this.labels[best], 'a model has labels');
  }

  /** The `count` most probable labels, the likeliest first; equal ones in the order of `labels`. */
  top(text: string, count: number): LanguageGuess[] {
    const probabilities = this.probabilities(text);
    const guesses = this.labels.map((label, index) => ({ ...label, probability: probabilities[index]! }));
    return guesses.sort((left, right) => right.probability - left.probability).slice(0, count);
  }

  /**
   * Adds up rows four columns at a time: a word of the table holds four bytes, its even and its odd bytes are added in two
   * 16-bit lanes each, and the lanes are emptied before they can overflow.
   */
  #sumRows(rows: Uint32Array): void {
    const sums = this.#sums.fill(-BYTE_OFFSET * rows.length);
    const words = this.#words;
    const wordsPerRow = this.#width / 4;
    for (let from = 0; from < rows.length; from += LANE_ROWS_MAX) {
      const to = Math.min(from + LANE_ROWS_MAX, rows.length);
      for (let word = 0; word < wordsPerRow; word++) {
        let even = 0;
        let odd = 0;
        for (let index = from; index < to; index++) {
          const four = words[Math.imul(rows[index]!, wordsPerRow) + word]!;
          even = (even + (four & 0x00ff00ff)) | 0;
          odd = (odd + ((four >>> 8) & 0x00ff00ff)) | 0;
        }
        const column = 4 * word;
        sums[column] = sums[column]! + (even & 0xffff);
        sums[column + 1] = sums[column + 1]! + (odd & 0xffff);
        sums[column + 2] = sums[column + 2]! + (even >>> 16);
        sums[column + 3] = sums[column + 3]! + (odd >>> 16);
      }
    }
  }
}

/** The layout of a tensor, held against the type and shape this code expects (undefined: any size). */
function tensor(model: LanguageModelDescription, name: string, type: string, shape: (number | undefined)[]) {
  const layout = definite(
    model.weights.tensors.find((candidate) => candidate.name === name),
    `no tensor ${name} in the model`,
  );
  const itemBytes = type === 'int8' ? 1 : 4;
  const size = layout.shape.reduce((left, right) => left * right, itemBytes);
  const fits =
    layout.shape.length === shape.length && shape.every((n, axis) => n === undefined || n === layout.shape[axis]);
  assert(
    layout.type === type && fits,
    `tensor ${name}: expected ${type} of shape ${shape.map((n) => n ?? 'any').join(' x ')}`,
  );
  assert(
    layout.byteOffset % 4 === 0 && layout.byteOffset + size <= model.weights.bytes,
    `tensor ${name} lies outside the weights file`,
  );
  return layout;
}
