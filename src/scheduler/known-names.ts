/** `known are a, b, c`, of many the first; `there is none`. */
export function knownNames(names: readonly string[]): string {
  if (names.length === 0) return 'there is none';
  const shown = names.length > 12 ? `${names.slice(0, 12).join(', ')}, ...` : names.join(', ');
  return `known ${names.length === 1 ? 'is' : 'are'} ${shown}`;
}
