import { existsSync, readdirSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { OrreryError } from '../contract/errors.ts';
import { packageFolder } from './package-folder.ts';

/** What a user names or gives a YAML file of, and the folder of the catalogue that has it. */
const FOLDERS = {
  cluster: 'clusters',
  'failure model': 'failures',
  policy: 'policies',
  scenario: 'scenarios',
  workload: 'workloads',
} as const;
type Kind = keyof typeof FOLDERS;

/** `--cluster NAME|FILE` and its like: a word with a slash or a dot is a path, anything else a name of the catalogue. */
export function isPath(nameOrFile: string): boolean {
  return /[/.]/.test(nameOrFile);
}

/** Names in the catalogue, sorted. */
export function catalogueNames(kind: Kind): string[] {
  return readdirSync(catalogueFolder(kind))
    .flatMap((file) => (file.endsWith('.yaml') ? [file.slice(0, -'.yaml'.length)] : []))
    .sort();
}

/**
 * Path of the file that NAME|FILE means, a path being relative to `from`. Throws ORR_USAGE (ORR_UNKNOWN_CLUSTER of a cluster) for a name that is not in
 * the catalogue, and ORR_USAGE for a folder with such a file in it.
 */
export function catalogueFile(kind: Kind, nameOrFile: string, from = process.cwd()): string {
  const file = join(catalogueFolder(kind), `${nameOrFile}.yaml`);
  if (!isPath(nameOrFile) && existsSync(file)) return file;
  const inside = join(nameOrFile, `${kind}.yaml`);
  if (existsSync(resolve(from, inside))) {
    throw new OrreryError(
      'ORR_USAGE',
      `${kind} ${JSON.stringify(nameOrFile)} is a folder: give a file of it, such as ${inside}`,
    );
  }
  if (isPath(nameOrFile)) return resolve(from, nameOrFile);
  throw new OrreryError(
    kind === 'cluster' ? 'ORR_UNKNOWN_CLUSTER' : 'ORR_USAGE',
    `unknown ${kind} ${JSON.stringify(nameOrFile)}: known are ${catalogueNames(kind).join(', ')}; or give a path to a YAML file`,
  );
}

function catalogueFolder(kind: Kind): string {
  return join(packageFolder(), 'catalog', FOLDERS[kind]);
}
