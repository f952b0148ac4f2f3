import { type Command, CommanderError } from 'commander';
import { OrreryError } from '../contract/errors.ts';
import { nearest } from '../formats/nearest.ts';

/**
 * What is wrong with a command line in our own words: what, where, what was expected, and where to read on. Takes commander's message apart, whose
 * shape is that of the version we pin. What is no failure (help, version), or has its own words (a group without a command), stays as it is.
 */
export function usageError(error: CommanderError, command: Command): Error {
  const words = usageWords(error, command);
  return words === null ? error : new OrreryError('ORR_USAGE', words, { cause: error });
}

function usageWords({ code, message }: CommanderError, command: Command): string | null {
  const name = pathOf(command);
  const help = `${name} --help lists them`;
  const [, quoted = ''] = /'(.*?)'/s.exec(message) ?? [];
  switch (code) {
    case 'commander.unknownCommand':
      return `${name} has no command ${JSON.stringify(quoted)}: ${meant(message, '')}${help}`;
    case 'commander.unknownOption': {
      const flag = quoted.replace(/=.*$/s, '');
      const likely = likelyOption(flag, command);
      // What goes on where the flag ends is meant, though another may be as near (`--gres` to `--gpus`).
      return `${name} has no option ${flag}: ${meant(likely.startsWith(flag) ? '' : message, likely)}${help}`;
    }
    case 'commander.optionMissingArgument':
      return `${flagOf(quoted)}: a value is missing: expected ${quoted}`;
    case 'commander.missingMandatoryOptionValue':
      return `${name}: ${flagOf(quoted)} is missing: expected ${quoted}`;
    case 'commander.missingArgument':
      return `${name}: <${quoted}> is missing: expected ${usageOf(command)}`;
    case 'commander.excessArguments':
      return excess(command, name);
    case 'commander.invalidArgument':
      return invalid(message);
    default:
      return null;
  }
}

/** `--nodes: expected an integer >= 1, got "two"`, from the words of an option's parser or the choices it has. */
function invalid(message: string): string {
  const option = /option '(.*?)' argument '(.*)' is invalid\. (.*)$/s.exec(message);
  const argument = /command-argument value '(.*)' is invalid for argument '(.*?)'\. (.*)$/s.exec(message);
  const [where, value = '', said = ''] =
    option === null
      ? [`<${argument?.[2]}>`, argument?.[1], argument?.[3]]
      : [flagOf(option[1] ?? ''), option[2], option[3]];
  const choices = /^Allowed choices are (.*)\.$/s.exec(said)?.[1];
  const expected =
    choices === undefined
      ? said.replace(/^E/, 'e').replace(/\.$/, '')
      : `expected ${choices.replace(/, ([^,]*)$/, ' or $1')}`;
  return `${where}: ${expected}, got ${JSON.stringify(value)}`;
}

/** Words too many; in a group they are meant for a command. */
function excess(command: Command, name: string): string {
  const [first = ''] = command.args;
  const commands = command.commands.map((other) => other.name());
  if (commands.length > 0) {
    return unknownCommand(name, first, commands);
  }
  const expected = command.registeredArguments.length;
  const given = command.args.map((word) => JSON.stringify(word)).join(' ');
  const count = expected === 0 ? 'no argument' : expected === 1 ? 'one argument' : `${expected} arguments`;
  return `${name}: expected ${count}, got ${given}: ${usageOf(command)}`;
}

/** Of a word that is none of the commands of `group`. */
export function unknownCommand(group: string, word: string, commands: readonly string[]): string {
  const likely = nearest(word, commands);
  const hint = likely === undefined ? '' : `did you mean ${likely}? `;
  return `${group} has no command ${JSON.stringify(word)}: ${hint}${group} --help lists them`;
}

/** What commander or we hold for meant. */
function meant(message: string, ours: string): string {
  const [, one, several] = /\(Did you mean (?:one of (.*)|(.*))\?\)/.exec(message) ?? [];
  const likely = one ?? several ?? ours;
  return likely === '' ? '' : `did you mean ${likely.replace(/, ([^,]*)$/, ' or $1')}? `;
}

/** Of `--gpus` the option that goes on: `--gpus-per-node`; else one that is near. */
function likelyOption(flag: string, command: Command): string {
  if (!flag.startsWith('--') || flag.length < 4) return '';
  const known = command.options.flatMap(({ long }) => long ?? []);
  return known.find((long) => long.startsWith(flag)) ?? nearest(flag, known) ?? '';
}

/** `--nodes` of `-N, --nodes <n>`. */
function flagOf(flags: string): string {
  return /--[\w-]+/.exec(flags)?.[0] ?? flags;
}

function pathOf(command: Command): string {
  return command.parent === null ? command.name() : `${pathOf(command.parent)} ${command.name()}`;
}

function usageOf(command: Command): string {
  return `${pathOf(command)} ${command.usage()}`;
}

/** For `exitOverride`: commander ends nothing, it throws. */
export function throwUsage(command: Command): (error: CommanderError) => never {
  return (error) => {
    throw usageError(error, command);
  };
}
