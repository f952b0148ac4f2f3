import { SQUEUE_FIELDS } from '../../../formats/squeue-dump.ts';
import { shellCommand } from '../../../lib/shell-quote.ts';
import type { SlurmProgram } from '../slurm-commands.ts';
import type { SlurmSaved } from './read-saved.ts';

export type SavedName = keyof SlurmSaved;

/** A file of the folder, and the command that prints what is in it. */
export interface SavedFile {
  name: SavedName;
  command: (days: number) => readonly [program: SlurmProgram, ...args: string[]];
  /** What the import does without it. */
  without: string;
}

const SACCT_FIELDS =
  'JobID,State,Submit,Eligible,Start,End,ElapsedRaw,TimelimitRaw,NNodes,NCPUS,ReqTRES,AllocTRES,User,Account,QOS,Partition,Reservation';

/** The queue first: what the others tell is then no older than it. */
export const SAVED_FILES: readonly SavedFile[] = [
  {
    name: 'squeue',
    command: () => ['squeue', '-a', '-O', SQUEUE_FIELDS.map((field) => `${field}:|`).join(',')],
    without: 'no queue: now.yaml begins with an empty cluster',
  },
  {
    name: 'config',
    command: () => ['scontrol', 'show', 'config'],
    without: "Slurm's defaults stand in for the settings, and sprio's weights where they are there",
  },
  { name: 'node', command: () => ['scontrol', '-o', 'show', 'node'], without: 'nothing can be imported' },
  {
    name: 'partition',
    command: () => ['scontrol', '-o', 'show', 'partition'],
    without: 'no partitions: every job may have every node',
  },
  {
    name: 'reservation',
    command: () => ['scontrol', '-o', 'show', 'reservation'],
    without: 'no reservations: jobs start on nodes that are kept for others, or for maintenance',
  },
  {
    name: 'topology',
    command: () => ['scontrol', 'show', 'topology'],
    without: 'no leaf switches: gangs are placed as on a cluster without a topology',
  },
  {
    name: 'qos',
    command: () => ['sacctmgr', '-P', 'show', 'qos'],
    without: 'no QOS: no priority and no limit comes from one',
  },
  {
    name: 'assoc',
    command: () => ['sacctmgr', '-P', 'show', 'assoc', 'tree'],
    without: 'no accounts: every user has the same share, and no limit',
  },
  {
    name: 'sshare',
    command: () => ['sshare', '-alP'],
    without: 'no past use: fair-share begins anew',
  },
  { name: 'sprio', command: () => ['sprio', '-w'], without: 'the weights are those of config.txt alone' },
  { name: 'sdiag', command: () => ['sdiag'], without: 'when backfill runs next is a guess' },
  {
    name: 'sacct',
    command: (days) => ['sacct', '-aXDP', '-S', `now-${days}days`, '-o', SACCT_FIELDS],
    without: 'no history: no scenario.yaml, and jobs are taken to run to their time limit',
  },
];

/** Words as Slurm's sources have them, arrays with all of their tasks, and dates as Slurm prints them by default. */
export const PLAIN_OUTPUT = { LC_ALL: 'C', SLURM_BITSTR_LEN: '0', SLURM_TIME_FORMAT: 'standard' } as const;

export function fileNameOf(name: SavedName): string {
  return `${name}.txt`;
}

/** Shell lines that fill a folder `saved` for `--saved`, on a host without Orrery. A command that is refused leaves an empty file. */
export function recipe(days: number): string {
  const lines = SAVED_FILES.map(({ name, command }) => `${shellCommand(command(days))} >${fileNameOf(name)}`);
  const variables = Object.entries(PLAIN_OUTPUT).map(([name, value]) => `${name}=${value}`);
  return [`mkdir -p saved && cd saved && export ${variables.join(' ')}`, ...lines].join('\n');
}
