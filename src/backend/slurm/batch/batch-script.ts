import { readFileSync } from 'node:fs';
import { dirname } from 'node:path';
import type { JobSpec } from '../../../contract/job.ts';
import { tasksPerNode, timeLimitMs } from '../../../contract/job.ts';
import { shellQuote } from '../../../lib/shell-quote.ts';
import { parseMemoryBytes } from '../../../lib/units.ts';
import { DEFAULT_QOS } from '../../../scheduler/default-names.ts';
import type { Dependency } from '../../../scheduler/types.ts';
import { taskList } from '../output/array-tasks.ts';
import type { ArrayKey } from './job-key.ts';

const BODY = readFileSync(new URL('slurm-batch.sh', import.meta.url), 'utf8');
const MEBI = 1024 ** 2;

/** A job that another waits for. */
export interface Predecessor {
  condition: Dependency['condition'];
  jobId: number;
  nodes: number;
  /** Of `after`, from its start; absent: 0. */
  delayMs?: number;
}

/** Tasks that are handed to sbatch in one call. */
export interface BatchArray {
  key: ArrayKey;
  /** Slurm's, ascending. */
  taskIds: readonly number[];
  /** How many may run at once; null: any number. */
  runningMax: number | null;
}

/** A job as it is handed to sbatch. */
export interface BatchJob {
  jobId: number;
  /** Null: one job. Else it is the first of several that ask for the same. */
  array: BatchArray | null;
  /** With the key in it, as `slurmJobName` makes it. */
  slurmName: string;
  spec: JobSpec;
  /** Calls of sbatch for the job, this one counted. */
  submission: number;
  /** Attempts of the job before this submission. */
  base: number;
  /** The last of them began and was not told to end: it may still run, or have ended by itself though it was taken for lost. */
  isLastUnended: boolean;
  isHeld: boolean;
  /** From now until it may start at the earliest; 0: at once. */
  beginSeconds: number;
  /** Nodes that the job asked to be spared, and those that failed it. */
  excludedNodes: readonly string[];
  /** Of other jobs, by their Slurm ids: `afterok:12,afterany:13`; '' for none. */
  dependency: string;
  /** The same jobs by their own ids: the script looks for their ends in the folders beside its own. */
  predecessors: readonly Predecessor[];
  /** One of them is enough. */
  isAnyEnough: boolean;
  /** Absolute, on the file system that all nodes share. */
  jobFolder: string;
  /** Absolute: the installed `slurm-rank.sh`. */
  rankScript: string;
}

export interface BatchSubmission {
  /** Arguments of sbatch, one word each; the script goes to its standard input. */
  options: string[];
  script: string;
}

/** What sbatch is called with. Pure: the same job, the same text. */
export function batchSubmission(job: BatchJob): BatchSubmission {
  return { options: batchOptions(job), script: batchScript(job) };
}

/**
 * What a job asks for and whom it counts for, in words that sbatch and srun share. What it says nothing of is left to Slurm's own defaults
 * (`DefCpuPerGPU`, `DefMemPerCPU` and their kin).
 */
export function requestOptions(spec: JobSpec, excludedNodes: readonly string[]): string[] {
  const { nodelist = [] } = spec;
  // Slurm takes no job that has to run where it may not: a node that failed it is one that it named.
  const excluded = excludedNodes.filter((name) => !nodelist.includes(name));
  const limitMs = timeLimitMs(spec);
  return [
    ...(spec.exclusive ? ['--exclusive'] : []),
    ...valued([
      ['nodes', spec.nodes],
      // What runs once says to its own srun how many ranks there are, unless the job says so already.
      ['ntasks-per-node', spec.once === true ? (spec.tasksPerNode ?? null) : tasksPerNode(spec)],
      ['cpus-per-task', spec.cpus ?? null],
      ['mem', spec.memory === '0' ? '0' : mebibytes(spec.memory)],
      ['mem-per-cpu', mebibytes(spec.memoryPerCpu)],
      ['mem-per-gpu', mebibytes(spec.memoryPerGpu)],
      ['gpus-per-node', gpus(spec)],
      ['gres', spec.gres ?? null],
      ['time', limitMs === null ? null : slurmTime(limitMs)],
      // The schema fills it in where a job says nothing: then Slurm's own default is meant.
      ['qos', spec.qos === DEFAULT_QOS ? null : spec.qos],
      ['account', spec.account ?? null],
      ['partition', spec.partition ?? null],
      ['reservation', spec.reservation ?? null],
      ['nodelist', nodelist.length === 0 ? null : nodelist.join(',')],
      ['constraint', spec.constraint ?? null],
      ['licenses', spec.licenses ?? null],
      ['switches', spec.switches ?? null],
      ['exclude', excluded.length === 0 ? null : excluded.join(',')],
      ['comment', spec.comment ?? null],
      ['nice', spec.nice === undefined || spec.nice === 0 ? null : spec.nice],
    ]),
  ];
}

function batchOptions({ spec, array, ...job }: BatchJob): string[] {
  const throttle = array === null || array.runningMax === null ? '' : `%${array.runningMax}`;
  const warning = warningOf(spec);
  const log = array === null ? 'batch.log' : `${arrayLogFolder(job.submission)}/%a`;
  return [
    '--parsable',
    spec.maxRequeues === 0 ? '--no-requeue' : '--requeue',
    ...(job.isHeld ? ['--hold'] : []),
    `--job-name=${job.slurmName}`,
    ...(spec.slurmOptions ?? []),
    ...requestOptions(spec, job.excludedNodes),
    ...valued([
      ['array', array === null ? null : `${taskList(array.taskIds)}${throttle}`],
      ['dependency', job.dependency === '' ? null : job.dependency],
      // What failed under this number may run again under another: a cluster may not cancel what waits for it.
      ['kill-on-invalid-dep', job.dependency === '' ? null : 'no'],
      ['begin', job.beginSeconds > 0 ? `now+${job.beginSeconds}` : null],
      ['signal', warning?.option ?? null],
      ['open-mode', 'append'],
      ['output', `${filePattern(job.jobFolder)}/${log}`],
      ['chdir', job.jobFolder],
      ['export', 'NONE'],
    ]),
  ];
}

/** `USR1@120`: to all steps. With `B:` to the batch script alone, which hands on to a script that runs once what `toScript` says. */
function warningOf({ signal, once = false }: JobSpec): { option: string; toScript: string } | null {
  if (signal === undefined) return null;
  const [, toBatch = '', name = '', lead = ''] = /^(B:)?(?:SIG)?(\w+)(@\d+)$/.exec(signal) ?? [];
  if (toBatch === '' || !once) return { option: `${name}${lead}`, toScript: '' };
  // SIGTERM says to the batch script that the job is told to end: the warning comes as another signal.
  return { option: `B:${name === 'TERM' ? 'ALRM' : name}${lead}`, toScript: name };
}

function valued(options: readonly (readonly [name: string, value: string | number | null])[]): string[] {
  return options.flatMap(([name, value]) => (value === null ? [] : [`--${name}=${value}`]));
}

/** In the folder of an array's first job: by task of Slurm's a link to where the log of that job is. */
export function arrayLogFolder(submission: number): string {
  return `array-${submission}`;
}

function batchScript({ jobId, jobFolder, submission, base, rankScript, spec, array, ...job }: BatchJob): string {
  const predecessors = job.predecessors.map(({ condition, jobId: id, nodes, delayMs = 0 }) => {
    return `${condition}:${id}:${condition === 'after' ? Math.ceil(delayMs / 1000) : nodes}`;
  });
  const values: [name: string, value: string][] = [
    ['submission', String(submission)],
    ['base', String(base)],
    ['unended', job.isLastUnended ? 'yes' : ''],
    ['slurm_name', job.slurmName],
    ['predecessors', predecessors.join(' ')],
    ['any_enough', job.isAnyEnough && predecessors.length > 0 ? 'yes' : ''],
    ['rank_script', rankScript],
    ['tasks_per_node', String(tasksPerNode(spec))],
    ['cpus_per_task', String(spec.cpus ?? '')],
    ['image', spec.image ?? ''],
    ['once', spec.once === true ? 'yes' : ''],
    ['warning', warningOf(spec)?.toScript ?? ''],
  ];
  const assignments = values.map(([name, value]) => `${name}=${shellQuote(value)}`);
  const [whose, ...folders] = array === null ? ofOne(jobId, jobFolder) : ofTask(array.key, jobFolder);
  return ['#!/bin/sh', whose, ...folders, ...assignments, BODY].join('\n');
}

function ofOne(jobId: number, jobFolder: string): string[] {
  const pattern = filePattern(`${jobFolder}/attempts`);
  return [`# Job ${jobId} of Orrery.`, `job=${shellQuote(jobFolder)}`, `folder_pattern=${shellQuote(pattern)}`];
}

/** All tasks have one script. */
function ofTask({ first, min, step }: ArrayKey, jobFolder: string): string[] {
  const jobs = dirname(jobFolder);
  return [
    `# Jobs of Orrery from ${first} on: task ${min} is the first, and every ${step} further there is one more.`,
    `job_id=$((${first} + (SLURM_ARRAY_TASK_ID - ${min}) / ${step}))`,
    `job=${shellQuote(jobs)}/$job_id`,
    `folder_pattern=${shellQuote(filePattern(jobs))}/$job_id/attempts`,
  ];
}

/** In whole MiB. */
function mebibytes(memory: string | undefined): string | null {
  if (memory === undefined) return null;
  return `${Math.max(1, Math.ceil((parseMemoryBytes(memory) ?? 0) / MEBI))}M`;
}

/** `a100:8`, or `8` of any type. */
function gpus({ gpusPerNode, gpuType }: JobSpec): string | null {
  if (gpusPerNode === 0) return null;
  return gpuType === undefined ? String(gpusPerNode) : `${gpuType}:${gpusPerNode}`;
}

/** A path in which Slurm replaces nothing (sbatch(1), "filename pattern"). */
function filePattern(path: string): string {
  return path.replaceAll('%', '%%');
}

/** `days-hours:minutes:seconds`; Slurm rounds seconds up to whole minutes. */
function slurmTime(ms: number): string {
  const seconds = Math.ceil(ms / 1000);
  const two = (value: number) => String(value).padStart(2, '0');
  const clock = `${two(Math.floor(seconds / 3600) % 24)}:${two(Math.floor(seconds / 60) % 60)}:${two(seconds % 60)}`;
  return `${Math.floor(seconds / 86_400)}-${clock}`;
}
