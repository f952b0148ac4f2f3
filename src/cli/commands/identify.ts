import { text } from 'node:stream/consumers';
import type { Command } from 'commander';
import { OrreryError } from '../../contract/errors.ts';
import { defineCommand, integer } from '../command.ts';
import { identify } from '../identify.ts';
import { newestLanguageModel } from '../newest-model.ts';
import { print, printJson } from '../output.ts';
import { renderLanguages } from '../render/language-table.ts';
import { terminalOf } from '../render/terminal.ts';

interface Options {
  model?: string;
  top: number;
  json?: boolean;
}

export function register(program: Command): Command {
  return defineCommand(program, 'identify', {
    summary:
      'Name the language of a text, with the model that orrery demo trained; without a text: of each line of stdin.',
    examples: [
      ['orrery identify "이것은 무슨 언어입니까"', 'the most likely languages'],
      ['orrery identify --top 1 --json < sentences.txt', 'one line each, as JSON'],
    ],
  })
    .argument('[text...]', 'words; several are joined by spaces')
    .option('--model <folder>', 'folder with model.json (default: the newest in the home)')
    .option('--top <n>', 'how many languages', integer(1, 1000), 3)
    .action(async (words: string[], options: Options) => {
      const modelFolder = options.model ?? newestLanguageModel();
      const texts = words.length > 0 ? [words.join(' ')] : await linesOfStdin();
      const results = await identify({ texts, modelFolder, top: options.top });
      if (options.json === true) printJson({ model: modelFolder, results });
      else print(renderLanguages(results, terminalOf(process.stdout)));
    });
}

async function linesOfStdin(): Promise<string[]> {
  if (process.stdin.isTTY)
    throw new OrreryError('ORR_USAGE', 'expected a text: orrery identify "TEXT", or lines on stdin');
  const lines = (await text(process.stdin)).split('\n').filter((line) => line.trim() !== '');
  if (lines.length === 0) throw new OrreryError('ORR_USAGE', 'standard input holds no text');
  return lines;
}
