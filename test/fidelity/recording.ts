import { mkdirSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { gzipSync } from 'node:zlib';
import type { PlannedJob } from './workload.ts';

/** Where a recording is kept; one elsewhere is named by its path. */
export function folderOf(name: string): string {
  return resolve(import.meta.dirname, 'recorded', name);
}

/** One record of `jobcomp/filetxt`: an attempt that is over. Seconds since 1970, as Slurm gives them. */
export interface JobCompletion {
  state: string;
  submitSeconds: number;
  eligibleSeconds: number;
  startSeconds: number;
  endSeconds: number;
  nodeList: string;
}

export interface RecordedJob {
  jobId: number;
  planned: PlannedJob;
  /** Id of the job it waits for. */
  after: number | null;
  attempts: readonly JobCompletion[];
}

/** As `sacctmgr -P` shows them. */
export interface AccountingDumps {
  qos: string;
  associations: string;
}

export interface Recording {
  name: string;
  conf: string;
  /** Null where the cluster has no accounting. */
  dumps: AccountingDumps | null;
  jobs: readonly RecordedJob[];
  /** Of slurmctld's log what `readControllerLog` reads. */
  passes: string;
}

const COLUMNS = [
  'job',
  'attempt',
  'submit_s',
  'eligible_s',
  'start_s',
  'end_s',
  'state',
  'nodes',
  'gpus_per_node',
  'runtime_s',
  'limit_s',
  'user',
  'account',
  'qos',
  'after',
  'planned_submit_ms',
  'partition',
  'node_list',
] as const;

/** All completions of a job, in the order in which they were written: more than one where it was requeued. */
export function readJobCompletions(log: string, jobId: number): JobCompletion[] {
  return log
    .split('\n')
    .filter((line) => line.startsWith(`JobId=${jobId} `))
    .map((line) => {
      const fields = new Map(
        line.split(' ').map((word) => {
          const at = word.indexOf('=');
          return [word.slice(0, at), word.slice(at + 1)] as const;
        }),
      );
      const seconds = (name: string) => Math.round(Date.parse(`${fields.get(name)}Z`) / 1000);
      return {
        state: fields.get('JobState') ?? '',
        submitSeconds: seconds('SubmitTime'),
        eligibleSeconds: seconds('EligibleTime'),
        startSeconds: seconds('StartTime'),
        endSeconds: seconds('EndTime'),
        nodeList: fields.get('NodeList') ?? '',
      };
    });
}

/** Returns its folder. */
export function writeRecording({ name, conf, dumps, jobs, passes }: Recording): string {
  const folder = folderOf(name);
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, 'slurm.conf'), conf);
  writeFileSync(join(folder, 'passes.log.gz'), gzipSync(passes, { level: 9 }));
  if (dumps !== null) {
    writeFileSync(join(folder, 'qos.txt'), dumps.qos);
    writeFileSync(join(folder, 'associations.txt'), dumps.associations);
  }
  const rows = jobs.flatMap(({ jobId, planned, after, attempts }) =>
    attempts.map((attempt, index) =>
      [
        jobId,
        index + 1,
        attempt.submitSeconds,
        attempt.eligibleSeconds,
        attempt.startSeconds,
        attempt.endSeconds,
        attempt.state,
        planned.nodes,
        planned.gpusPerNode,
        planned.runtimeSeconds,
        planned.limitMinutes * 60,
        planned.user ?? '',
        planned.account ?? '',
        planned.qos ?? '',
        after ?? '',
        planned.submitMs,
        planned.partition ?? '',
        `"${attempt.nodeList}"`,
      ].join(','),
    ),
  );
  writeFileSync(join(folder, 'jobs.csv'), `${[COLUMNS.join(','), ...rows].join('\n')}\n`);
  return folder;
}

/** A line of a recording's jobs.csv. */
export interface RecordedRow {
  job: string;
  attempt: number;
  submitSeconds: number;
  startSeconds: number;
  endSeconds: number;
  state: string;
  nodes: number;
  gpusPerNode: number;
  runtimeSeconds: number;
  limitSeconds: number;
  user: string | null;
  account: string | null;
  qos: string | null;
  after: string | null;
  partition: string | null;
}

/** Columns that the file does not have are empty. */
export function readRecordedRows(text: string): RecordedRow[] {
  const [header = '', ...lines] = text.trim().split('\n');
  const columns = header.split(',');
  return lines.map((line) => {
    const fields = line.split(',');
    const field = (column: (typeof COLUMNS)[number]) => fields[columns.indexOf(column)] ?? '';
    const word = (column: (typeof COLUMNS)[number]) => (field(column) === '' ? null : field(column));
    return {
      job: field('job'),
      attempt: Number(field('attempt')),
      submitSeconds: Number(field('submit_s')),
      startSeconds: Number(field('start_s')),
      endSeconds: Number(field('end_s')),
      state: field('state'),
      nodes: Number(field('nodes')),
      gpusPerNode: Number(field('gpus_per_node')),
      runtimeSeconds: Number(field('runtime_s')),
      limitSeconds: Number(field('limit_s')),
      user: word('user'),
      account: word('account'),
      qos: word('qos'),
      after: word('after'),
      partition: word('partition'),
    };
  });
}

/** The second of its first submission, in Unix time: second 0 of the run. */
export function epochOf(rows: readonly RecordedRow[]): number {
  return Math.min(...rows.filter(({ attempt }) => attempt === 1).map(({ submitSeconds }) => submitSeconds));
}

/**
 * The workload of a recording as `orrery sim --trace` takes it, from second 0 on. `submitMs`: of each job, in Unix time; absent: to the second, as
 * Slurm's records have it.
 */
export function plainCsv(rows: readonly RecordedRow[], submitMs?: ReadonlyMap<number, number>): string {
  const first = rows.filter(({ attempt }) => attempt === 1);
  const epochSeconds = epochOf(rows);
  const lines = first.map((row) => {
    const submitSeconds = (submitMs?.get(Number(row.job)) ?? row.submitSeconds * 1000) / 1000 - epochSeconds;
    return [
      row.job,
      Math.round(submitSeconds * 1000) / 1000,
      row.nodes,
      row.gpusPerNode,
      row.runtimeSeconds,
      row.limitSeconds,
      row.user ?? '',
      row.account ?? '',
      row.qos ?? '',
      row.after === null ? '' : `afterok:${row.after}`,
      row.partition ?? '',
    ].join(',');
  });
  return `${['job,submit_s,nodes,gpus_per_node,runtime_s,limit_s,user,account,qos,after,partition', ...lines].join('\n')}\n`;
}

/** The workload of a recording as `sacct -P` would tell it of jobs that took what they sleep. */
export function sacctDump(rows: readonly RecordedRow[]): string {
  const lines = rows
    .filter(({ attempt }) => attempt === 1)
    .map((row) =>
      [
        row.job,
        'COMPLETED',
        new Date(row.submitSeconds * 1000).toISOString().slice(0, 19),
        row.runtimeSeconds,
        row.limitSeconds / 60,
        row.nodes,
        row.nodes,
        `cpu=${row.nodes},gres/gpu=${row.nodes * row.gpusPerNode}`,
      ].join('|'),
    );
  return `${['JobID|State|Submit|ElapsedRaw|TimelimitRaw|NNodes|NCPUS|AllocTRES', ...lines].join('\n')}\n`;
}
