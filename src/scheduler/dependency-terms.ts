import type { Dependency } from './types.ts';

/** Dependencies that count as one: on the tasks of a whole array, or on one job. */
export type Term = readonly Dependency[];

/** Those of the same `set` together, in the order of the first of each. */
export function termsOf<One extends { readonly set?: number }>(dependencies: readonly One[]): (readonly One[])[] {
  const sets = new Map<number, One[]>();
  const terms: One[][] = [];
  for (const dependency of dependencies) {
    const { set } = dependency;
    const known = set === undefined ? undefined : sets.get(set);
    if (known !== undefined) {
      known.push(dependency);
      continue;
    }
    const term = [dependency];
    terms.push(term);
    if (set !== undefined) sets.set(set, term);
  }
  return terms;
}
