import { randomBytes } from 'node:crypto';
import { rmSync } from 'node:fs';
import { realpath, rename, stat, writeFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { OrreryError } from '../contract/errors.ts';
import { errorCode } from '../lib/error-code.ts';

const REASONS: Readonly<Record<string, string>> = {
  EACCES: 'permission denied',
  EISDIR: 'is a folder',
  ENOENT: 'no such folder',
  ENOSPC: 'no space left',
  ENOTDIR: 'a part of the path is not a folder',
  EROFS: 'read-only file system',
};

/**
 * A file that an option asks for. It is written beside its place and moved there once it is whole; until then nothing of an older one is lost, and where the
 * command ends early nothing is left behind.
 */
export class OutputFile {
  /** Where to write, until `commit`. */
  readonly path: string;
  readonly #option: string;
  readonly #file: string;
  /** Where it belongs; the same as `path` for what is no file, such as a terminal. */
  readonly #place: string;
  readonly #remove = () => {
    if (this.path !== this.#place) rmSync(this.path, { force: true });
  };

  private constructor(option: string, file: string, place: string, path: string) {
    this.#option = option;
    this.#file = file;
    this.#place = place;
    this.path = path;
    process.on('exit', this.#remove);
  }

  /** Before anything long is begun: throws ORR_BAD_FILE where it could not be written. `option`: without its dashes. */
  static async begin(option: string, file: string): Promise<OutputFile> {
    try {
      const { place, isFile } = await placeOf(file);
      const path = isFile ? `${place}.${randomBytes(6).toString('hex')}.tmp` : place;
      if (isFile) await writeFile(path, '', { flag: 'wx' });
      return new OutputFile(option, file, place, path);
    } catch (cause) {
      throw unwritable(option, file, cause);
    }
  }

  /** All of it at once. Throws ORR_BAD_FILE. */
  async write(text: string): Promise<void> {
    try {
      await writeFile(this.path, text);
    } catch (cause) {
      this.discard();
      throw unwritable(this.#option, this.#file, cause);
    }
    await this.commit();
  }

  /** Everything is written. Throws ORR_BAD_FILE. */
  async commit(): Promise<void> {
    try {
      if (this.path !== this.#place) await rename(this.path, this.#place);
    } catch (cause) {
      throw unwritable(this.#option, this.#file, cause);
    } finally {
      this.discard();
    }
  }

  /** As if it had not been asked for; nothing once it is in its place. */
  discard(): void {
    process.off('exit', this.#remove);
    this.#remove();
  }
}

/** The file itself where a link names it. */
async function placeOf(file: string): Promise<{ place: string; isFile: boolean }> {
  try {
    const found = await stat(file);
    if (found.isDirectory()) throw Object.assign(new Error('a folder'), { code: 'EISDIR' });
    return found.isFile() ? { place: await realpath(file), isFile: true } : { place: resolve(file), isFile: false };
  } catch (cause) {
    if (errorCode(cause) !== 'ENOENT') throw cause;
    return { place: resolve(file), isFile: true };
  }
}

function unwritable(option: string, file: string, cause: unknown): OrreryError {
  const code = errorCode(cause);
  const reason = REASONS[code] ?? (code || 'unwritable');
  return new OrreryError('ORR_BAD_FILE', `${option}: cannot write ${file}: ${reason}`, { cause });
}
