import { parseJobArray } from '../../../contract/job-array.ts';
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
  /** The user who cancelled it; null: nobody, as where a slurmctld begins that does not know the job any more. */
  cancelledBy: number | null;
  exitStatus: ExitStatus;
  submitMs: number | null;
  startMs: number | null;
  endMs: number | null;
  /** In node-rank order; empty before it had any. */
  nodeNames: readonly string[];
}

/** Runs of jobs, oldest first; steps are left out, as are lines that are none. */
export function parseSacct(text: string): SacctRun[] {
  const runs = parseLines(text);
  const labels = new Set(runs.map(({ label }) => label));
  return runs.flatMap((run) => {
    // Tasks that never got a number of their own, `12_[3-4,9%2]`: as many runs. Of one that began since, it says nothing.
    const [, arrayJobId, list] = /^(\d+)_\[(.*)\]$/.exec(run.label) ?? [];
    const array = list === undefined ? '' : parseJobArray(list);
    if (typeof array === 'string') return [run];
    const tasks = array.taskIds.map((taskId) => ({ ...run, label: `${arrayJobId}_${taskId}` }));
    return tasks.filter(({ label }) => !labels.has(label));
  });
}

function parseLines(text: string): SacctRun[] {
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
        cancelledBy: cancellerOf(state),
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

/** Of `CANCELLED by 1000`. */
function cancellerOf(state: string): number | null {
  const [, user] = / by (\d+)$/.exec(state) ?? [];
  return user === undefined ? null : Number(user);
}

function timeMs(text: string): number | null {
  return /^\d+$/.test(text) ? Number(text) * 1000 : null;
}
