/** Lets so many pieces of work run at once; the others wait, and have their turn in the order in which they came. */
export class Gate {
  readonly #countMax: number;
  readonly #waiting: (() => void)[] = [];
  #count = 0;

  constructor(countMax: number) {
    this.#countMax = countMax;
  }

  /** Settles as the work does. */
  async run<T>(work: () => Promise<T>): Promise<T> {
    if (this.#count === this.#countMax) await new Promise<void>((resolve) => this.#waiting.push(resolve));
    else this.#count += 1;
    try {
      return await work();
    } finally {
      // Whoever is next takes the place over: nobody can slip in between.
      const next = this.#waiting.shift();
      if (next === undefined) this.#count -= 1;
      else next();
    }
  }
}
