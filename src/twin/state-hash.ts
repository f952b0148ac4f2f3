const FIRST_PRIME = 0x01000193;
const SECOND_PRIME = 0x85ebca6b;

/**
 * A running hash of what happens, for holding one run against another: two lanes of 32 bits in the manner of FNV-1a (Fowler, Noll, Vo), taken
 * by words instead of bytes, each with its own prime and rotated, so that high bits count too.
 */
export class StateHash {
  #first = 0x811c9dc5 | 0;
  #second = 0x9747b28c | 0;

  /** Takes the low 32 bits. */
  addInt(value: number): void {
    const first = Math.imul(this.#first ^ value, FIRST_PRIME);
    this.#first = (first << 13) | (first >>> 19);
    const second = Math.imul(this.#second ^ value, SECOND_PRIME);
    this.#second = (second << 15) | (second >>> 17);
  }

  /** An integer of up to 53 bits, such as an instant in milliseconds. */
  addTime(ms: number): void {
    this.addInt(ms | 0);
    this.addInt((ms / 2 ** 32) | 0);
  }

  addInts(values: readonly number[]): void {
    for (let index = 0; index < values.length; index++) this.addInt(values[index] ?? -1);
  }

  /** 16 hexadecimal digits. */
  digest(): string {
    return hex(this.#first) + hex(this.#second);
  }
}

function hex(word: number): string {
  return (word >>> 0).toString(16).padStart(8, '0');
}
