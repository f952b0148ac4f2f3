import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { OrreryError } from '../contract/errors.ts';
import { homeFolder } from './home.ts';

/** Folder of the language model written last: of the home first, else of the demo's. Throws ORR_NOT_FOUND. */
export function newestLanguageModel(): string {
  const home = homeFolder();
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
