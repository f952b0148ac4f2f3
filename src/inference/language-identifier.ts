import { assert, definite } from '../lib/assert.ts';
import { FeatureHasher } from './feature-hasher.ts';
import type { LanguageLabel, LanguageModelDescription } from './language-model.ts';
import { LinearLayer } from './linear-layer.ts';
import { Normaliser } from './normaliser.ts';
import { RowTable } from './row-table.ts';

export interface LanguageGuess extends Omit<LanguageLabel, 'members'> {
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
  readonly #table: RowTable;
  readonly #layer: LinearLayer;

  /** `weights` holds the bytes of the weights file and is taken over. Throws when its layout is not what this code computes with. */
  constructor(model: LanguageModelDescription, weights: ArrayBuffer) {
    assert(weights.byteLength === model.weights.bytes, `expected ${model.weights.bytes} bytes of weights`);
    const labels = model.labels.length;
    const table = tensor(model, 'table', 'int8', [2 ** model.hashing.bits, undefined]);
    const width = definite(table.shape[1], 'the table has a width');
    assert(width % 4 === 0, `tensor table: expected a width divisible by 4, got ${width}`);
    const weight = tensor(model, 'weight', 'float32', [labels, width]);
    const bias = tensor(model, 'bias', 'float32', [labels]);
    this.labels = model.labels;
    this.#normaliser = new Normaliser(model.normalisation);
    this.#hasher = new FeatureHasher(model.hashing);
    this.#table = new RowTable(new Int32Array(weights, table.byteOffset, (2 ** model.hashing.bits * width) / 4), width);
    this.#layer = new LinearLayer(
      new Float32Array(weights, weight.byteOffset, labels * width),
      new Float32Array(weights, bias.byteOffset, labels),
    );
  }

  /** Row numbers of the features of a text. */
  features(text: string): Uint32Array {
    return this.#hasher.rows(this.#normaliser.normalise(text));
  }

  /** One number per label: the higher, the likelier. */
  logits(text: string): Float64Array {
    const rows = this.features(text);
    return this.#layer.apply(this.#table.sum(rows), 1 / Math.sqrt(Math.max(1, rows.length)));
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

  /** The `count` most probable labels, the likeliest first, equal ones in the order of `labels`; none if nothing is left of the text. */
  top(text: string, count: number): LanguageGuess[] {
    if (this.#normaliser.normalise(text).length === 1) return [];
    const probabilities = this.probabilities(text);
    const guesses = this.labels.map(({ code, name, tag }, index) => ({
      code,
      name,
      tag,
      probability: probabilities[index]!,
    }));
    return guesses.sort((left, right) => right.probability - left.probability).slice(0, count);
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
