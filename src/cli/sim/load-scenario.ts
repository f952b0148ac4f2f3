import { basename, dirname, resolve } from 'node:path';
import { OrreryError } from '../../contract/errors.ts';
import { FILE_FIELDS, NAME_FIELDS, parseScenarioFile, type ScenarioFields } from '../../formats/scenario-file.ts';
import { catalogueFile, isPath } from '../catalogue-file.ts';
import { readText } from '../read-text.ts';

/** Scenarios based on one another may be this many. */
const BASES_MAX = 20;

/**
 * A scenario of the catalogue or of a file, with what it takes over from its bases. Paths in it are relative to its file and come out
 * absolute. Throws ORR_BAD_FILE, ORR_USAGE.
 */
export async function loadScenario(nameOrFile: string, from = process.cwd()): Promise<ScenarioFields> {
  const files: string[] = [];
  const layers: ScenarioFields[] = [];
  let next: string | null = catalogueFile('scenario', nameOrFile, from);
  while (next !== null) {
    if (files.includes(next)) {
      throw new OrreryError(
        'ORR_BAD_FILE',
        `${basename(next)} base: expected a scenario that is not based on this one`,
      );
    }
    if (files.length === BASES_MAX) {
      throw new OrreryError(
        'ORR_BAD_FILE',
        `${basename(next)} base: expected at most ${BASES_MAX} scenarios based on one another`,
      );
    }
    files.push(next);
    const { base, fields } = parseScenarioFile(await readText(next), basename(next));
    layers.push(withPaths(fields, dirname(next)));
    next = base === null ? null : catalogueFile('scenario', base, dirname(next));
  }
  const [own] = files;
  const merged = layers.reduceRight<ScenarioFields>(withLayer, {});
  return { ...merged, title: layers[0]?.title ?? basename(own ?? nameOrFile).replace(/\.ya?ml$/, '') };
}

/** The one scenario on top of the other: fields replace, `set` adds up. A trace replaces a workload and the other way round. */
export function withLayer(below: ScenarioFields, above: ScenarioFields): ScenarioFields {
  const merged = { ...below, ...above };
  if (below.set !== undefined && above.set !== undefined) merged.set = { ...below.set, ...above.set };
  if (above.trace !== undefined && above.workload === undefined) delete merged.workload;
  if (above.workload !== undefined && above.trace === undefined) delete merged.trace;
  return merged;
}

/** With every path made absolute. */
export function withPaths(fields: ScenarioFields, folder: string): ScenarioFields {
  const made = { ...fields };
  for (const field of FILE_FIELDS) {
    const value = made[field];
    if (value !== undefined) made[field] = resolve(folder, value);
  }
  for (const field of NAME_FIELDS) {
    const value = made[field];
    if (value !== undefined && isPath(value)) made[field] = resolve(folder, value);
  }
  return made;
}
