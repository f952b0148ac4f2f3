import { z } from 'zod';
import { OrreryError } from '../contract/errors.ts';
import { MODEL_FAMILIES, type ModelArchitecture, OTHER_FAMILY } from './model-families.ts';
import { parseYaml } from './yaml-file.ts';

/** A model as its file has it; `rules` are for counting its parameters. */
export interface ModelFile extends ModelArchitecture {
  name: string;
  /** Where its figures are from (`_source`); null where the file does not say. */
  source: string | null;
  /** What was taken for granted to read it, one line; null where its kind is known. */
  assumption: string | null;
}

/** Keys of experts, latent attention and state spaces. */
const UNREAD_PARTS = /expert|moe|lora_rank|ssm|mamba/i;

const head = z.looseObject({ model_type: z.string().nullish(), _source: z.string().nullish() });

/**
 * A model from a Hugging Face `config.json`. Its name is the file's, or the folder's where the file is called `config.json`. Throws ORR_BAD_FILE with one line,
 * such as `config.json:1:1 num_hidden_layers: missing: expected an integer > 0`.
 */
export function parseModelFile(json: string, fileName: string): ModelFile {
  checkJson(json, fileName);
  const config = parseYaml(json, fileName, head);
  const type = config.model_type ?? '';
  const family = MODEL_FAMILIES.get(type);
  if (family === undefined) refuseUnread(config, fileName);
  const architecture = (family ?? OTHER_FAMILY)(json, fileName, new Set(Object.keys(config)));
  const name = modelName(fileName);
  const assumption = `${name}: model_type ${JSON.stringify(type)} is not known; read as LLaMA is: gated MLP, no biases`;
  return {
    name,
    source: config._source ?? null,
    assumption: family === undefined ? assumption : null,
    ...architecture,
  };
}

/** Throws for a kind that is not known and has parts that LLaMA has not: its counts would be far off. */
function refuseUnread(config: Readonly<Record<string, unknown>>, fileName: string): void {
  const part = Object.keys(config).find((key) => UNREAD_PARTS.test(key) && Number(config[key]) > 0);
  if (part === undefined) return;
  const known = [...MODEL_FAMILIES.keys()].join(', ');
  const got = JSON.stringify(config['model_type'] ?? null);
  throw new OrreryError(
    'ORR_BAD_FILE',
    `${fileName} model_type: expected one of ${known} for a model with "${part}", got ${got}`,
  );
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
