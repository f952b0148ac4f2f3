import type { PastAttempt } from '../scheduler/past-use.ts';
import type { DatabaseSync, SQLInputValue, SQLOutputValue, StatementSync } from 'node:sqlite';
import { jobStateSchema } from '../contract/api.ts';
import { assert } from '../lib/assert.ts';
import type { AttemptRow, JobEntry, JobRow } from './job-row.ts';

type Row = Record<string, SQLOutputValue>;

export interface EndedJobFilter {
  state?: JobRow['state'];
  name?: string;
  /** The newest so many. */
  limit?: number;
  /** Only tasks of this array. */
  arrayId?: number;
}

/** Sums over the attempts of one job, up to now where one still runs. */
export interface JobUsage {
  jobId: number;
  name: string;
  user: string;
  account: string;
  array: JobRow['array'];
  gpuMs: number;
  cpuMs: number;
  /** Time its nodes were allocated. */
  runMs: number;
  nodeFailures: number;
  preemptions: number;
  /** Time it waited while it could have run. */
  queuedMs: number;
}

/** Which jobs are meant: all, those that have or have not ended, or one by its id. */
export type JobScope = 'all' | 'live' | 'ended' | number;

/** The same statement for each scope; the id of one job is `?1`. */
type Scoped = Record<Exclude<JobScope, number> | 'one', StatementSync>;

function prepareScoped(database: DatabaseSync, sql: (isMeant: string) => string): Scoped {
  return {
    all: database.prepare(sql('TRUE')),
    live: database.prepare(sql('is_ended = 0')),
    ended: database.prepare(sql('is_ended = 1')),
    one: database.prepare(sql('jobs.job_id = ?1')),
  };
}

/** How a job ended. */
export interface JobOutcome {
  jobId: number;
  state: JobRow['state'];
  exitCode: number;
  startMs: number | null;
  endMs: number;
}

const JOB_COLUMNS = [
  'job_id',
  'accepted_seq',
  'name',
  'account',
  'qos',
  'nodes',
  'gpus_per_node',
  'dependencies',
  'submit_ms',
  'state',
  'is_ended',
  'exit_code',
  'attempt',
  'requeues',
  'is_held',
  'node_list',
  'start_ms',
  'end_ms',
  'queued_since_ms',
  'queued_ms',
  'user',
  'partition',
  'array_id',
  'array_task_id',
  'cpus_per_node',
  'wait_rule',
];
const ATTEMPT_COLUMNS = [
  'job_id',
  'attempt',
  'state',
  'node_list',
  'cpus',
  'gpus',
  'start_ms',
  'end_ms',
  'exit_code',
  'message',
];

/** The read models `jobs` and `attempts`. */
export class JobTables {
  readonly #upsertJob: StatementSync;
  readonly #upsertAttempt: StatementSync;
  readonly #job: StatementSync;
  readonly #attempts: StatementSync;
  readonly #ended: StatementSync;
  readonly #task: StatementSync;
  readonly #tasks: StatementSync;
  readonly #pastUse: StatementSync;
  readonly #live: StatementSync;
  readonly #liveAttempts: StatementSync;
  readonly #usage: Scoped;
  readonly #outcomes: StatementSync;
  readonly #costly: Scoped;

  constructor(database: DatabaseSync) {
    this.#upsertJob = database.prepare(upsert('jobs', JOB_COLUMNS, 1));
    this.#upsertAttempt = database.prepare(upsert('attempts', ATTEMPT_COLUMNS, 2));
    this.#job = database.prepare('SELECT * FROM jobs WHERE job_id = ?');
    this.#attempts = database.prepare('SELECT * FROM attempts WHERE job_id = ? ORDER BY attempt');
    this.#ended = database.prepare(
      `SELECT * FROM jobs WHERE is_ended = 1 AND (?1 IS NULL OR state = ?1) AND (?2 IS NULL OR name = ?2)
       AND (?4 IS NULL OR array_id = ?4) ORDER BY job_id DESC LIMIT ?3`,
    );
    this.#task = database.prepare('SELECT job_id FROM jobs WHERE array_id = ? AND array_task_id = ?');
    this.#tasks = database.prepare('SELECT job_id FROM jobs WHERE array_id = ? ORDER BY array_task_id');
    this.#pastUse = database.prepare(
      `SELECT account, user, qos, partition, nodes, cpus_per_node, gpus_per_node, attempts.start_ms, attempts.end_ms,
         COALESCE(json_extract(body, '$.event.job.perNode.memoryBytes'), 0) AS memory_bytes
       FROM attempts JOIN jobs ON jobs.job_id = attempts.job_id LEFT JOIN journal ON seq = accepted_seq
       WHERE attempts.end_ms > ?1 AND is_ended = 1 ORDER BY attempts.end_ms, jobs.job_id, attempts.attempt`,
    );
    this.#live = database.prepare('SELECT * FROM jobs WHERE is_ended = 0 ORDER BY job_id');
    this.#liveAttempts = database.prepare(
      `SELECT attempts.* FROM attempts JOIN jobs USING (job_id, attempt) WHERE jobs.is_ended = 0`,
    );
    this.#usage = prepareScoped(
      database,
      (isMeant) => `SELECT jobs.job_id, name, user, account, array_id, array_task_id, queued_ms,
              coalesce(sum(gpus * (coalesce(attempts.end_ms, ?2) - attempts.start_ms)), 0) AS gpu_ms,
              coalesce(sum(cpus * (coalesce(attempts.end_ms, ?2) - attempts.start_ms)), 0) AS cpu_ms,
              coalesce(sum(coalesce(attempts.end_ms, ?2) - attempts.start_ms), 0) AS run_ms,
              coalesce(sum(attempts.state = 'NODE_FAIL'), 0) AS node_failures,
              coalesce(sum(attempts.state = 'PREEMPTED'), 0) AS preemptions
       FROM jobs LEFT JOIN attempts USING (job_id) WHERE ${isMeant} GROUP BY jobs.job_id ORDER BY jobs.job_id`,
    );
    this.#outcomes = database.prepare(
      'SELECT job_id, state, coalesce(exit_code, 0) AS exit_code, start_ms, end_ms FROM jobs WHERE is_ended = 1 ORDER BY job_id',
    );
    this.#costly = prepareScoped(
      database,
      // CROSS: jobs first, of which few may be meant; SQLite would read all attempts.
      (isMeant) => `SELECT attempts.* FROM jobs CROSS JOIN attempts USING (job_id)
       WHERE ${isMeant} AND attempts.end_ms IS NOT NULL AND (attempts.state <> 'COMPLETED' OR attempts.attempt > 1)
       ORDER BY attempts.job_id, attempts.attempt`,
    );
  }

  write(entry: JobEntry): void {
    this.#upsertJob.run(...jobValues(entry.job));
    if (entry.attempt !== null) this.#upsertAttempt.run(...attemptValues(entry.attempt));
  }

  job(jobId: number): JobRow | undefined {
    const row = this.#job.get(jobId);
    return row === undefined ? undefined : readJob(row);
  }

  attempts(jobId: number): AttemptRow[] {
    return this.#attempts.all(jobId).map(readAttempt);
  }

  /** Newest first. */
  ended({ state, name, limit, arrayId }: EndedJobFilter): JobRow[] {
    return this.#ended.all(state ?? null, name ?? null, limit ?? -1, arrayId ?? null).map(readJob);
  }

  /** Id of a task's job; undefined for none. */
  taskJobId(arrayId: number, taskId: number): number | undefined {
    const row = this.#task.get(arrayId, taskId);
    return row === undefined ? undefined : integer(row, 'job_id');
  }

  /** Ids of the jobs of an array, by task. */
  arrayJobIds(arrayId: number): number[] {
    return this.#tasks.all(arrayId).map((row) => integer(row, 'job_id'));
  }

  /** Attempts of ended jobs that ended after `sinceMs`, in the order in which they did. */
  pastAttempts(sinceMs: number): PastAttempt[] {
    return this.#pastUse.all(sinceMs).map((row) => ({
      account: text(row, 'account'),
      user: text(row, 'user'),
      qos: text(row, 'qos'),
      partition: row['partition'] === null ? null : text(row, 'partition'),
      nodes: integer(row, 'nodes'),
      perNode: {
        cpus: integer(row, 'cpus_per_node'),
        memoryBytes: integer(row, 'memory_bytes'),
        gpus: integer(row, 'gpus_per_node'),
      },
      startMs: integer(row, 'start_ms'),
      endMs: integer(row, 'end_ms'),
    }));
  }

  /** Of jobs that have not ended, by id. */
  live(): JobEntry[] {
    const attempts = new Map(this.#liveAttempts.all().map((row) => [integer(row, 'job_id'), readAttempt(row)]));
    return this.#live.all().map((row) => {
      const job = readJob(row);
      return { job, attempt: attempts.get(job.jobId) ?? null };
    });
  }

  /** By job id; closed intervals of waiting only. */
  usage(nowMs: number, scope: JobScope): JobUsage[] {
    const jobId = typeof scope === 'number' ? scope : null;
    return statementOf(this.#usage, scope)
      .all(jobId, nowMs)
      .map((row) => ({
        jobId: integer(row, 'job_id'),
        name: text(row, 'name'),
        user: text(row, 'user'),
        account: text(row, 'account'),
        array: arrayOf(row),
        gpuMs: integer(row, 'gpu_ms'),
        cpuMs: integer(row, 'cpu_ms'),
        runMs: integer(row, 'run_ms'),
        nodeFailures: integer(row, 'node_failures'),
        preemptions: integer(row, 'preemptions'),
        queuedMs: integer(row, 'queued_ms'),
      }));
  }

  /** Of ended jobs, by id. */
  outcomes(): JobOutcome[] {
    return this.#outcomes.all().map((row) => ({
      jobId: integer(row, 'job_id'),
      state: jobStateSchema.parse(row['state']),
      exitCode: integer(row, 'exit_code'),
      startMs: integerOrNull(row, 'start_ms'),
      endMs: integer(row, 'end_ms'),
    }));
  }

  /** Attempts that have ended and may have lost time: any that did not complete, and every restart. */
  costlyAttempts(scope: JobScope): AttemptRow[] {
    return statementOf(this.#costly, scope)
      .all(...(typeof scope === 'number' ? [scope] : []))
      .map(readAttempt);
  }
}

function statementOf(statements: Scoped, scope: JobScope): StatementSync {
  return statements[typeof scope === 'number' ? 'one' : scope];
}

function upsert(table: string, columns: readonly string[], keyLength: number): string {
  const key = columns.slice(0, keyLength).join(', ');
  const updates = columns.slice(keyLength).map((column) => `${column} = excluded.${column}`);
  return `INSERT INTO ${table} (${columns.join(', ')}) VALUES (${columns.map(() => '?').join(', ')})
    ON CONFLICT (${key}) DO UPDATE SET ${updates.join(', ')}`;
}

function jobValues(job: JobRow): SQLInputValue[] {
  return [
    job.jobId,
    job.acceptedSeq,
    job.name,
    job.account,
    job.qos,
    job.nodes,
    job.gpusPerNode,
    JSON.stringify(job.dependencies),
    job.submitMs,
    job.state,
    Number(job.isEnded),
    job.exitCode,
    job.attempt,
    job.requeues,
    Number(job.isHeld),
    JSON.stringify(job.nodeList),
    job.startMs,
    job.endMs,
    job.queuedSinceMs,
    job.queuedMs,
    job.user,
    job.partition,
    job.array?.id ?? null,
    job.array?.taskId ?? null,
    job.cpusPerNode,
    job.waitRule === null ? null : JSON.stringify(job.waitRule),
  ];
}

function attemptValues(attempt: AttemptRow): SQLInputValue[] {
  return [
    attempt.jobId,
    attempt.attempt,
    attempt.state,
    JSON.stringify(attempt.nodeList),
    attempt.cpus,
    attempt.gpus,
    attempt.startMs,
    attempt.endMs,
    attempt.exitCode,
    attempt.message,
  ];
}

function readJob(row: Row): JobRow {
  const dependencies: number[] = JSON.parse(text(row, 'dependencies'));
  return {
    jobId: integer(row, 'job_id'),
    acceptedSeq: integer(row, 'accepted_seq'),
    name: text(row, 'name'),
    account: text(row, 'account'),
    qos: text(row, 'qos'),
    user: text(row, 'user'),
    partition: row['partition'] === null ? null : text(row, 'partition'),
    array: arrayOf(row),
    nodes: integer(row, 'nodes'),
    gpusPerNode: integer(row, 'gpus_per_node'),
    cpusPerNode: integer(row, 'cpus_per_node'),
    dependencies,
    waitRule: row['wait_rule'] === null ? null : JSON.parse(text(row, 'wait_rule')),
    submitMs: integer(row, 'submit_ms'),
    state: jobStateSchema.parse(row['state']),
    isEnded: row['is_ended'] === 1,
    exitCode: integerOrNull(row, 'exit_code'),
    attempt: integer(row, 'attempt'),
    requeues: integer(row, 'requeues'),
    isHeld: row['is_held'] === 1,
    nodeList: nodeList(row),
    startMs: integerOrNull(row, 'start_ms'),
    endMs: integerOrNull(row, 'end_ms'),
    queuedSinceMs: integerOrNull(row, 'queued_since_ms'),
    queuedMs: integer(row, 'queued_ms'),
  };
}

function readAttempt(row: Row): AttemptRow {
  return {
    jobId: integer(row, 'job_id'),
    attempt: integer(row, 'attempt'),
    state: jobStateSchema.parse(row['state']),
    nodeList: nodeList(row),
    cpus: integer(row, 'cpus'),
    gpus: integer(row, 'gpus'),
    startMs: integer(row, 'start_ms'),
    endMs: integerOrNull(row, 'end_ms'),
    exitCode: integerOrNull(row, 'exit_code'),
    message: row['message'] === null ? null : text(row, 'message'),
  };
}

function arrayOf(row: Row): JobRow['array'] {
  const id = integerOrNull(row, 'array_id');
  return id === null ? null : { id, taskId: integer(row, 'array_task_id') };
}

function nodeList(row: Row): string[] {
  const names: string[] = JSON.parse(text(row, 'node_list'));
  return names;
}

function integer(row: Row, column: string): number {
  const value = row[column];
  assert(typeof value === 'number', `column ${column} is not a number`);
  return value;
}

function integerOrNull(row: Row, column: string): number | null {
  return row[column] === null ? null : integer(row, column);
}

function text(row: Row, column: string): string {
  const value = row[column];
  assert(typeof value === 'string', `column ${column} is not text`);
  return value;
}
