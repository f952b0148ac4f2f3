import { definite } from '../lib/assert.ts';
import type { LanguageModelDescription } from './language-model.ts';

/** Every code point that normalisation replaces lies below this one. */
const MAPPED_END = 0x20000;
export const SPACE = 0x20;

/**
 * Text to code points: NFC, lower case, separators to single spaces, one space in front and none behind. The tables come
 * from the model, so that they are those of the Unicode version it was trained with.
 */
export class Normaliser {
  readonly #mapped = Uint32Array.from({ length: MAPPED_END }, (_, code) => code);
  #codes = new Uint32Array(1024);

  constructor(tables: LanguageModelDescription['normalisation']) {
    const targets = Array.from(tables.to, (character) => definite(character.codePointAt(0), 'a character has a code'));
    Array.from(tables.from).forEach((character, index) => {
      const source = definite(character.codePointAt(0), 'a character has a code');
      this.#mapped[source] = definite(targets[index], 'normalisation.to is as long as normalisation.from');
    });
    for (const [first, last] of tables.separators) this.#mapped.fill(SPACE, first, last + 1);
  }

  /** The normalised code points; valid until the next call. Lone surrogates count as themselves. */
  normalise(text: string): Uint32Array {
    const composed = text.normalize('NFC');
    const { length } = composed;
    // Each UTF-16 unit yields at most one code point, and a space at most in front of it.
    if (this.#codes.length < 2 * length + 1) this.#codes = new Uint32Array(4 * length);
    const codes = this.#codes;
    const mapped = this.#mapped;
    let size = 0;
    let isAfterSeparator = true;
    for (let index = 0; index < length; index++) {
      let code = composed.charCodeAt(index);
      if (code >= 0xd800 && code < 0xdc00 && index + 1 < length) {
        const low = composed.charCodeAt(index + 1);
        if (low >= 0xdc00 && low < 0xe000) {
          code = 0x10000 + ((code - 0xd800) << 10) + (low - 0xdc00);
          index++;
        }
      }
      if (code < MAPPED_END) code = mapped[code]!;
      if (code === SPACE) {
        isAfterSeparator = true;
        continue;
      }
      if (isAfterSeparator) {
        codes[size++] = SPACE;
        isAfterSeparator = false;
      }
      codes[size++] = code;
    }
    if (size === 0) codes[size++] = SPACE;
    return codes.subarray(0, size);
  }
}
