import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { OrreryError } from '../../../contract/errors.ts';
import { errorCode } from '../../../lib/error-code.ts';
import { sacctTrouble } from '../../../formats/sacct-dump.ts';
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
    const trouble = 'text' in answer ? troubleOf(file.name, answer.text) : answer.refusal;
    if ('text' in answer && trouble === null) {
      texts[file.name] = answer;
      continue;
    }
    const line = `${answer.name}: ${trouble}: ${file.without}`;
    if (file.name === 'node') throw new OrreryError(code, line);
    missing.push(line);
  }
  const { node, ...others } = texts;
  if (node === undefined) throw new OrreryError(code, 'scontrol show node: was not asked');
  return { saved: { node, ...others }, missing };
}

/** Columns without which nothing can be made of a table, as its header has them in lower case. What sacct needs its reader says. */
const COLUMNS: Readonly<Partial<Record<SavedName, readonly string[]>>> = {
  squeue: ['jobid', 'state', 'partition', 'nodes', 'time', 'time_limit', 'submit_time', 'nodelist'],
  qos: ['name', 'priority'],
  assoc: ['account', 'user', 'share'],
  sshare: ['account', 'user', 'rawusage'],
};

/** A command that was refused leaves an empty file, and some say why they were where others have a table. */
function troubleOf(name: SavedName, text: string): string | null {
  const header = text.split('\n').find((line) => line.trim() !== '');
  if (header === undefined) return 'empty';
  const required = COLUMNS[name];
  if (name !== 'sacct' && required === undefined) return null;
  const trouble = name === 'sacct' ? sacctTrouble(text) : tableTrouble(header, required ?? []);
  if (trouble === null) return null;
  // What the command said in its place.
  if (!header.includes('|') && /error|denied|not found|fail|unable|invalid|disabled/i.test(header))
    return header.trim();
  return `${trouble} (orrery clusters import --recipe prints the commands)`;
}

function tableTrouble(header: string, required: readonly string[]): string | null {
  if (!header.includes('|')) return 'no table with bars between its columns';
  const columns = header.split('|').map((name) => name.trim().toLowerCase());
  const missing = required.filter((name) => !columns.includes(name));
  if (missing.length === 0) return null;
  return missing.length === required.length ? 'no header that is known' : `without column ${missing.join(', ')}`;
}

async function savedText(path: string): Promise<string | null> {
  try {
    return await readFile(path, 'utf8');
  } catch (cause) {
    if (errorCode(cause) === 'ENOENT') return null;
    throw new OrreryError('ORR_BAD_FILE', `saved: cannot read ${path}: ${errorCode(cause) || 'unreadable'}`, { cause });
  }
}
