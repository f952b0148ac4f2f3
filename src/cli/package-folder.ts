import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { definite } from '../lib/assert.ts';

/** Folder with this package's package.json: the same from the sources and from the bundle. */
export function packageFolder(): string {
  let folder: string | undefined = dirname(fileURLToPath(import.meta.url));
  while (folder !== undefined && !existsSync(join(folder, 'package.json'))) {
    folder = folder === dirname(folder) ? undefined : dirname(folder);
  }
  return definite(folder, 'the package has a package.json above its modules');
}
