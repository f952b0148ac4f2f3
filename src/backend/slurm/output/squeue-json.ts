import { z } from 'zod';
import { OrreryError } from '../../../contract/errors.ts';
import { SlurmFailure, STILL_RUNS } from '../slurm-failure.ts';
import { hostNames } from './host-names.ts';
import type { ExitStatus, SlurmJob } from './slurm-job.ts';

const MEBI = 1024 ** 2;
const MINUTE_MS = 60_000;
/** A year is what a job has that runs without a limit. */
const NO_LIMIT_MINUTES = 365 * 24 * 60;

/** A number, or since 23.02 `{"set": true, "infinite": false, "number": 12}`. */
const numberSchema = z
  .union([z.number(), z.object({ set: z.boolean(), infinite: z.boolean().optional(), number: z.number() }), z.null()])
  .transform((value) => {
    if (value === null || typeof value === 'number') return value;
    return value.set && value.infinite !== true ? value.number : null;
  })
  .nullable()
  .default(null);

const textSchema = z
  .string()
  .nullish()
  .transform((text) => text ?? '');

/** One word, or since 23.11 a list: the state and what goes on beside it. */
const stateSchema = z.union([z.string(), z.array(z.string())]).transform((state) => {
  return typeof state === 'string' ? [state] : state;
});

/** What wait(2) says: a plain number in 22.05, one with `set` in 23.02; since 23.11 spelt out. */
const exitSchema = z
  .union([
    z.number().transform(waitStatus),
    z
      .object({ set: z.boolean(), infinite: z.boolean().optional(), number: z.number() })
      .transform(({ set, number }) => waitStatus(set ? number : 0)),
    z
      .object({
        return_code: numberSchema,
        signal: z
          .object({ id: numberSchema.optional(), signal_id: numberSchema.optional() })
          .nullish()
          .transform((signal) => signal?.id ?? signal?.signal_id ?? null),
      })
      .transform((exit): ExitStatus => ({ code: exit.return_code ?? 0, signal: exit.signal ?? 0 })),
    z.null().transform((): ExitStatus => ({ code: 0, signal: 0 })),
  ])
  .default({ code: 0, signal: 0 });

function waitStatus(status: number): ExitStatus {
  return { code: (status >> 8) & 0xff, signal: status & 0x7f };
}

const jobSchema = z.object({
  job_id: z.int(),
  array_job_id: numberSchema,
  array_task_id: numberSchema,
  array_task_string: textSchema,
  name: textSchema,
  current_working_directory: textSchema,
  user_name: textSchema,
  account: textSchema,
  partition: textSchema,
  qos: textSchema,
  job_state: stateSchema,
  state_reason: textSchema,
  state_description: textSchema,
  restart_cnt: numberSchema,
  priority: numberSchema,
  nodes: textSchema,
  node_count: numberSchema,
  cpus: numberSchema,
  memory_per_node: numberSchema,
  gres_detail: z.array(z.string()).nullish(),
  time_limit: numberSchema,
  submit_time: numberSchema,
  start_time: numberSchema,
  end_time: numberSchema,
  eligible_time: numberSchema,
  exit_code: exitSchema,
  dependency: textSchema,
  excluded_nodes: textSchema,
  required_nodes: textSchema,
  resv_name: textSchema,
  licenses: textSchema,
  tres_req_str: textSchema,
});

const answerSchema = z.object({
  jobs: z.array(z.unknown()),
  errors: z
    .array(z.object({ description: textSchema, error: textSchema, source: textSchema }))
    .nullish()
    .transform((errors) => errors ?? []),
});

/**
 * The rows of `squeue --json`, one for a job, as they are. Throws ORR_FAILED where it is none, and SlurmFailure where slurmctld did not answer: squeue then
 * ends with 0 and an empty list, by which every job would look lost.
 */
export function squeueRows(text: string): unknown[] {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (cause) {
    throw new OrreryError('ORR_FAILED', `squeue --json: not JSON: ${text.slice(0, 60)}`, { cause });
  }
  const answer = answerSchema.safeParse(json);
  if (!answer.success) throw new OrreryError('ORR_FAILED', 'squeue --json: expected an object with "jobs"');
  const { jobs, errors } = answer.data;
  const [error] = errors;
  // With jobs in it the answer is one: later plugins tell here of values that they could not look up.
  if (error !== undefined && jobs.length === 0) {
    const said = [error.source, error.description, error.error].filter((words) => words !== '').join(': ');
    throw new SlurmFailure('unreachable', `squeue: ${said}: ${STILL_RUNS}`, said);
  }
  return jobs;
}

/** By the name of a job and the folder that it begins in. */
export type IsWanted = (name: string, folder: string) => boolean;

/** The folder that the job of a row begins in; '' where it does not say. */
export function folderOf(row: unknown): string {
  const folder: unknown = typeof row === 'object' && row !== null ? Reflect.get(row, 'current_working_directory') : '';
  return typeof folder === 'string' ? folder : '';
}

/**
 * The jobs in rows of Slurm 22.05 to 24.11 for which `isWanted` is true. One that is not understood fails the whole: a job that is left
 * out would look lost. The table that an import reads (`src/formats/squeue-dump.ts`) is there without Slurm's JSON plugin, and what it leaves out it
 * counts; but it has no indices of GPUs, and names may hold what separates its columns. Throws ORR_FAILED.
 */
export function slurmJobs(rows: readonly unknown[], isWanted: IsWanted = () => true): SlurmJob[] {
  return rows.flatMap((job) => {
    if (typeof job !== 'object' || job === null) return [];
    if ('name' in job && typeof job.name === 'string' && !isWanted(job.name, folderOf(job))) return [];
    const parsed = jobSchema.safeParse(job);
    if (parsed.success) return [toJob(parsed.data)];
    const [issue] = parsed.error.issues;
    throw new OrreryError('ORR_FAILED', `squeue --json: job field ${issue?.path.join('.')}: ${issue?.message}`);
  });
}

function toJob(job: z.output<typeof jobSchema>): SlurmJob {
  const [base = 'PENDING', ...flags] = job.job_state;
  // Beside RUNNING where it is a flag.
  const state = flags.includes('CONFIGURING') ? 'CONFIGURING' : base;
  const nodeNames = hostNames(job.nodes);
  return {
    slurmJobId: job.job_id,
    arrayJobId: job.array_job_id === 0 ? null : job.array_job_id,
    arrayTaskId: job.array_task_id,
    arrayTasks: job.array_task_string,
    name: job.name,
    folder: job.current_working_directory,
    user: job.user_name,
    account: job.account,
    partition: job.partition,
    qos: job.qos,
    state,
    isCompleting: state === 'COMPLETING' || flags.includes('COMPLETING'),
    reason: reasonOf(job.state_reason, job.state_description),
    reasonDetail: job.state_description.replaceAll('_', ' '),
    restarts: job.restart_cnt ?? 0,
    priority: job.priority,
    nodeNames,
    nodeCount: job.node_count ?? nodeNames.length,
    cpus: job.cpus ?? 0,
    memoryBytesPerNode: job.memory_per_node === null ? null : job.memory_per_node * MEBI,
    gpuIndices: (job.gres_detail ?? []).map(gpuIndices),
    timeLimitMs: job.time_limit === null || job.time_limit === NO_LIMIT_MINUTES ? null : job.time_limit * MINUTE_MS,
    submitMs: timeMs(job.submit_time) ?? 0,
    startMs: timeMs(job.start_time),
    endMs: timeMs(job.end_time),
    eligibleMs: timeMs(job.eligible_time),
    exitStatus: job.exit_code,
    dependency: job.dependency,
    excludedNodes: job.excluded_nodes,
    requiredNodes: job.required_nodes,
    reservation: job.resv_name,
    licenses: job.licenses,
    tres: job.tres_req_str,
  };
}

/**
 * The description says more of a job that Slurm holds itself (`launch failed requeued held`), and of one whose nodes are out of service, which it
 * calls Resources all the same.
 */
function reasonOf(reason: string, description: string): string {
  if (/held/i.test(description)) return description.replaceAll('_', ' ');
  if (reason === 'Resources' && /DOWN, DRAINED/.test(description)) return 'ReqNodeNotAvail';
  return reason === '' ? 'None' : reason;
}

function timeMs(seconds: number | null): number | null {
  return seconds === null || seconds === 0 ? null : seconds * 1000;
}

/** `gpu:a100:2(IDX:0-1,3)`; without indices as many as it says, from 0. */
function gpuIndices(detail: string): number[] {
  return detail.split(/,(?![^(]*\))/).flatMap((entry) => {
    const [, count = '1', list] = /^gpu(?::[^:(]+)*?(?::(\d+))?(?:\(IDX:([\d,-]+)\))?$/.exec(entry) ?? [];
    if (!entry.startsWith('gpu')) return [];
    if (list === undefined) return Array.from({ length: Number(count) }, (_, index) => index);
    return list.split(',').flatMap((range) => {
      const [first = 0, last = first] = range.split('-').map(Number);
      return Array.from({ length: last - first + 1 }, (_, index) => first + index);
    });
  });
}
