import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { OrreryError } from '../../../contract/errors.ts';
import { errorCode } from '../../../lib/error-code.ts';
import type { ConfText } from '../../../formats/slurm-conf-lines.ts';
import type { SlurmCommands, SlurmProgram } from '../slurm-commands.ts';
import { SlurmFailure } from '../slurm-failure.ts';
import type { SlurmSaved } from './read-saved.ts';
import { fileNameOf, PLAIN_OUTPUT, SAVED_FILES, type SavedFile, type SavedName } from './saved-files.ts';

/** Accounting of a month of a large cluster may take that long. */
const TIMEOUT_MS = 300_000;

/** Texts of Slurm's commands, and of those that there are not, a line each. */
export interface Collected {
  saved: SlurmSaved;
  missing: readonly string[];
}

/** Runs Slurm's commands, as whoever runs this. Throws ORR_FAILED where not even the nodes can be had, SlurmFailure where slurmctld or its host is away. */
export function collectLive(commands: SlurmCommands, days: number): Promise<Collected> {
  return collect('ORR_FAILED', async ({ command }) => {
    const [program, ...args] = command(days);
    const name = [program, ...args.slice(0, 3)].join(' ');
    try {
      return { name, text: await commands.run(program, args, { timeoutMs: TIMEOUT_MS, variables: PLAIN_OUTPUT }) };
    } catch (cause) {
      if (!(cause instanceof SlurmFailure)) throw cause;
      // Each of them would wait for it.
      const isAway = cause.kind === 'login' || (cause.kind === 'unreachable' && isOfController(program));
      if (isAway) throw cause;
      return { name, refusal: cause.said };
    }
  });
}

function isOfController(program: SlurmProgram): boolean {
  return program === 'squeue' || program === 'scontrol';
}

/** Reads what the commands printed from a folder. Throws ORR_NOT_FOUND for a folder that is not there, ORR_BAD_FILE without the nodes. */
export async function collectSaved(folder: string): Promise<Collected> {
  const found = await stat(folder).catch(() => null);
  if (found?.isDirectory() !== true) throw new OrreryError('ORR_NOT_FOUND', `saved: there is no folder ${folder}`);
  return collect('ORR_BAD_FILE', async (file) => {
    const name = fileNameOf(file.name);
    const text = await savedText(join(folder, name));
    return text === null ? { name, refusal: 'not there' } : { name, text };
  });
}

async function collect(
  code: 'ORR_FAILED' | 'ORR_BAD_FILE',
  answerOf: (file: SavedFile) => Promise<ConfText | { name: string; refusal: string }>,
): Promise<Collected> {
  const texts: Partial<Record<SavedName, ConfText>> = {};
  const missing: string[] = [];
  for (const file of SAVED_FILES) {
    const answer = await answerOf(file);
    if ('text' in answer && isTable(file.name, answer.text)) {
      texts[file.name] = answer;
      continue;
    }
    const line = `${answer.name}: ${'text' in answer ? wrongWords(answer.text) : answer.refusal}: ${file.without}`;
    if (file.name === 'node') throw new OrreryError(code, line);
    missing.push(line);
  }
  const { node, ...others } = texts;
  if (node === undefined) throw new OrreryError(code, 'scontrol show node: was not asked');
  return { saved: { node, ...others }, missing };
}

const TABLES: readonly SavedName[] = ['squeue', 'qos', 'assoc', 'sshare', 'sacct'];

/** A command that was refused leaves an empty file, and some say why they were where others have a table. */
function isTable(name: SavedName, text: string): boolean {
  return TABLES.includes(name) ? text.includes('|') : text.trim() !== '';
}

/** Why it is no table: what the command said instead, or that it was called in another way. */
function wrongWords(text: string): string {
  const line = text.split('\n').find((one) => one.trim() !== '');
  if (line === undefined) return 'empty';
  const isError = /error|denied|not found|fail|unable|invalid|disabled/i.test(line);
  return isError ? line.trim() : 'not in the columns of orrery clusters import --recipe';
}

async function savedText(path: string): Promise<string | null> {
  try {
    return await readFile(path, 'utf8');
  } catch (cause) {
    if (errorCode(cause) === 'ENOENT') return null;
    throw new OrreryError('ORR_BAD_FILE', `saved: cannot read ${path}: ${errorCode(cause) || 'unreadable'}`, { cause });
  }
}
