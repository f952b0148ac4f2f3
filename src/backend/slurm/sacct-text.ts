import { hostNames } from './host-names.ts';
import type { ExitStatus } from './slurm-job.ts';

/**
 * Fields of `sacct --parsable2 --noheader`, as all of Slurm since 22.05 have them; times as the epoch's seconds (`SLURM_TIME_FORMAT=%s`). What the
 * mirror asks about its own jobs is read by place and in UTC; a history that somebody saved (`src/formats/sacct-dump.ts`) is read by its header and
 * has dates.
 */
export const SACCT_FIELDS = [
  'JobIDRaw',
  'JobID',
  'State',
  'ExitCode',
  'Submit',
  'Start',
  'End',
  'NodeList',
  'JobName',
] as const;
export const SACCT_TIME = { SLURM_TIME_FORMAT: '%s' } as const;

/** One run of a job in Slurm's accounting; a job that was requeued has several. Times are milliseconds since the epoch. */
export interface SacctRun {
  slurmJobId: number;
  /** As people write it: `12`, `12_3`. */
  label: string;
  name: string;
  /** The first word: `CANCELLED` of `CANCELLED by 0`. */
  state: string;
  exitStatus: ExitStatus;
  submitMs: number | null;
  startMs: number | null;
  endMs: number | null;
  /** In node-rank order; empty before it had any. */
  nodeNames: readonly string[];
}

/** Runs of jobs, oldest first; steps are left out, as are lines that are none. */
export function parseSacct(text: string): SacctRun[] {
  return text.split('\n').flatMap((line) => {
    // The name comes last: it alone may hold the separator.
    const [id = '', label = '', state = '', exit = '', submit = '', start = '', end = '', nodeList = '', ...name] =
      line.split('|');
    if (!/^\d+$/.test(id)) return [];
    const [code = '0', signal = '0'] = exit.split(':');
    return [
      {
        slurmJobId: Number(id),
        label,
        name: name.join('|'),
        state: state.split(' ')[0] ?? '',
        exitStatus: { code: Number(code), signal: Number(signal) },
        submitMs: timeMs(submit),
        startMs: timeMs(start),
        endMs: timeMs(end),
        nodeNames: hostNames(nodeList),
      },
    ];
  });
}

/** Which task of which array a run is of. */
export function arrayTaskOf({ label }: SacctRun): { arrayJobId: number | null; arrayTaskId: number | null } {
  const [, arrayJobId, arrayTaskId] = /^(\d+)_(\d+)$/.exec(label) ?? [];
  if (arrayJobId === undefined) return { arrayJobId: null, arrayTaskId: null };
  return { arrayJobId: Number(arrayJobId), arrayTaskId: Number(arrayTaskId) };
}

function timeMs(text: string): number | null {
  return /^\d+$/.test(text) ? Number(text) * 1000 : null;
}
