/** Node names in Slurm's short form: `n1 n2 n3 gpu07` is `gpu07,n[1-3]`. */
export function hostList(names: readonly string[]): string {
  const groups = new Map<string, { prefix: string; width: number; numbers: number[] }>();
  const plain: string[] = [];
  for (const name of names) {
    const match = /^(.*?)(\d{1,9})$/.exec(name);
    if (!match) {
      plain.push(name);
      continue;
    }
    const [, prefix = '', digits = ''] = match;
    // Only zero-padded numbers have a width of their own: n09 and n9 are two nodes.
    const width = digits.startsWith('0') ? digits.length : 0;
    const key = `${prefix} ${width}`;
    const group = groups.get(key) ?? { prefix, width, numbers: [] };
    group.numbers.push(Number(digits));
    groups.set(key, group);
  }
  const short = [...groups.values()].map(({ prefix, width, numbers }) => {
    const ranges = toRanges(numbers).map(([from, to]) =>
      from === to ? pad(from, width) : `${pad(from, width)}-${pad(to, width)}`,
    );
    return numbers.length === 1 ? prefix + ranges.join(',') : `${prefix}[${ranges.join(',')}]`;
  });
  return [...plain, ...short].sort().join(',');
}

function pad(value: number, width: number): string {
  return String(value).padStart(width, '0');
}

function toRanges(numbers: readonly number[]): [number, number][] {
  const ranges: [number, number][] = [];
  for (const value of [...new Set(numbers)].sort((left, right) => left - right)) {
    const last = ranges.at(-1);
    if (last && last[1] + 1 === value) last[1] = value;
    else ranges.push([value, value]);
  }
  return ranges;
}
