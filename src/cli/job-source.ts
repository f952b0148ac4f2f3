import { readFileSync } from 'node:fs';
import { basename } from 'node:path';
import { text } from 'node:stream/consumers';
import type { JobSpecInput } from '../contract/job.ts';
import { OrreryError } from '../contract/errors.ts';
import { readSlurmFile } from '../daemon/slurm-file.ts';
import { parseJobFile, parseJobLines } from '../formats/job-file.ts';
import { parseSbatchScript } from '../formats/sbatch-script.ts';
import { errorCode } from '../lib/error-code.ts';
import type { RunTarget } from './job-options.ts';
import { homeFolder } from './home.ts';
import { note } from './output.ts';

const READ_ERRORS: Partial<Record<string, string>> = {
  ENOENT: 'no such file',
  EACCES: 'permission denied',
  EISDIR: 'it is a folder',
};

/** The job of a file, as written. With `isDryRun` it is for a Slurm, whatever the home has. */
export function readJob(target: Exclude<RunTarget, { kind: 'command' }>, isDryRun: boolean): JobSpecInput {
  const content = readText(target.path);
  if (target.kind === 'job file') return parseJobFile(content, target.path);
  const { spec, warnings, slurmWarnings } = parseSbatchScript(content, target.path);
  const isForSlurm = isDryRun || readSlurmFile(homeFolder()) !== null;
  for (const warning of isForSlurm ? warnings : [...warnings, ...slurmWarnings]) note(`warning: ${warning}`);
  const words = target.arguments;
  return { name: basename(target.path), ...spec, ...(words.length > 0 && { scriptArguments: words }) };
}

/** The jobs of a `--batch` file, in its order; `-` is standard input. */
export async function readBatch(path: string): Promise<JobSpecInput[]> {
  const jobs = path === '-' ? parseJobLines(await text(process.stdin), 'stdin') : parseJobLines(readText(path), path);
  if (jobs.length === 0)
    throw new OrreryError('ORR_BAD_FILE', `${path}: no job in it: expected one JSON object a line`);
  return jobs;
}

function readText(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (cause) {
    const errno = errorCode(cause);
    const reason = READ_ERRORS[errno ?? ''] ?? errno ?? 'unreadable';
    throw new OrreryError('ORR_BAD_FILE', `cannot read ${path}: ${reason}`, { cause });
  }
}
