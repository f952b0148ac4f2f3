import { CommanderError } from 'commander';
import { OrreryError } from '../contract/errors.ts';
import { errorMessage } from '../lib/error-message.ts';
import { ExitStatus } from './exit-status.ts';
import { note, print, printJson } from './output.ts';
import { createProgram } from './program.ts';
import { terminalOf } from './render/terminal.ts';
import { welcome } from './welcome.ts';

/** Runs one command; resolves to the process's exit status. */
export async function runCommandLine(argv: readonly string[]): Promise<number> {
  for (const stream of [process.stdout, process.stderr]) {
    stream.on('error', (error: NodeJS.ErrnoException) => {
      // `orrery queue | head -1`: the reader has what it wanted.
      if (error.code === 'EPIPE') process.exit(0);
      if (stream === process.stdout) note(`orrery: cannot write the output: ${error.message}`);
      process.exit(1);
    });
  }
  if (argv.length === 0) {
    print(welcome(terminalOf(process.stdout)));
    return 0;
  }
  let options: { json?: boolean; debug?: boolean } = guessOptions(argv);
  try {
    const program = await createProgram(argv);
    program.hook('preAction', (_program, action) => {
      options = action.opts();
    });
    await program.parseAsync(argv, { from: 'user' });
    return 0;
  } catch (error) {
    if (error instanceof ExitStatus) return error.status;
    const failure = describeFailure(error);
    if (failure === null) return 0;
    note(`orrery: ${failure.message}`);
    if (options.debug === true && error instanceof Error) note(error.stack ?? '');
    if (options.json === true) printJson({ error: { code: failure.code, message: failure.message } });
    return failure.status;
  }
}

/** Before the command line is understood: options in front of a `--`. */
function guessOptions(argv: readonly string[]): { json: boolean; debug: boolean } {
  const end = argv.indexOf('--');
  const own = end === -1 ? argv : argv.slice(0, end);
  return { json: own.includes('--json'), debug: own.includes('--debug') };
}

export interface Failure {
  code: string;
  message: string;
  status: number;
}

/** The one place where an error becomes an exit status. Null: nothing failed, help or version was shown. */
export function describeFailure(error: unknown): Failure | null {
  if (error instanceof OrreryError) return { code: error.code, message: error.message, status: error.exitCode };
  if (error instanceof CommanderError) {
    if (error.exitCode === 0) return null;
    // A group of commands (`orrery job`) without the command; its help is printed already.
    const message =
      error.code === 'commander.help' ? 'a command is missing: choose one of those listed' : error.message;
    return { code: 'ORR_USAGE', message: oneLine(message), status: 2 };
  }
  if (error instanceof Error && 'syscall' in error && error.syscall === 'uv_cwd') {
    return { code: 'ORR_USAGE', message: 'the current folder is gone: cd to one that exists', status: 2 };
  }
  const message = errorMessage(error);
  return { code: 'ORR_INTERNAL', message: oneLine(message), status: 1 };
}

function oneLine(message: string): string {
  return message.trim().replaceAll(/\s*\n\s*/g, ' ');
}
