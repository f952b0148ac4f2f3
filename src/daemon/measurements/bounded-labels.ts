/** So many values of a label are named where nothing else is said. */
export const NAMES_MAX = 20;
/** What stands for all values of a label that are not named. */
export const OTHER = 'other';

/** The `limit` heaviest entries under their names, heaviest first, and the rest added up as `other`: a label that users choose stays bounded. */
export function heaviest<T>(
  entries: ReadonlyMap<string, T>,
  limit: number,
  weight: (value: T) => number,
  add: (a: T, b: T) => T,
): Map<string, T> {
  const sorted = [...entries].sort(([a, x], [b, y]) => weight(y) - weight(x) || (a < b ? -1 : 1));
  const named = new Map(sorted.slice(0, limit));
  for (const [, value] of sorted.slice(limit)) {
    const before = named.get(OTHER);
    named.set(OTHER, before === undefined ? value : add(before, value));
  }
  return named;
}

/** For counters, whose labels may not move: the first so many names that come keep theirs, all others are `other`. */
export class FirstNames {
  readonly #limit: number;
  readonly #names = new Set<string>();

  constructor(limit: number) {
    this.#limit = limit;
  }

  of(name: string): string {
    if (this.#names.has(name)) return name;
    if (this.#names.size >= this.#limit) return OTHER;
    this.#names.add(name);
    return name;
  }
}

/** The value under the key, made where there is none. */
export function entryOf<T>(map: Map<string, T>, key: string, make: () => T): T {
  const before = map.get(key);
  if (before !== undefined) return before;
  const made = make();
  map.set(key, made);
  return made;
}
