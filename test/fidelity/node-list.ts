/** Indices, from 0, of the nodes in a list such as `dgx[1-3,7]`, ascending. */
export function hostsIn(list: string): number[] {
  const indices: number[] = [];
  for (const [, single, ranges = ''] of list.matchAll(/dgx(?:(\d+)|\[([^\]]+)\])/g)) {
    for (const range of (single ?? ranges).split(',')) {
      const [first = 0, last = first] = range.split('-').map(Number);
      for (let number = first; number <= last; number++) indices.push(number - 1);
    }
  }
  return indices.sort((a, b) => a - b);
}
