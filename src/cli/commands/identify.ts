import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import type { Command } from 'commander';
import { OrreryError } from '../../contract/errors.ts';
import { defineCommand, integer } from '../command.ts';
import { homeFolder } from '../home.ts';
import { identify } from '../identify.ts';
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
      const modelFolder = options.model ?? newestModel(homeFolder());
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

/** The model written last: of the home first, else of the demo's. */
function newestModel(home: string): string {
  for (const folder of [join(home, 'models', 'languages'), join(home, 'demo', 'models', 'languages')]) {
    const models = modelsIn(folder).sort((left, right) => right.writtenMs - left.writtenMs);
    if (models[0] !== undefined) return models[0].folder;
  }
  throw new OrreryError('ORR_NOT_FOUND', 'no model yet: train one with orrery demo, or give --model FOLDER');
}

function modelsIn(folder: string): { folder: string; writtenMs: number }[] {
  let names: string[];
  try {
    names = readdirSync(folder);
  } catch {
    return [];
  }
  return [folder, ...names.map((name) => join(folder, name))].flatMap((candidate) => {
    const stat = statSync(join(candidate, 'model.json'), { throwIfNoEntry: false });
    return stat === undefined ? [] : [{ folder: candidate, writtenMs: stat.mtimeMs }];
  });
}
