import { existsSync, readdirSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { OrreryError } from '../contract/errors.ts';
import { packageFolder } from './package-folder.ts';

/** Path of the cluster file that `--cluster NAME|FILE` means. */
export function clusterFile(nameOrFile: string): string {
  if (/[/.]/.test(nameOrFile)) return resolve(nameOrFile);
  const file = join(clustersFolder(), `${nameOrFile}.yaml`);
  if (existsSync(file)) return file;
  throw new OrreryError(
    'ORR_UNKNOWN_CLUSTER',
    `unknown cluster ${JSON.stringify(nameOrFile)}: known are ${clusterNames().join(', ')}; or give a path to a YAML file`,
  );
}

/** Names in the catalogue. */
export function clusterNames(): string[] {
  return readdirSync(clustersFolder())
    .flatMap((file) => (file.endsWith('.yaml') ? [file.slice(0, -'.yaml'.length)] : []))
    .sort();
}

function clustersFolder(): string {
  return join(packageFolder(), 'catalog', 'clusters');
}
