import { Argument, type Command } from 'commander';
import { defineCommand } from '../command.ts';
import { printCompletionScript, printCompletions, SHELLS } from '../completion.ts';
import { createProgram } from '../program.ts';

export function register(program: Command): Command {
  // What the script calls at each press of the tab key.
  program
    .command('complete', { hidden: true })
    .argument('[words...]')
    .action(async (words: string[]) => printCompletions(await createProgram(words), words));
  return defineCommand(program, 'completion', {
    summary: 'Print the completion script of a shell: commands, options, job ids and node names.',
    examples: [
      ['source <(orrery completion bash)', 'bash; put it into ~/.bashrc to keep it'],
      ['orrery completion fish > ~/.config/fish/completions/orrery.fish', 'fish'],
    ],
  })
    .addArgument(new Argument('<shell>', 'which shell').choices(SHELLS))
    .action((shell: (typeof SHELLS)[number]) => printCompletionScript(shell));
}
