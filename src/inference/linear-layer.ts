/** Outputs computed side by side: one sum alone would wait for each addition to end before the next. */
const BLOCK = 4;

/** y = W x + b in double precision. */
export class LinearLayer {
  /** Rows of W in blocks of four, column by column, so that they are read in the order of computing; padded with zeros. */
  readonly #weight: Float64Array;
  readonly #bias: Float32Array;
  readonly #inputs: number;

  /** `weight` holds the rows of W end to end, one for each number of `bias`. */
  constructor(weight: Float32Array, bias: Float32Array) {
    this.#bias = bias;
    this.#inputs = weight.length / bias.length;
    this.#weight = new Float64Array(Math.ceil(bias.length / BLOCK) * BLOCK * this.#inputs);
    for (let row = 0; row < bias.length; row++) {
      const block = (row - (row % BLOCK)) * this.#inputs;
      for (let column = 0; column < this.#inputs; column++) {
        this.#weight[block + column * BLOCK + (row % BLOCK)] = weight[row * this.#inputs + column]!;
      }
    }
  }

  /** W times `scale` times `x`, plus b. */
  apply(x: Int32Array, scale: number): Float64Array {
    const inputs = this.#inputs;
    const weight = this.#weight;
    const bias = this.#bias;
    const output = new Float64Array(bias.length);
    for (let row = 0, at = 0; row < output.length; row += BLOCK) {
      let [sum0, sum1, sum2, sum3] = [0, 0, 0, 0];
      for (let column = 0; column < inputs; column++, at += BLOCK) {
        const value = x[column]!;
        sum0 += weight[at]! * value;
        sum1 += weight[at + 1]! * value;
        sum2 += weight[at + 2]! * value;
        sum3 += weight[at + 3]! * value;
      }
      // Numbers past the end of the last block are dropped by the typed array.
      output[row] = sum0 * scale + bias[row]!;
      output[row + 1] = sum1 * scale + (bias[row + 1] ?? 0);
      output[row + 2] = sum2 * scale + (bias[row + 2] ?? 0);
      output[row + 3] = sum3 * scale + (bias[row + 3] ?? 0);
    }
    return output;
  }
}
