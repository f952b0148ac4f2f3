import { z } from 'zod';
import { jobSpecSchema } from './job.ts';
import { nodeReportSchema } from './node-report.ts';

/** Everything that crosses the HTTP API, version 1. Times are seconds since the epoch (`submitTime`), durations seconds. */
export const API_PREFIX = '/api/v1';

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

/** Why a node gets no jobs, or none of ours. */
export const nodeOutageSchema = z.object({
  cause: z.enum(['health', 'lemon', 'down', 'other']),
  /** With the node's name in front it is a sentence: `is out after a failed health check: gpu-count: expected 8 GPUs, found 7`. */
  words: z.string(),
});
export const nodeSchema = z.object({
  name: z.string(),
  state: z.enum(['idle', 'mixed', 'allocated', 'draining', 'drained', 'down']),
  /** As the scheduler has it. */
  reason: z.string().nullable(),
  /** The same in words; null where it gets jobs. */
  outage: nodeOutageSchema.nullable(),
  cpus: z.int(),
  cpusFree: z.int(),
  memoryBytes: z.int(),
  memoryFreeBytes: z.int(),
  gpus: z.int(),
  gpusFree: z.int(),
  gpuType: z.string().nullable(),
  /** Whose jobs it takes. */
  partitions: z.array(z.string()),
  jobs: z.array(z.int()),
});

/** What a row of accounting may stand for. */
export const ACCOUNTING_KEYS = ['account', 'user', 'job'] as const;
export type AccountingKey = (typeof ACCOUNTING_KEYS)[number];

export const accountingRowSchema = z.object({
  /** Job id (`12_3` for a task of an array), or name of the user or account. */
  key: z.string(),
  name: z.string(),
  jobs: z.int(),
  /** Allocated GPU time of all attempts, in hours. */
  gpuHours: z.number(),
  cpuHours: z.number(),
  nodeFailures: z.int(),
  preemptions: z.int(),
  /** Allocated GPU time that brought no job further: work to be done again, and restarts until work went on. In hours. */
  lostGpuHours: z.number(),
  /** The same by how the attempts ended that lost it; those that completed lost what their restart took. */
  lostGpuHoursByState: z.partialRecord(jobStateSchema, z.number()),
  /** Effective training time ratio: productive run time / (scheduled + eligible-and-queued time); null before any run. */
  ettr: z.number().nullable(),
});

/** One piece of a task's output. `offset` counts bytes from the start of that file. */
export const logChunkSchema = z.object({
  attempt: z.int(),
  rank: z.int(),
  stream: z.enum(['stdout', 'stderr']),
  offset: z.int(),
  text: z.string(),
});

export const jobEventSchema = z.object({
  /** Journal sequence number; the SSE `id:`. */
  seq: z.int(),
  atTime: z.number(),
  kind: z.string(),
  jobId: z.int().nullable(),
  nodeName: z.string().nullable(),
  /** The event as journalled. */
  body: z.record(z.string(), z.unknown()),
});

export const healthSchema = z.object({
  status: z.literal('ok'),
  version: z.string(),
  pid: z.int(),
  home: z.string(),
  cluster: z.string(),
  /** Name of the policy; `default` without one. */
  policy: z.string(),
  startTime: z.number(),
  nodes: z.int(),
  jobsPending: z.int(),
  jobsRunning: z.int(),
  /** Where Slurm does not answer: since when, in UNIX seconds, and why. Jobs and nodes are as last seen then. */
  outage: z.object({ sinceTime: z.number(), reason: z.string() }).nullable(),
});
/** Parts of a pending job's priority as of the last calculation, as `sprio` shows them. */
export const jobPrioritySchema = z.object({
  id: z.int(),
  arrayJobId: z.int().nullable(),
  arrayTaskId: z.int().nullable(),
  user: z.string(),
  account: z.string(),
  priority: z.number(),
  age: z.number(),
  fairshare: z.number(),
  jobSize: z.number(),
  partition: z.number(),
  qos: z.number(),
  /** The job's own priority, less its `nice`. */
  own: z.number(),
});
export const jobPriorityListSchema = z.object({ priorities: z.array(jobPrioritySchema) });

/** A user in an account, as of the last calculation, as `sshare` shows it. */
export const shareSchema = z.object({
  account: z.string(),
  user: z.string(),
  /** Part of the cluster promised to it. */
  share: z.number(),
  /** Part of all that was used. */
  use: z.number(),
  /** Billing, with what faded taken off. */
  billingSeconds: z.number(),
  /** Factor of its jobs' priority, between 0 and 1. */
  factor: z.number(),
});
export const shareListSchema = z.object({ shares: z.array(shareSchema) });

const reservationNameSchema = z
  .string()
  .regex(/^[\w.-]{1,64}$/, 'expected a name of letters, digits, "_", "-" and "."');

/** Some nodes kept for some people for some time. Times are UNIX seconds. */
export const reservationSchema = z.object({
  name: z.string(),
  nodes: z.array(z.string()),
  startTime: z.number(),
  endTime: z.number(),
  users: z.array(z.string()),
  accounts: z.array(z.string()),
  /** Slurm's words for what it is, such as `MAINT`; none on this machine. */
  flags: z.array(z.string()),
  state: z.enum(['planned', 'active', 'over']),
  /** Jobs that run on its nodes now without naming it. */
  otherJobs: z.array(z.int()),
});
export const reservationListSchema = z.object({ reservations: z.array(reservationSchema) });
export const reservationRequestSchema = z.strictObject({
  name: reservationNameSchema,
  nodes: z.array(z.string().min(1)).min(1),
  /** Absent: now. */
  startTime: z.number().min(0).optional(),
  endTime: z.number().min(0),
  /** Who may use it; both empty: nobody, it is for maintenance. */
  users: z.array(z.string().min(1)).default([]),
  accounts: z.array(z.string().min(1)).default([]),
});
export const reservationParamsSchema = z.object({ name: z.string() });

/** How one signal speaks for or against a node, over the last 28 days. */
export const lemonEvidenceSchema = z.object({
  signal: z.string(),
  value: z.number(),
  threshold: z.number(),
  isExceeded: z.boolean(),
});
export const lemonSchema = z.object({
  name: z.string(),
  isLemon: z.boolean(),
  evidence: z.array(lemonEvidenceSchema),
});
export const lemonListSchema = z.object({
  /** Whether the policy has lemons drained. */
  isDraining: z.boolean(),
  /** Over how many days signals are counted. */
  windowDays: z.int(),
  /** Where XID errors come from: the checks of the daemon's own machine, reports that nodes leave in a folder, or nowhere. */
  xids: z.discriminatedUnion('source', [
    z.object({ source: z.literal('none') }),
    z.object({ source: z.literal('machine') }),
    /** `nodes` have left one, the last at `lastTime`, in UNIX seconds. */
    z.object({ source: z.literal('reports'), folder: z.string(), nodes: z.int(), lastTime: z.number().nullable() }),
  ]),
  nodes: z.array(lemonSchema),
});

/** A node with what speaks for and against it in the window of the lemon detector. */
export const nodeDetailSchema = nodeSchema.extend({
  isLemon: z.boolean(),
  windowDays: z.int(),
  evidence: z.array(lemonEvidenceSchema),
  /** What happened to it, oldest first; UNIX seconds. */
  history: z.array(z.object({ atTime: z.number(), words: z.string() })),
  /** Of the last run of its checks that found something; null where there is none, or this machine is the node. */
  report: nodeReportSchema.nullable(),
});

export const jobListSchema = z.object({ jobs: z.array(jobSummarySchema) });
export const nodeListSchema = z.object({ nodes: z.array(nodeSchema) });
export const accountingSchema = z.object({ rows: z.array(accountingRowSchema) });

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

/** Which ranks hold up their gang; see `paceOf` for how that is told. */
export const paceSchema = z.object({
  attempt: z.int(),
  /** Slowest first; only those that write `busySeconds` to ORRERY_RANK_METRICS. */
  ranks: z.array(
    z.object({
      rank: z.int(),
      nodeName: z.string(),
      /** Median of the last steps. */
      busySeconds: z.number(),
      slowdown: z.number(),
      isStraggler: z.boolean(),
    }),
  ),
  typicalSeconds: z.number().nullable(),
  /** Part of each step that the gang waits for its slowest rank. */
  waitFraction: z.number(),
});

/** A stretch of ORRERY_METRICS: whole lines only, those that are not JSON objects left out. */
export const metricsSchema = z.object({
  lines: z.array(z.record(z.string(), z.unknown())),
  /** Bytes; `since` of the next request. */
  nextOffset: z.int(),
});

const queryFlagSchema = z.enum(['true', 'false']).transform((text) => text === 'true');
const countSchema = z
  .string()
  .regex(/^\d{1,15}$/, { error: (issue) => `expected a whole number, got ${JSON.stringify(issue.input)}` })
  .transform(Number);

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

/** Query of `GET /jobs/{id}/logs`. Without `attempt`: all attempts, in order. */
export const logQuerySchema = z.strictObject({
  follow: queryFlagSchema.optional(),
  attempt: countSchema.optional(),
  rank: countSchema.optional(),
  stream: z.enum(['stdout', 'stderr']).optional(),
  /** Only the last so many lines of each file that is there when the request is made. */
  tail: countSchema.optional(),
});

/** Query of `GET /jobs/{id}/metrics`: bytes. */
export const metricsQuerySchema = z.strictObject({ since: countSchema.optional() });
/** Query of `GET /events`: sequence number of the last event seen. */
export const eventQuerySchema = z.strictObject({ since: countSchema.optional() });
export const accountingQuerySchema = z.strictObject({ by: z.enum(ACCOUNTING_KEYS).default('job') });
/** A job by its id, or a task of an array as `12_3`. */
export const jobParamsSchema = z.object({
  id: z.string().regex(/^\d{1,15}(_\d{1,9})?$/, {
    error: (issue) => `expected a job such as 12, or 12_3, got ${JSON.stringify(issue.input)}`,
  }),
});
export const nodeParamsSchema = z.object({ name: z.string() });

/** Signals that `POST /jobs/{id}/signal` sends to each rank's main process. */
export const signalRequestSchema = z.strictObject({
  signal: z
    .string()
    .regex(
      /^(SIG)?(HUP|INT|QUIT|USR1|USR2|TERM|KILL|CONT|STOP|TSTP|WINCH|URG|ALRM)$/,
      'expected a signal such as "USR1"',
    ),
});
export const nodeReasonSchema = z.strictObject({ reason: z.string().min(1).max(500).optional() });
export const shutdownRequestSchema = z.strictObject({
  /** Cancel all jobs first; else what runs goes on running. */
  cancel: z.boolean().default(false),
});
export const shutdownResponseSchema = z.object({ pid: z.int(), isStopping: z.literal(true) });

export const errorBodySchema = z.object({ error: z.object({ code: z.string(), message: z.string() }) });

export type SubmitRequest = z.input<typeof submitRequestSchema>;
export type SubmitResponse = z.infer<typeof submitResponseSchema>;
export type CodeSource = z.infer<typeof codeSchema>;
export type JobSummary = z.infer<typeof jobSummarySchema>;
export type JobDetail = z.infer<typeof jobDetailSchema>;
export type AttemptSummary = z.infer<typeof attemptSchema>;
export type Why = z.infer<typeof whySchema>;
export type JobPriority = z.infer<typeof jobPrioritySchema>;
export type Share = z.infer<typeof shareSchema>;
export type Reservation = z.infer<typeof reservationSchema>;
export type ReservationRequest = z.input<typeof reservationRequestSchema>;
export type LemonList = z.infer<typeof lemonListSchema>;
export type NodeOutage = z.infer<typeof nodeOutageSchema>;
export type NodeDetail = z.infer<typeof nodeDetailSchema>;
export type NodeSummary = z.infer<typeof nodeSchema>;
export type AccountingRow = z.infer<typeof accountingRowSchema>;
export type LogChunk = z.infer<typeof logChunkSchema>;
export type JobEvent = z.infer<typeof jobEventSchema>;
export type Health = z.infer<typeof healthSchema>;
export type Forecast = z.infer<typeof forecastSchema>;
export type Pace = z.infer<typeof paceSchema>;
export type Metrics = z.infer<typeof metricsSchema>;
export type ShutdownResponse = z.infer<typeof shutdownResponseSchema>;

/** `daemon.json` in the home: where the running daemon is. Written by rename once it listens, removed when it stops. */
export const daemonFileSchema = z.object({
  pid: z.int(),
  url: z.string(),
  home: z.string(),
  version: z.string(),
  startTime: z.number(),
  /** Name of the policy. Absent: of an older daemon. */
  policy: z.string().optional(),
});
export type DaemonFile = z.infer<typeof daemonFileSchema>;
