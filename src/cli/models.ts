import { readdirSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { OrreryError } from '../contract/errors.ts';
import type { ModelKind } from '../formats/model-families.ts';
import { parseModelFile } from '../formats/model-file.ts';
import { nearest } from '../formats/nearest.ts';
import type { ModelShape } from '../planner/model.ts';
import { modelParameters } from '../planner/model-parameters.ts';
import { note } from './output.ts';
import { packageFolder } from './package-folder.ts';
import { modelFacts } from './render/model-facts.ts';
import { renderTable } from './render/table.ts';
import { terminalOf } from './render/terminal.ts';

/** A model and what its file says about it. */
export interface Model extends ModelShape {
  kind: ModelKind;
  /** Where its figures are from; null where the file does not say. */
  source: string | null;
}

/** The catalogue: every model, and a table of them by family and size. */
export async function listModels(): Promise<{ models: Model[]; text: string }> {
  const models = await Promise.all(modelNames().map((name) => loadModel(name)));
  models.sort((a, b) => familyOf(a).localeCompare(familyOf(b)) || a.parameters.total - b.parameters.total);
  const whole = (figure: number) => figure.toLocaleString('en');
  const text = renderTable<Model>(
    [
      { header: 'MODEL', text: ({ name }) => name },
      { header: 'PARAMS', align: 'right', text: ({ parameters }) => whole(parameters.total) },
      { header: 'LAYERS', align: 'right', text: ({ layers }) => whole(layers) },
      { header: 'HIDDEN', align: 'right', text: ({ hidden }) => whole(hidden) },
      { header: 'HEADS', align: 'right', text: ({ heads }) => whole(heads) },
      { header: 'KV', align: 'right', isSecondary: true, text: ({ kvHeads }) => whole(kvHeads) },
      { header: 'FFN', align: 'right', isSecondary: true, text: ({ ffn }) => whole(ffn) },
      { header: 'VOCAB', align: 'right', isSecondary: true, text: ({ vocab }) => whole(vocab) },
      { header: 'KIND', text: kindText },
      { header: 'SOURCE', isFlexible: true, isSecondary: true, text: ({ source }) => source ?? '-' },
    ],
    models,
    terminalOf(process.stdout),
  );
  return { models, text };
}

/** One model with its exact counts of parameters. Throws ORR_NOT_FOUND, ORR_BAD_FILE. */
export async function showModel(nameOrPath: string): Promise<{ model: Model; text: string }> {
  const model = await loadModel(nameOrPath);
  const table = renderTable(
    [
      { header: 'FIGURE', text: ([label]: readonly [string, string]) => label },
      { header: 'VALUE', isFlexible: true, text: ([, value]: readonly [string, string]) => value },
    ],
    modelFacts(model),
    terminalOf(process.stdout),
  );
  return { model, text: [`${model.name}: ${kindText(model)}`, '', table].join('\n') };
}

/** The model that `--model NAME|PATH` means: of the catalogue, or a `config.json` or the folder that holds it. Throws ORR_NOT_FOUND, ORR_BAD_FILE. */
export async function loadModel(nameOrPath: string): Promise<Model> {
  const isPath = /[/\\]|\.json$|^\.+$/.test(nameOrPath);
  if (isPath) return await readModel(nameOrPath, nameOrPath);
  const known = modelNames();
  if (known.includes(nameOrPath))
    return await readModel(join(modelsFolder(), `${nameOrPath}.json`), `${nameOrPath}.json`);
  const meant = nearest(nameOrPath, known);
  const hint = meant === undefined ? '`orrery models` lists those there are' : `did you mean "${meant}"?`;
  const message = `unknown model ${JSON.stringify(nameOrPath)} (or give a path to a config.json): ${hint}`;
  throw new OrreryError('ORR_NOT_FOUND', message);
}

async function readModel(path: string, shownPath: string): Promise<Model> {
  try {
    const { rules, assumption, ...shape } = parseModelFile(await readFile(path, 'utf8'), shownPath);
    if (assumption !== null) note(`warning: ${assumption}`);
    return { ...shape, parameters: modelParameters(shape, rules) };
  } catch (cause) {
    if (cause instanceof OrreryError) throw cause;
    const code = cause instanceof Error && 'code' in cause ? cause.code : undefined;
    if (code === 'EISDIR') return await readModel(join(path, 'config.json'), join(shownPath, 'config.json'));
    const why = code === 'ENOENT' ? 'no such file' : `cannot be read (${String(code ?? cause)})`;
    throw new OrreryError('ORR_NOT_FOUND', `${shownPath}: ${why}; expected the config.json of a model`, { cause });
  }
}

function modelNames(): string[] {
  return readdirSync(modelsFolder())
    .flatMap((file) => (file.endsWith('.json') ? [file.slice(0, -'.json'.length)] : []))
    .sort();
}

function modelsFolder(): string {
  return join(packageFolder(), 'catalog', 'models');
}

/** `gpt3` of `gpt3-1.3b`. */
function familyOf({ name }: Model): string {
  return name.replace(/-[^-]*$/, '');
}

function kindText({ kind, moe }: Model): string {
  return moe === null ? kind : `${kind}, ${moe.experts} experts`;
}
