import { randomBytes } from 'node:crypto';
import { mkdir, readdir, rename, rm, stat, writeFile } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { OrreryError } from '../../contract/errors.ts';
import { errorCode } from '../../lib/error-code.ts';

/**
 * All files of a folder at once: written beside it under another name, which becomes its own when everything is there. What `refuseExisting` let
 * pass is replaced. Throws ORR_BAD_FILE.
 */
export async function writeFolder(folder: string, files: ReadonlyMap<string, string>): Promise<void> {
  const place = resolve(folder);
  const suffix = randomBytes(6).toString('hex');
  const [fresh, old] = [`${place}.${suffix}.tmp`, `${place}.${suffix}.old`];
  try {
    await mkdir(dirname(place), { recursive: true });
    await mkdir(fresh);
    for (const [name, text] of files) await writeFile(join(fresh, name), text, { flag: 'wx' });
    if (await exists(place)) await rename(place, old);
    await rename(fresh, place);
  } catch (cause) {
    await rm(fresh, { recursive: true, force: true }).catch(() => {});
    if (!(await exists(place)) && (await exists(old))) await rename(old, place);
    throw new OrreryError('ORR_BAD_FILE', `out: cannot write ${folder}: ${errorCode(cause) || 'unwritable'}`, {
      cause,
    });
  }
  await rm(old, { recursive: true, force: true });
}

/**
 * Before anything long is begun: a folder that is there is refused, unless `isForced` and all that is in it are files of these names. Throws
 * ORR_CONFLICT.
 */
export async function refuseExisting(
  folder: string,
  names: readonly string[],
  { isForced }: { isForced: boolean },
): Promise<void> {
  const place = resolve(folder);
  const found = await stat(place).catch(() => null);
  if (found === null) return;
  const refuse = (what: string) => {
    throw new OrreryError('ORR_CONFLICT', `out: ${folder} ${what}`);
  };
  if (!found.isDirectory()) return refuse('is there and is no folder');
  if (!isForced) return refuse('is there already: give another folder, or --force to replace it');
  const stranger = (await readdir(place)).find((name) => !names.includes(name));
  if (stranger !== undefined) refuse(`holds ${stranger}, which no import wrote: --force replaces imports alone`);
}

async function exists(path: string): Promise<boolean> {
  return (await stat(path).catch(() => null)) !== null;
}
