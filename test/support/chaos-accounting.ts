import { execFileSync } from 'node:child_process';
import { existsSync, lstatSync, readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { join } from 'node:path';
import { type Expected, readLedger } from './chaos-jobs.ts';
import type { SlurmCluster } from './slurm-cluster.ts';

interface Submission {
  submission: number;
  slurmJobId: number | null;
  arrayTask: string | null;
}

/** Jobs that have ended, and how they were to. */
export interface EndedJobs {
  slurm: SlurmCluster;
  home: string;
  ledger: string;
  ids: readonly number[];
  /** In the order of the ids. */
  expected: readonly Expected[];
}

/** Begins the line of an end that accounting does not have, and the job's own script tells. */
export const LOST_END = 'lost end of job';

/** Ends of which accounting has something else than we, a line each. */
export function differingEnds({ slurm, home, ledger, ids, expected }: EndedJobs): string[] {
  const fields = 'JobIDRaw,JobID,State,ExitCode,JobName';
  const text = execFileSync('sacct', ['-X', '-D', '-n', '-P', '-S', 'now-1days', '-o', fields], {
    env: slurm.env,
    encoding: 'utf8',
    maxBuffer: 1024 ** 3,
  });
  const runs = text.split('\n').map((line) => {
    const [slurmJobId = '', label = '', state = '', exit = '', name = ''] = line.split('|');
    const [submission = ''] = /\d+$/.exec(name) ?? [];
    return {
      slurmJobId,
      label,
      state: state.split(' ')[0] ?? '',
      code: Number(exit.split(':')[0]),
      jobId: jobIdOf(name, label),
      submission: Number(submission),
    };
  });
  return ids.flatMap((id, place) => {
    const record = readRecord(home, id);
    const { state, exitCode } = expected[place] ?? {};
    const isLast = (run: (typeof runs)[number]) =>
      record.slurmJobId === null ? run.submission === record.submission : run.slurmJobId === String(record.slurmJobId);
    const own = runs.filter((run) => run.jobId === id && isLast(run));
    const last = own.at(-1);
    // What is cancelled before it runs Slurm never had, or lists under no time.
    if (own.length === 0 && state === 'CANCELLED' && readLedger(ledger, id).length === 0) return [];
    if (last?.state === state && (state === 'CANCELLED' || last?.code === exitCode)) return [];
    const isOurs = state === 'CANCELLED' ? last?.state !== 'COMPLETED' : witnessed(home, id) === exitCode;
    const says = own.map((run) => `${run.state} ${run.code}`).join(', ');
    return [
      `${isOurs ? LOST_END : 'job'} ${id}: ${state} ${exitCode}, sacct of ${record.arrayTask ?? record.slurmJobId}: ${says}`,
    ];
  });
}

/** Of a name that ends with `-12-1`; of a task of an array, `50_3`, with `-12+0x1-1`. */
function jobIdOf(name: string, label: string): number {
  const [, first, min, step] = /-(\d+)(?:\+(\d+)x(\d+))?-\d+$/.exec(name) ?? [];
  if (first === undefined || min === undefined) return Number(first ?? 0);
  return Number(first) + (Number(label.split('_')[1]) - Number(min)) / Number(step);
}

/** The status that a script of the job wrote when it ended by itself; null where none did. */
function witnessed(home: string, id: number): number | null {
  const attempts = join(home, 'jobs', String(id), 'attempts');
  for (const attempt of existsSync(attempts) ? readdirSync(attempts) : []) {
    const path = join(attempts, attempt, 'exit');
    const [, status] = existsSync(path) ? (/^(\d+)\n$/.exec(readFileSync(path, 'utf8')) ?? []) : [];
    if (status !== undefined) return Number(status);
  }
  return null;
}

/** The last submission of the job, as its folder has it. */
export function readRecord(home: string, id: number): Submission {
  try {
    return JSON.parse(readFileSync(join(home, 'jobs', String(id), 'submission.json'), 'utf8'));
  } catch {
    return { submission: 0, slurmJobId: null, arrayTask: null };
  }
}

/** What the scripts of the job's attempts left, in a line. */
export function leftBy(home: string, id: number): string {
  const attempts = join(home, 'jobs', String(id), 'attempts');
  const names = existsSync(attempts) ? readdirSync(attempts) : [];
  const words = names.flatMap((attempt) =>
    ['exit', 'failed', 'holder', 'lost', 'srun.err'].map((name) => {
      const path = join(attempts, attempt, name);
      const isLink = lstatSync(path, { throwIfNoEntry: false })?.isSymbolicLink();
      if (isLink === undefined) return '';
      return `${attempt}/${name}: ${isLink ? readlinkSync(path) : readFileSync(path, 'utf8').slice(-400)}`;
    }),
  );
  return words
    .filter((word) => word !== '')
    .join(' ')
    .replaceAll('\n', ' ');
}
