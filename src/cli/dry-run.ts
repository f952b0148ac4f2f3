import { join } from 'node:path';
import { defaultJobName } from '../backend/job-variables.ts';
import { type BatchArray, type BatchSubmission, batchSubmission } from '../backend/slurm/batch/batch-script.ts';
import { DEFAULT_MAX_ARRAY_SIZE } from '../backend/slurm/nodes/cluster-view.ts';
import { slurmArrayName, slurmJobName } from '../backend/slurm/batch/job-key.ts';
import { batchArray } from '../backend/slurm/submission/task-group.ts';
import { parseJobArray } from '../contract/job-array.ts';
import { dependencyOn, isAnyEnough, parseDependencies } from '../contract/dependency.ts';
import { type JobSpec, type JobSpecInput, jobSpecSchema } from '../contract/job.ts';
import { parseBeginMs } from '../contract/begin-time.ts';
import { OrreryError } from '../contract/errors.ts';
import { readSlurmFile, type SlurmFile, sharedFolderOf } from '../daemon/slurm-file.ts';
import { pathText, schemaIssues } from '../formats/schema-issue.ts';
import { note, print, printJson } from './output.ts';

/** Stands for the id a job is given when it is submitted. */
const JOB_ID = 0;

/** Prints what sbatch would be called with for each job, and submits nothing. No daemon is asked. */
export function printDryRun(jobs: readonly JobSpecInput[], home: string, isJson: boolean): void {
  const submissions = jobs.map((job, index) => submissionOf(parsed(job, index, jobs.length), home));
  if (isJson) {
    printJson(submissions.length === 1 ? submissions[0] : { jobs: submissions });
    return;
  }
  note(`nothing is submitted; job ${JOB_ID} stands for the id it would get`);
  for (const submission of submissions) print(asBatchFile(submission));
}

function parsed(job: JobSpecInput, index: number, count: number): JobSpec {
  const [issue] = schemaIssues(jobSpecSchema, job);
  if (issue === undefined) return jobSpecSchema.parse(job);
  const place = count === 1 ? '' : `jobs[${index}]: `;
  throw new OrreryError('ORR_BAD_JOB', `${place}${pathText(issue.path)}: ${issue.text}`);
}

function submissionOf(spec: JobSpec, home: string): BatchSubmission {
  const file = slurmHome(home);
  const { homeId } = file;
  const folder = sharedFolderOf(home, file);
  const jobFolder = join(folder, 'jobs', String(JOB_ID));
  const name = spec.name ?? defaultJobName(spec);
  const array = arrayOf(spec);
  return batchSubmission({
    jobId: JOB_ID,
    array,
    slurmName:
      array === null
        ? slurmJobName(name, homeId, { jobId: JOB_ID, submission: 1 })
        : slurmArrayName(name, homeId, array.key, 1),
    spec,
    submission: 1,
    base: 0,
    isLastUnended: false,
    isHeld: spec.hold,
    beginSeconds: secondsUntil(spec.begin, Date.now()),
    excludedNodes: spec.exclude,
    dependency: spec.after ?? '',
    // How many nodes they have only the daemon knows.
    predecessors: parseDependencies(spec.after).map((written) => ({
      ...dependencyOn(written.jobId, written),
      nodes: 1,
    })),
    isAnyEnough: isAnyEnough(spec.after),
    jobFolder,
    rankScript: join(folder, 'slurm', 'rank.sh'),
  });
}

/** As long as Slurm's `MaxArraySize` is its own, which only the daemon knows. */
function arrayOf(spec: JobSpec): BatchArray | null {
  const array = parseJobArray(spec.array ?? '');
  if (typeof array === 'string') return null;
  const tasks = array.taskIds.map((taskId, place) => ({ jobId: JOB_ID + place, taskId }));
  return batchArray(tasks.slice(0, DEFAULT_MAX_ARRAY_SIZE), { id: JOB_ID, ...array }, DEFAULT_MAX_ARRAY_SIZE);
}

function secondsUntil(begin: string | undefined, nowMs: number): number {
  const beginMs = begin === undefined ? undefined : parseBeginMs(begin, nowMs);
  return Math.max(0, Math.ceil(((beginMs ?? nowMs) - nowMs) / 1000));
}

/** Of a home whose jobs are with Slurm; where there is none yet, what it would be like. */
function slurmHome(home: string): Pick<SlurmFile, 'homeId' | 'shared'> {
  return readSlurmFile(home) ?? { homeId: '00000000', shared: null };
}

/** The options as the script's own `#SBATCH` lines, so that what is printed can be given to sbatch as it is. */
function asBatchFile({ options, script }: BatchSubmission): string {
  const [first = '#!/bin/sh', ...rest] = script.split('\n');
  const lines = options.map((option) => `#SBATCH ${/[\s"'#]/.test(option) ? quoted(option) : option}`);
  return [first, ...lines, ...rest].join('\n').trimEnd();
}

function quoted(option: string): string {
  const equals = option.indexOf('=') + 1;
  return `${option.slice(0, equals)}"${option.slice(equals).replaceAll('"', '\\"')}"`;
}
