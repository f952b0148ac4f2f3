import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { lstat, mkdir, open, readdir, readFile, readlink, rename, rm, stat, symlink } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { z } from 'zod';
import type { AcceptedJob } from '../../../contract/journal.ts';
import { errorCode } from '../../../lib/error-code.ts';
import { Gate } from '../../../lib/gate.ts';
import { shellCommand, shellQuote } from '../../../lib/shell-quote.ts';
import type { EndState, JobRequest } from '../../../scheduler/types.ts';
import { arrayTask, arrayVariables, defaultJobName, submittedVariables } from '../../job-variables.ts';
import type { SubmissionRecord } from '../mirror/mirror-job.ts';

/** Files open at once, of all jobs together: a process may not have as many as there can be jobs. */
const reads = new Gate(128);

const RANK_SCRIPT = readFileSync(new URL('slurm-rank.sh', import.meta.url), 'utf8');

/** What the batch script of an attempt left on the shared folder. Times are milliseconds since the epoch. */
export interface AttemptFacts {
  attempt: number;
  /** Of the Slurm job that claimed it; null: nobody has. */
  slurmJobId: number | null;
  claimedMs: number | null;
  /**
   * Null: its script has not ended, or was killed. `isTold`: after a signal, or the loss of a node, and not by itself. `isCalledOff`: Slurm killed its
   * tasks and said nothing to its script.
   */
  exit: { status: number; endedMs: number; isTold: boolean; isCalledOff?: boolean } | null;
  /** The first rank that failed; null where none has said so. */
  failed: { rank: number; status: number; nodeName: string; atMs: number } | null;
  /** Nodes that had gone by its end, by what Slurm told the script; none where it told of none. */
  lostNodes: readonly string[];
  /** Words of Slurm's daemons where it ran out of memory; null where they said nothing of the kind. */
  memory: string | null;
}

/** Whether the attempt, taken for lost, may end by itself yet, or has done so since. */
export function mayStillEnd({ slurmJobId, exit }: AttemptFacts): boolean {
  return slurmJobId !== null && exit?.isTold !== true;
}

const recordSchema = z.object({
  submission: z.int(),
  base: z.int(),
  slurmJobId: z.int().nullable(),
  arrayTask: z.string().nullable().default(null),
  arrayKey: z.string().nullable().default(null),
  refusal: z.string().nullable(),
  launchFailures: z.int().default(0),
  isDue: z.boolean().default(false),
});

/** Writes a file that its owner alone may read, whole or not at all, and on the disk when this resolves. */
export async function writeDurably(path: string, text: string, mode = 0o600): Promise<void> {
  const half = `${path}.${process.pid}.partial`;
  const file = await open(half, 'w', mode);
  try {
    await file.writeFile(text);
    await file.sync();
  } finally {
    await file.close();
  }
  await rename(half, path);
}

/** Puts the script of the ranks where all nodes see it and returns its path. Jobs that run keep the version they began with. */
export async function installRankScript(sharedFolder: string): Promise<string> {
  const digest = createHash('sha256').update(RANK_SCRIPT).digest('hex').slice(0, 8);
  const folder = join(sharedFolder, 'slurm');
  const path = join(folder, `rank-${digest}.sh`);
  // On a full disk a daemon that starts again need not write it.
  if ((await ifThere(readFile(path, 'utf8'))) === RANK_SCRIPT) return path;
  await mkdir(folder, { recursive: true, mode: 0o700 });
  await writeDurably(path, RANK_SCRIPT, 0o700);
  return path;
}

/** The files of one job on the shared folder that the batch script and the ranks read and write. */
export class JobFolder {
  readonly path: string;

  constructor(path: string) {
    this.path = path;
  }

  /** Null: sbatch was never called for it. Throws what the file system says where it does not let us read. */
  async readRecord(): Promise<SubmissionRecord | null> {
    const text = await reads.run(() => ifThere(readFile(join(this.path, 'submission.json'), 'utf8')));
    return text === null ? null : recordSchema.parse(JSON.parse(text));
  }

  /** When the record was last written, by the clock of the file system; null as above. */
  async recordMs(): Promise<number | null> {
    return (await ifThere(stat(join(this.path, 'submission.json'))))?.mtimeMs ?? null;
  }

  /** Makes the folder anew where somebody has deleted it, and not where the folder of all jobs is away with it. */
  async writeRecord(record: SubmissionRecord): Promise<void> {
    await mkdir(this.path, { mode: 0o700 }).catch((error: unknown) => {
      if (errorCode(error) !== 'EEXIST') throw error;
    });
    await writeDurably(join(this.path, 'submission.json'), `${JSON.stringify(record)}\n`);
  }

  /** What the batch script and the ranks need, and which submission counts: the scripts of older ones do nothing then. */
  async prepare(job: PreparedJob): Promise<void> {
    await mkdir(join(this.path, 'checkpoint'), { recursive: true, mode: 0o700 });
    const { script } = job.accepted.spec;
    if (script !== undefined) await writeDurably(join(this.path, 'script'), script, 0o700);
    await writeDurably(join(this.path, 'job.sh'), jobText(job, this.path));
    if (Object.keys(job.secrets).length > 0) {
      await writeDurably(join(this.path, 'secrets.sh'), exports(job.secrets).join('\n'));
    }
    await writeDurably(join(this.path, 'submission'), `${job.submission}\n`);
  }

  /** Where Slurm is to write the logs of an array's tasks, each by its id there, and whose folders they belong in. */
  async linkLogs(name: string, jobIds: ReadonlyMap<number, number>): Promise<void> {
    const folder = join(this.path, name);
    await rm(folder, { recursive: true, force: true });
    await mkdir(folder, { recursive: true, mode: 0o700 });
    for (const [taskId, jobId] of jobIds) await symlink(`../../${jobId}/batch.log`, join(folder, String(taskId)));
  }

  /** Whether what was prepared is there; true where the folder of all jobs is away too, of which nothing is known then. */
  async isThere(): Promise<boolean> {
    // The record is written again where all else was deleted.
    const prepared = join(this.path, 'submission');
    const [own, all] = await Promise.all([ifThere(stat(prepared)), ifThere(stat(dirname(this.path)))]);
    return own !== null || all === null;
  }

  async removeSecrets(): Promise<void> {
    await rm(join(this.path, 'secrets.sh'), { force: true });
  }

  /** For the scripts of jobs that wait for this one: it has ended so. */
  async markEnded(state: EndState): Promise<void> {
    await writeDurably(join(this.path, 'ended'), `${state}\n`);
  }

  /** It is to run again. */
  async removeMark(): Promise<void> {
    await rm(join(this.path, 'ended'), { force: true });
  }

  /** Whether the script of the attempt has left its end. Throws as above. */
  async hasLeftEnd(attempt: number): Promise<boolean> {
    return (await reads.run(() => ifThere(stat(join(this.path, 'attempts', String(attempt), 'exit'))))) !== null;
  }

  /** Attempts after the first `base`, by number. Throws what the file system says where it does not let us read. */
  async attempts(base: number): Promise<AttemptFacts[]> {
    const names = (await reads.run(() => ifThere(readdir(join(this.path, 'attempts'))))) ?? [];
    const numbers = names.map(Number).filter((number) => Number.isInteger(number) && number > base);
    return Promise.all(numbers.sort((a, b) => a - b).map((attempt) => reads.run(() => this.#attempt(attempt))));
  }

  async #attempt(attempt: number): Promise<AttemptFacts> {
    const folder = join(this.path, 'attempts', String(attempt));
    const [holder, failed, exitText, memory, lost] = await Promise.all([
      ifThere(readlink(join(folder, 'holder'))),
      ifThere(readlink(join(folder, 'failed'))),
      ifThere(readFile(join(folder, 'exit'), 'utf8')),
      ifThere(readFile(join(folder, 'memory'), 'utf8')),
      ifThere(readFile(join(folder, 'lost'), 'utf8')),
    ]);
    const claim = holder === null ? null : await ifThere(lstat(join(folder, 'holder')));
    const [, status, how] = /^(\d+)(?: (\w+))?\n$/.exec(exitText ?? '') ?? [];
    const ended = status === undefined ? null : await ifThere(stat(join(folder, 'exit')));
    const failure = failed === null ? null : await ifThere(lstat(join(folder, 'failed')));
    const slurmJobId = Number(holder?.split('.')[0] ?? Number.NaN);
    return {
      attempt,
      slurmJobId: Number.isInteger(slurmJobId) ? slurmJobId : null,
      claimedMs: claim?.mtimeMs ?? null,
      exit:
        status === undefined || ended === null
          ? null
          : { status: Number(status), endedMs: ended.mtimeMs, isTold: how !== undefined, isCalledOff: how === 'KILL' },
      failed: failed === null || failure === null ? null : parseFailed(failed, failure.mtimeMs),
      lostNodes: lost?.split(/\s+/).filter((name) => name !== '') ?? [],
      memory: memory?.trim() || null,
    };
  }
}

/**
 * Null where there is nothing of that name, or no link. Anything else is no answer and is thrown: with a ticket that has ended, a server that is
 * away or too many open files every job would look as if nobody had ever begun it.
 */
async function ifThere<T>(reading: Promise<T>): Promise<T | null> {
  try {
    return await reading;
  } catch (error) {
    if (['ENOENT', 'ENOTDIR', 'EINVAL'].includes(errorCode(error))) return null;
    throw error;
  }
}

function parseFailed(text: string, atMs: number): AttemptFacts['failed'] {
  const [rank = '0', status = '1', nodeName = ''] = text.split(' ');
  return { rank: Number(rank), status: Number(status), nodeName, atMs };
}

export interface PreparedJob {
  accepted: AcceptedJob;
  request: JobRequest;
  /** Calls of sbatch for it, the one to come counted. */
  submission: number;
  workFolder: string;
  secrets: Readonly<Record<string, string>>;
}

/** What would mislead Slurm's own commands or the libraries that it talks to. */
const SLURMS_OWN = /^(?:SLURM|SLURMD|SBATCH|SRUN|SALLOC|SQUEUE|SACCT|SCANCEL|SINFO|SCONTROL|PMI|PMIX)_/;

/** The environment and the command of a job's tasks, as a shell reads them: no word of a user is seen unquoted. */
function jobText({ accepted, request, workFolder }: PreparedJob, folder: string): string {
  const { spec, code } = accepted;
  const given = Object.entries(submittedVariables(accepted)).filter(([name]) => !SLURMS_OWN.test(name));
  const own = {
    ORRERY_JOB_ID: String(request.jobId),
    ORRERY_JOB_NAME: spec.name ?? defaultJobName(spec),
    ORRERY_CHECKPOINT_DIR: join(folder, 'checkpoint'),
    ORRERY_METRICS: join(folder, 'metrics.ndjson'),
    ORRERY_SUBMIT_DIR: code?.submitFolder ?? workFolder,
    ...arrayVariables(arrayTask({ accepted, request })),
  };
  const script = join(folder, 'script');
  const program = spec.script?.startsWith('#!') === true ? [script] : ['/bin/sh', script];
  const argv = spec.command ?? [...program, ...(spec.scriptArguments ?? [])];
  return [
    ...exports({ ...Object.fromEntries(given), ...own }),
    `work_folder=${shellQuote(workFolder)}`,
    `image=${shellQuote(spec.image ?? '')}`,
    `set -- ${shellCommand([...functionsOf(given), ...argv])}`,
    '',
  ].join('\n');
}

/** Functions of bash (`BASH_FUNC_module%%`), in whose names `sh` sees no variable: env hands them on. */
function functionsOf(variables: readonly (readonly [name: string, value: string])[]): string[] {
  const functions = variables.filter(([name]) => /^BASH_FUNC_[^=]+%%$/.test(name));
  return functions.length === 0 ? [] : ['env', ...functions.map(([name, value]) => `${name}=${value}`)];
}

/** Names that no shell can say are left out. */
function exports(variables: Readonly<Record<string, string>>): string[] {
  return Object.entries(variables).flatMap(([name, value]) => {
    return /^[A-Za-z_][A-Za-z0-9_]*$/.test(name) ? [`export ${name}=${shellQuote(value)}`] : [];
  });
}
