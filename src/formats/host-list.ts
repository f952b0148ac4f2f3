/** As many names as a list of a whole cluster may stand for. */
export const NODES_MAX = 1_000_000;
/** As many GPUs as a file or a flag may say that a node has: more is a slip of the pen. */
export const GPUS_PER_NODE_MAX = 1000;

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
    for (const name of expanded) names.push(name);
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

/** A host list that stands for these names in this order: neighbours counted up become a range. */
export function formatHostList(names: readonly string[]): string {
  const parts: string[] = [];
  for (let index = 0; index < names.length; ) {
    const first = names[index] ?? '';
    const [, prefix = '', digits = ''] = /^(.*?)(\d+)$/.exec(first) ?? [];
    const ranges: string[] = [];
    // As long as the prefix and the number of digits stay the same, one pair of brackets holds them.
    let end = index;
    let number = digits === '' ? null : Number(digits);
    while (number !== null) {
      const from = number;
      do {
        end += 1;
        number += 1;
      } while (numbered(prefix, digits, names[end]) === number);
      ranges.push(range(from, number - 1, digits.length > 1 && digits.startsWith('0') ? digits.length : 0));
      number = numbered(prefix, digits, names[end]);
    }
    if (ranges.length === 0) end += 1;
    const isOne = ranges.length === 0 || (ranges.length === 1 && !ranges[0]?.includes('-'));
    parts.push(isOne ? first : `${prefix}[${ranges.join(',')}]`);
    index = end;
  }
  return parts.join(',');
}

/** The number after the prefix where the name is one of so many digits; null for none. */
function numbered(prefix: string, digits: string, name: string | undefined): number | null {
  if (name === undefined || !name.startsWith(prefix)) return null;
  const rest = name.slice(prefix.length);
  if (!/^\d+$/.test(rest)) return null;
  const isPadded = (text: string) => text.length > 1 && text.startsWith('0');
  // Padded numbers keep their width; others have no zero in front.
  const isAlike = isPadded(digits) ? rest.length === digits.length : !isPadded(rest);
  return isAlike ? Number(rest) : null;
}

function range(from: number, to: number, width: number): string {
  const text = (number: number) => String(number).padStart(width, '0');
  return from === to ? text(from) : `${text(from)}-${text(to)}`;
}

/** All names of lists, as of a file that may give nodes one by one or as host lists; what is no list stands for itself. */
export function hostNamesOf(hostLists: readonly string[]): string[] {
  return hostLists.flatMap((list) => parseHostList(list, NODES_MAX) ?? [list]);
}
