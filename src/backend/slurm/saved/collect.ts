import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { OrreryError } from '../../../contract/errors.ts';
import { errorCode } from '../../../lib/error-code.ts';
import type { ConfText } from '../../../formats/slurm-conf-lines.ts';
import type { SlurmCommands } from '../slurm-commands.ts';
import { SlurmFailure } from '../slurm-failure.ts';
import type { SlurmSaved } from './read-saved.ts';
import { fileNameOf, SAVED_FILES, type SavedName } from './saved-files.ts';

/** Accounting of a month of a large cluster may take that long. */
const TIMEOUT_MS = 300_000;

/** Texts of Slurm's commands, and of those that there are not, a line each. */
export interface Collected {
  saved: SlurmSaved;
  missing: readonly string[];
}

/** Dates as Slurm prints them by default, and arrays with all of their tasks. */
const PLAIN = { SLURM_TIME_FORMAT: 'standard', SLURM_BITSTR_LEN: '0', LC_ALL: 'C' };

/** Runs Slurm's commands, as whoever runs this. Throws ORR_FAILED where not even the nodes can be had. */
export async function collectLive(commands: SlurmCommands, days: number): Promise<Collected> {
  const texts: Partial<Record<SavedName, ConfText>> = {};
  const missing: string[] = [];
  for (const file of SAVED_FILES) {
    const [program, ...args] = file.command(days);
    const shown = [program, ...args.slice(0, 3)].join(' ');
    try {
      const text = await commands.run(program, args, { timeoutMs: TIMEOUT_MS, variables: PLAIN });
      if (isTable(file.name, text)) texts[file.name] = { name: shown, text };
      else missing.push(`${shown}: ${firstLine(text)}: ${file.without}`);
    } catch (cause) {
      if (!(cause instanceof SlurmFailure)) throw cause;
      missing.push(`${shown}: ${cause.said}: ${file.without}`);
    }
  }
  return complete(texts, missing, 'ORR_FAILED');
}

/** Reads what the commands printed from a folder. Throws ORR_NOT_FOUND for a folder that is not there, ORR_BAD_FILE without the nodes. */
export async function collectSaved(folder: string): Promise<Collected> {
  const found = await stat(folder).catch(() => null);
  if (found?.isDirectory() !== true) throw new OrreryError('ORR_NOT_FOUND', `saved: there is no folder ${folder}`);
  const texts: Partial<Record<SavedName, ConfText>> = {};
  const missing: string[] = [];
  for (const file of SAVED_FILES) {
    const name = fileNameOf(file.name);
    const text = await savedText(join(folder, name));
    if (text !== null && isTable(file.name, text)) texts[file.name] = { name, text };
    else missing.push(`${name}: ${text === null ? 'not there' : firstLine(text)}: ${file.without}`);
  }
  return complete(texts, missing, 'ORR_BAD_FILE');
}

const TABLES: readonly SavedName[] = ['squeue', 'qos', 'assoc', 'sshare', 'sacct'];

/** A command that was refused leaves an empty file, and some say why they were where others have a table. */
function isTable(name: SavedName, text: string): boolean {
  return TABLES.includes(name) ? text.includes('|') : text.trim() !== '';
}

function firstLine(text: string): string {
  const line = text.split('\n').find((one) => one.trim() !== '');
  return line === undefined ? 'empty' : line.trim();
}

async function savedText(path: string): Promise<string | null> {
  try {
    return await readFile(path, 'utf8');
  } catch (cause) {
    if (errorCode(cause) === 'ENOENT') return null;
    throw new OrreryError('ORR_BAD_FILE', `saved: cannot read ${path}: ${errorCode(cause) || 'unreadable'}`, { cause });
  }
}

function complete(
  texts: Partial<Record<SavedName, ConfText>>,
  missing: readonly string[],
  code: 'ORR_FAILED' | 'ORR_BAD_FILE',
): Collected {
  const { node, ...others } = texts;
  if (node !== undefined) return { saved: { node, ...others }, missing };
  const about = missing.find((line) => /^(?:node|scontrol -o show node)/.test(line));
  throw new OrreryError(code, about ?? 'scontrol show node: nothing can be imported');
}
