/** Those of the same key together, in the order of the first of each; one without a key (undefined) stays alone. */
export function grouped<One>(list: readonly One[], keyOf: (one: One) => number | undefined): One[][] {
  const groups: One[][] = [];
  const byKey = new Map<number, One[]>();
  for (const one of list) {
    const key = keyOf(one);
    const known = key === undefined ? undefined : byKey.get(key);
    if (known !== undefined) {
      known.push(one);
      continue;
    }
    const group = [one];
    groups.push(group);
    if (key !== undefined) byKey.set(key, group);
  }
  return groups;
}
