import { z } from 'zod';
import { OrreryError } from '../contract/errors.ts';
import { MODEL_FAMILIES, type ModelArchitecture, OTHER_FAMILY } from './model-families.ts';
import { parseYaml } from './yaml-file.ts';

/** A model as its file has it; `rules` are for counting its parameters. */
export interface ModelFile extends ModelArchitecture {
  name: string;
  /** Where its figures are from (`_source`); null where the file does not say. */
  source: string | null;
}

const head = z.looseObject({ model_type: z.string().nullish(), _source: z.string().nullish() });

/**
 * A model from a Hugging Face `config.json`. Its name is the file's, or the folder's where the file is called `config.json`. Throws ORR_BAD_FILE with one line,
 * such as `config.json:1:1 num_hidden_layers: missing: expected an integer > 0`.
 */
export function parseModelFile(json: string, fileName: string): ModelFile {
  checkJson(json, fileName);
  const config = parseYaml(json, fileName, head);
  const read = MODEL_FAMILIES.get(config.model_type ?? '') ?? OTHER_FAMILY;
  const architecture = read(json, fileName, new Set(Object.keys(config)));
  return { name: modelName(fileName), source: config._source ?? null, ...architecture };
}

function modelName(fileName: string): string {
  const [file = '', folder] = fileName.split(/[/\\]/).reverse();
  const stem = file.replace(/\.json$/, '');
  return stem === 'config' && folder !== undefined && !/^\.*$/.test(folder) ? folder : stem;
}

/**
 * Throws for what is not JSON, where the engine says at which place that is. The rest is left to the YAML reader, which takes all of JSON, and besides the
 * `Infinity` and `NaN` that Python writes.
 */
function checkJson(json: string, fileName: string): void {
  try {
    JSON.parse(json);
  } catch (cause) {
    const [, what, offset] = /^(.*?) in JSON at position (\d+)/.exec(cause instanceof Error ? cause.message : '') ?? [];
    if (what === undefined) return;
    const before = json.slice(0, Number(offset)).split('\n');
    const place = `${before.length}:${(before.at(-1) ?? '').length + 1}`;
    throw new OrreryError('ORR_BAD_FILE', `${fileName}:${place} not JSON: ${what}`, { cause });
  }
}
