import { Command } from 'commander';
import { OrreryError } from '../contract/errors.ts';
import { COMMANDS } from './registry.ts';
import { throwUsage, unknownCommand } from './usage-words.ts';
import { version } from './version.ts';

/**
 * The command tree as far as `argv` needs it: the chosen command whole, of the others name and summary (for help and "did you mean").
 * Errors and help are thrown as CommanderError, nothing of an error is printed.
 */
export async function createProgram(argv: readonly string[]): Promise<Command> {
  const chosen = argv.find((argument) => !argument.startsWith('-'));
  if (chosen === 'help') refuseUnknown(argv.filter((argument) => !argument.startsWith('-'))[1]);
  const wanted = chosen === 'complete' ? 'completion' : chosen;
  return buildProgram((name) => name === wanted || (chosen === 'help' && argv.includes(name)));
}

/** Commander shows all commands instead, as if none had been named. */
function refuseUnknown(name: string | undefined): void {
  const names = ['help', ...COMMANDS.map((command) => command.name)];
  if (name === undefined || names.includes(name)) return;
  throw new OrreryError('ORR_USAGE', unknownCommand('orrery', name, names));
}

/** Everything loaded: for the tests that read every help text. */
export async function createFullProgram(): Promise<Command> {
  return buildProgram(() => true);
}

async function buildProgram(isWanted: (name: string) => boolean): Promise<Command> {
  const program = new Command('orrery');
  program
    .description('An AI research supercluster in software: train across nodes and survive their failures.')
    .version(version, '-V, --version', 'print the version')
    .helpOption('-h, --help', 'show help')
    .helpCommand('help [command]', 'show help of a command')
    .usage('COMMAND [options]')
    .enablePositionalOptions()
    .exitOverride(throwUsage(program))
    .configureOutput({ outputError: () => {} })
    .configureHelp({ showGlobalOptions: false, styleTitle: (title) => title, minWidthToWrap: 24 });
  for (const { name, summary, load } of COMMANDS) {
    if (isWanted(name)) (await load()).register(program);
    else program.command(name).description(summary);
  }
  return program;
}
