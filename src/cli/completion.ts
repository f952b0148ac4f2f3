import { RootCommand, script } from '@bomb.sh/tab';
import type { Command } from 'commander';
import type { OrreryClient } from '../contract/client.ts';
import { jobLabel } from '../contract/job-array.ts';
import { catalogueNames } from './catalogue-file.ts';
import { connect } from './connection.ts';
import { oneLine } from './render/terminal.ts';

/** The only file that knows the completion library. */
export const SHELLS = ['bash', 'zsh', 'fish'] as const;

/** A shell is kept waiting for at most this long by a daemon that does not answer. */
const ANSWER_MS_MAX = 500;

/** The library's script for bash asks the package bash-completion for the words of the line; many machines do not have it. */
const BASH_WORDS = `if ! declare -F _get_comp_words_by_ref >/dev/null; then
    _get_comp_words_by_ref() {
        words=("\${COMP_WORDS[@]}")
        cword=$COMP_CWORD
        cur=\${COMP_WORDS[COMP_CWORD]}
        prev=\${COMP_WORDS[COMP_CWORD-1]}
    }
fi
`;

/** Prints the script that makes a shell ask `orrery complete -- WORDS`. */
export function printCompletionScript(shell: (typeof SHELLS)[number]): void {
  if (shell === 'bash') process.stdout.write(BASH_WORDS);
  script(shell, 'orrery', 'orrery');
  // Where nothing is offered and files are not ruled out, as behind run.
  if (shell === 'bash') process.stdout.write('complete -o default -F __orrery_complete orrery\n');
}

/** Prints what may stand in the place of the last of `words`: commands, options, their choices, job ids, node and cluster names. */
export async function printCompletions(program: Command, words: readonly string[]): Promise<void> {
  const [first = ''] = words;
  if (first === 'run' && !(words.at(-1) ?? '').startsWith('-')) {
    // Behind run stand programs and files, which the shell knows best.
    process.stdout.write(':0\n');
    return;
  }
  const candidates = await candidatesFor(program, words);
  const root = new RootCommand();
  for (const command of program.commands) addCommand(root, command, command.name(), candidates);
  root.parse([...words]);
}

type Candidates = Map<string, readonly (readonly [value: string, description: string])[]>;

/** By the name of the argument they stand for; the daemon is asked only where the command line needs it. */
async function candidatesFor(program: Command, words: readonly string[]): Promise<Candidates> {
  const needed = new Set<string>();
  let at: Command | undefined = program;
  for (const word of words) {
    at = at?.commands.find((command) => command.name() === word) ?? at;
    for (const argument of at?.registeredArguments ?? []) needed.add(argument.name());
  }
  const found: Candidates = new Map();
  if (needed.has('cluster'))
    found.set(
      'cluster',
      catalogueNames('cluster').map((name) => [name, ''] as const),
    );
  if (needed.has('job')) {
    const jobs = await ask((client) => client.jobs());
    found.set(
      'job',
      jobs.map((job) => [jobLabel(job), `${oneLine(job.name)} ${job.state}`] as const),
    );
  }
  if (needed.has('reservation')) {
    const reservations = await ask((client) => client.reservations());
    found.set(
      'reservation',
      reservations.map(({ name, state }) => [name, state] as const),
    );
  }
  if (needed.has('node')) {
    const nodes = await ask((client) => client.nodes());
    found.set(
      'node',
      nodes.map((node) => [node.name, node.state] as const),
    );
  }
  return found;
}

/** No daemon, no candidates: completion never complains. */
async function ask<T>(question: (client: OrreryClient) => Promise<T[]>): Promise<T[]> {
  const timeout = new Promise<T[]>((resolve) => {
    setTimeout(() => resolve([]), ANSWER_MS_MAX).unref();
  });
  try {
    return await Promise.race([question(connect()), timeout]);
  } catch {
    return [];
  }
}

function addCommand(root: RootCommand, command: Command, path: string, candidates: Candidates): void {
  if (command.name() === 'complete') return;
  const target = root.command(path, command.summary() || command.description());
  for (const option of command.createHelp().visibleOptions(command)) {
    const [long, short] = [option.long?.slice(2), option.short?.slice(1)];
    if (long === undefined) continue;
    if (!option.required && !option.optional) target.option(long, option.description, short ?? '');
    else
      target.option(
        long,
        option.description,
        (complete) => option.argChoices?.forEach((choice) => complete(choice, '')),
        short,
      );
  }
  for (const argument of command.registeredArguments) {
    const values = argument.argChoices?.map((choice) => [choice, ''] as const) ?? candidates.get(argument.name()) ?? [];
    target.argument(
      argument.name(),
      (complete) => values.forEach(([value, text]) => complete(value, text)),
      argument.variadic,
    );
  }
  for (const child of command.commands) addCommand(root, child, `${path} ${child.name()}`, candidates);
}
