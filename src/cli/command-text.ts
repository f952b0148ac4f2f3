import { shellCommand } from '../lib/shell-quote.ts';

/** A command line of `orrery` as it can be pasted into a POSIX shell. */
export function commandText(argv: readonly string[]): string {
  return shellCommand(['orrery', ...argv]);
}
