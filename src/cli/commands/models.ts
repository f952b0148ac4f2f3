import type { Command } from 'commander';
import { defineCommand } from '../command.ts';
import { listModels, showModel } from '../models.ts';
import { print, printJson } from '../output.ts';

export function register(program: Command): Command {
  const group = defineCommand(program, 'models', {
    summary: 'List the models of the catalogue: parameters, shape and source.',
    examples: [
      ['orrery models', 'all of them'],
      ['orrery models show gpt3-175b', 'one, with its exact counts of parameters'],
    ],
  }).action(async (options: { json?: boolean }) => {
    const { models, text } = await listModels();
    if (options.json === true) printJson({ models });
    else print(text);
  });
  defineCommand(group, 'show', {
    summary:
      'Show one model of the catalogue, or of a Hugging Face config.json of your own, with its exact parameters.',
    examples: [
      ['orrery models show mixtral-8x7b', 'from the catalogue'],
      ['orrery models show ./config.json --json', 'from a file'],
    ],
  })
    .argument('<model>', 'name in the catalogue, path of a config.json or of its folder')
    .action(async (nameOrPath: string, options: { json?: boolean }) => {
      const { model, text } = await showModel(nameOrPath);
      if (options.json === true) printJson({ model });
      else print(text);
    });
  return group;
}
