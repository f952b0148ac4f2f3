import { shellCommand } from '../../lib/shell-quote.ts';

/** Where the two ends of a shell meet: pipes named `in` and `out`, the name of its terminal, the program to run. */
export const MEETING_FOLDER = 'ORRERY_SHELL_FOLDER';

/**
 * The job behind an interactive shell, a script for every rank. Rank 0 runs the program, connected to two pipes; where a person types, on a terminal
 * of its own (`script` of util-linux makes it). The other ranks stay until it is over. Whoever typed is known to be gone when the pipe ends.
 */
export function holderScript(isTerminal: boolean): string {
  const begin = `/bin/sh "$${MEETING_FOLDER}/begin"`;
  return `#!/bin/sh
folder=$${MEETING_FOLDER}
if [ "$RANK" != 0 ]; then
  while [ -d "$folder" ]; do sleep 0.5; done
  exit 0
fi
${isTerminal ? `script -qefc '${begin}' /dev/null` : begin} < "$folder/in" > "$folder/out" 2>&1
status=$?
rm -rf "$folder"
exit $status
`;
}

export interface TerminalSize {
  rows: number;
  columns: number;
}

/** What rank 0 runs: `argv`, or the user's shell where that is empty. `size`: of the terminal; null for none. */
export function beginScript(argv: readonly string[], size: TerminalSize | null): string {
  const program = argv.length > 0 ? shellCommand(argv) : `"\${SHELL:-/bin/sh}"${size === null ? '' : ' -i'}`;
  const terminal =
    size === null ? [] : [`tty > "$${MEETING_FOLDER}/tty"`, `stty rows ${size.rows} cols ${size.columns}`];
  return [
    ...terminal,
    `unset ${MEETING_FOLDER}`,
    // A rank is a background command of its supervisor, which by the rules of sh leaves it deaf to Ctrl-C.
    'hearing="env --default-signal=INT,QUIT"',
    '$hearing true 2> /dev/null || hearing=',
    `exec $hearing ${program}`,
    '',
  ].join('\n');
}
