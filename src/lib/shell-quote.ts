/** One word of a POSIX shell, whatever is in it. NUL cannot be said. */
export function shellQuote(word: string): string {
  return /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`;
}

/** A program and its arguments as one types them in a POSIX shell. */
export function shellCommand(argv: readonly string[]): string {
  return argv.map(shellQuote).join(' ');
}

/** The same for the login shell of anybody, csh and fish among them: `!` and the backslash stand outside of quotes. csh takes no line break in a word. */
export function loginShellCommand(argv: readonly string[]): string {
  return argv
    .map((word) => (/^[\w@+,./-][\w@%+=:,./-]*$/.test(word) ? word : `'${word.replaceAll(/['!\\]/g, "'\\$&'")}'`))
    .join(' ');
}
