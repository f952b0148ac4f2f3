/** Added to each int8 at load, so that bytes add up without borrowing from their neighbour. */
const BYTE_OFFSET = 128;
/** 257 * 255 = 65,535: so many bytes fit into a lane of 16 bits. */
const LANE_ROWS_MAX = 257;

/** A table of int8 whose rows are added up four columns at a time. */
export class RowTable {
  /** Four columns a word, the first in the lowest byte. */
  readonly #words: Int32Array;
  readonly #wordsPerRow: number;
  readonly #sums: Int32Array;
  #firstWords = new Uint32Array(4096);

  /** Takes over the memory of `words`: the rows of int8 end to end, `width` (divisible by 4) to a row. */
  constructor(words: Int32Array, width: number) {
    this.#words = words;
    for (let word = 0; word < words.length; word++) words[word] = words[word]! ^ 0x80808080;
    this.#wordsPerRow = width / 4;
    this.#sums = new Int32Array(width);
  }

  /**
   * The sum of the rows, column by column; exact, and valid until the next call. The even and the odd bytes of a word are added
   * in two 16-bit lanes each, and the lanes are emptied before they can overflow.
   */
  sum(rows: Uint32Array): Int32Array {
    const sums = this.#sums.fill(-BYTE_OFFSET * rows.length);
    const words = this.#words;
    const wordsPerRow = this.#wordsPerRow;
    if (this.#firstWords.length < rows.length) this.#firstWords = new Uint32Array(2 * rows.length);
    const firstWords = this.#firstWords;
    for (let index = 0; index < rows.length; index++) firstWords[index] = Math.imul(rows[index]!, wordsPerRow);
    for (let from = 0; from < rows.length; from += LANE_ROWS_MAX) {
      const to = Math.min(from + LANE_ROWS_MAX, rows.length);
      for (let word = 0; word < wordsPerRow; word++) {
        let even = 0;
        let odd = 0;
        for (let index = from; index < to; index++) {
          const four = words[(firstWords[index]! + word) | 0]!;
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
    return sums;
  }
}
