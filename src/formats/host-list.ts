/**
 * The names a Slurm host list stands for: `n1,dgx-[001-003,7]` is n1, dgx-001, dgx-002, dgx-003, dgx-7. Several brackets in a name
 * multiply. Undefined where it is malformed or stands for more than `countMax` names.
 */
export function parseHostList(text: string, countMax = 65_536): string[] | undefined {
  const names: string[] = [];
  // Commas inside brackets do not separate names.
  for (const part of text.split(/,(?![^[]*\])/)) {
    const expanded = expand(part.trim(), countMax - names.length);
    if (expanded === undefined) return undefined;
    names.push(...expanded);
  }
  return names;
}

function expand(part: string, countMax: number): string[] | undefined {
  const match = /^([^[\]]*)\[([^[\]]+)\](.*)$/.exec(part);
  if (match === null) return part === '' || /[[\]]/.test(part) || countMax < 1 ? undefined : [part];
  const [, prefix = '', ranges = '', rest = ''] = match;
  const tails = rest === '' ? [''] : expand(rest, countMax);
  if (tails === undefined) return undefined;
  const names: string[] = [];
  for (const range of ranges.split(',')) {
    const [, first = '', last = first] = /^(\d+)(?:-(\d+))?$/.exec(range) ?? [];
    if (first === '' || Number(last) < Number(first)) return undefined;
    if (names.length + (Number(last) - Number(first) + 1) * tails.length > countMax) return undefined;
    for (let number = Number(first); number <= Number(last); number++) {
      const digits = String(number).padStart(first.length, '0');
      for (const tail of tails) names.push(`${prefix}${digits}${tail}`);
    }
  }
  return names;
}
