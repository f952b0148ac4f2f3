/** A command line of `orrery` as it can be pasted into a POSIX shell. */
export function commandText(argv: readonly string[]): string {
  return ['orrery', ...argv]
    .map((word) => (/^[\w./:=,@%+-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`))
    .join(' ');
}
