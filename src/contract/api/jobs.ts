import { z } from 'zod';
import { jobSpecSchema } from '../job.ts';
import { countSchema, queryFlagSchema } from './query-text.ts';

export const jobStateSchema = z.enum([
  'PENDING',
  'RUNNING',
  'COMPLETING',
  'COMPLETED',
  'FAILED',
  'CANCELLED',
  'TIMEOUT',
  'PREEMPTED',
  'NODE_FAIL',
  'OUT_OF_MEMORY',
]);

/** Where a job's files come from, recorded at submission. */
export const codeSchema = z.strictObject({
  /** Folder the job was submitted from (`ORRERY_SUBMIT_DIR`). */
  submitFolder: z.string().startsWith('/'),
  /** Digest of a folder under `snapshots/` in the daemon's home; null runs in `submitFolder` itself. */
  snapshot: z
    .string()
    .regex(/^[0-9a-f]{64}$/)
    .nullable(),
  gitCommit: z.string().nullable(),
});

/** One request for many jobs: accepted whole or not at all, acknowledged once all of them are on disk. */
export const submitRequestSchema = z.strictObject({
  jobs: z.array(jobSpecSchema).min(1).max(100_000),
  /** Environment at submission, shared by all jobs of the request; each job's `env` goes on top. */
  environment: z
    .record(
      z.string().regex(/^[^=\0]+$/, 'expected a name without "="'),
      z.string().regex(/^[^\0]*$/, 'expected no NUL'),
    )
    .default({}),
  code: codeSchema.optional(),
});

export const submitResponseSchema = z.object({
  jobs: z.array(
    z.object({
      id: z.int(),
      name: z.string(),
      /** With tasks of an array: the id of its first task, and which task this is. */
      arrayJobId: z.int().optional(),
      arrayTaskId: z.int().optional(),
    }),
  ),
  /** What keeps some of them from ever starting as they are, one line each; absent where nothing is known. */
  cautions: z.array(z.string()).optional(),
});

export const jobSummarySchema = z.object({
  id: z.int(),
  /** The array it is a task of, by the id of its first task; null for none. */
  arrayJobId: z.int().nullable(),
  arrayTaskId: z.int().nullable(),
  name: z.string(),
  state: jobStateSchema,
  /** Slurm's reason while PENDING; `Suspended` while it is RUNNING and Slurm has it stand still; else `None`. */
  reason: z.string(),
  user: z.string(),
  account: z.string(),
  qos: z.string(),
  /** It is in, or ran in; null where there are no partitions. */
  partition: z.string().nullable(),
  nodes: z.int(),
  gpusPerNode: z.int(),
  /** Names of the nodes it runs on, or last ran on. */
  nodeList: z.array(z.string()),
  attempt: z.int(),
  requeues: z.int(),
  submitTime: z.number(),
  /** Start of the current or last attempt. */
  startTime: z.number().nullable(),
  endTime: z.number().nullable(),
  /** Of the job once it has ended. */
  exitCode: z.int().nullable(),
  /** Between 0 and 1, from the newest line of ORRERY_METRICS that has it. */
  progress: z.number().nullable(),
});

export const attemptSchema = z.object({
  attempt: z.int(),
  state: jobStateSchema,
  nodeList: z.array(z.string()),
  startTime: z.number(),
  endTime: z.number().nullable(),
  exitCode: z.int().nullable(),
  /** What ended it, in a sentence, where there is more to say than the state. */
  message: z.string().nullable(),
});

export const jobDetailSchema = jobSummarySchema.extend({
  spec: jobSpecSchema,
  /** Seconds: what Slurm has for its limit, else its own, else its partition's; null for none. */
  timeLimit: z.number().nullable(),
  /** Under which number Slurm has it on its books, also once it has ended; null where no Slurm has it. */
  slurmJobId: z.string().nullable(),
  code: codeSchema.nullable(),
  /** Absolute paths on the daemon's machine. */
  folder: z.string(),
  workFolder: z.string(),
  checkpointFolder: z.string(),
  metricsFile: z.string(),
  attempts: z.array(attemptSchema),
});

export const jobListSchema = z.object({ jobs: z.array(jobSummarySchema) });

export const whySchema = z.object({
  id: z.int(),
  arrayJobId: z.int().nullable(),
  arrayTaskId: z.int().nullable(),
  state: jobStateSchema,
  reason: z.string(),
  detail: z.array(z.string()),
  /** UNIX seconds: by when it starts, by the time limits of what runs. Null unless it is pending and has a reservation. */
  expectedStartTime: z.number().nullable(),
});

/** When a pending job will start; UNIX seconds, null: not within the horizon. All null where it is not pending, or waits for a person. */
export const forecastSchema = z.object({
  id: z.int(),
  arrayJobId: z.int().nullable(),
  arrayTaskId: z.int().nullable(),
  /** Sooner in one of ten futures. */
  lowTime: z.number().nullable(),
  medianTime: z.number().nullable(),
  /** Later in one of ten. */
  highTime: z.number().nullable(),
  /** Part of the futures in which it starts within the horizon. */
  startedShare: z.number(),
  /** How many futures were drawn: none for a job that waits for a person, few where each takes long. */
  draws: z.int(),
  /** The horizon: futures were followed up to then. Null where there are none. */
  horizonTime: z.number().nullable(),
  /** What would make it start clearly sooner, best first: a value for a flag of `orrery run`, and when it would start then. */
  sooner: z.array(z.object({ flag: z.enum(['--time', '--partition']), value: z.string(), medianTime: z.number() })),
  /** Ended jobs that run times and arrivals were drawn from. */
  historyJobs: z.int(),
});

/** Query of `GET /jobs`. Without `all` and `state`: the jobs that have not ended. */
export const jobQuerySchema = z.strictObject({
  all: queryFlagSchema.optional(),
  state: jobStateSchema.optional(),
  name: z.string().optional(),
  /** Tasks of the array of this id. */
  array: countSchema.optional(),
  /** The newest so many. */
  limit: countSchema.optional(),
});

/** A job by its id, or a task of an array as `12_3`. */
export const jobParamsSchema = z.object({
  id: z.string().regex(/^\d{1,15}(_\d{1,9})?$/, {
    error: (issue) => `expected a job such as 12, or 12_3, got ${JSON.stringify(issue.input)}`,
  }),
});

/** Signals that `POST /jobs/{id}/signal` sends to each rank's main process. */
export const signalRequestSchema = z.strictObject({
  signal: z.string().regex(/^(SIG)?(HUP|INT|QUIT|USR1|USR2|TERM|KILL|CONT|STOP|TSTP|WINCH|URG|ALRM)$/, {
    error: ({ input }) => `expected a signal such as "USR1", got ${JSON.stringify(input)}`,
  }),
});

export type SubmitRequest = z.input<typeof submitRequestSchema>;
export type SubmitResponse = z.infer<typeof submitResponseSchema>;
export type CodeSource = z.infer<typeof codeSchema>;
export type JobSummary = z.infer<typeof jobSummarySchema>;
export type JobDetail = z.infer<typeof jobDetailSchema>;
export type AttemptSummary = z.infer<typeof attemptSchema>;
export type Why = z.infer<typeof whySchema>;
export type Forecast = z.infer<typeof forecastSchema>;
