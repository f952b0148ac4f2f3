import { z } from 'zod';
import { parseDurationMs, parseMemoryBytes } from '../lib/units.ts';
import { parseBeginMs } from './begin-time.ts';
import { afterSchema } from './dependency.ts';
import { parseJobArray } from './job-array.ts';
import { isSlurmOption } from './slurm-options.ts';

const DURATION_MS_MAX = 10 * 366 * 86_400_000;
/** Slurm keeps the lead of a warning signal in 16 bits. */
const SIGNAL_LEAD_SECONDS_MAX = 65_535;

/** Where jobs say nothing: `orrery run -- CMD` is one task, one CPU, 512 MiB, no time limit. */
export const JOB_DEFAULTS = { cpus: 1, memoryBytes: 512 * 1024 ** 2, maxRequeues: 3 } as const;

/** Text, or a number as YAML and JSON have them: `time: 10` means what `-t 10` does. */
const textOrNumber = (error: (issue: { input?: unknown }) => string) =>
  z.union([z.string(), z.number()], { error }).transform(String);

const memoryError = ({ input }: { input?: unknown }) =>
  typeof input === 'string' && /^[\d.]*[1-9][\d.]*[KMGT](?:i?B)?$/i.test(input)
    ? `expected at most 8191T of memory, got ${JSON.stringify(input)}: too big`
    : `expected memory such as "512M" or "2G", got ${JSON.stringify(input)}`;

const memorySchema = textOrNumber(memoryError).refine((text) => (parseMemoryBytes(text) ?? 0) > 0, {
  error: memoryError,
});

/** Of a node `0` is all that it has, as in sbatch. */
const nodeMemorySchema = textOrNumber(memoryError).refine(
  (text) => text === '0' || memorySchema.safeParse(text).success,
  { error: memoryError },
);

const timeError = ({ input }: { input?: unknown }) =>
  `expected a time > 0 such as "30m", "2h", "1-12:00:00" or "UNLIMITED", got ${JSON.stringify(input)}`;

const timeSchema = textOrNumber(timeError)
  .refine((text) => text === 'UNLIMITED' || (parseDurationMs(text) ?? 0) > 0, {
    error: timeError,
  })
  .refine((text) => (parseDurationMs(text) ?? 0) <= DURATION_MS_MAX, {
    error: (issue) => `expected a time of at most 10 years, or "UNLIMITED", got ${JSON.stringify(issue.input)}`,
  });

const hangError = ({ input }: { input?: unknown }) =>
  `expected a time > 0 such as "10m" or "1h", got ${JSON.stringify(input)}`;

const hangSchema = textOrNumber(hangError).refine(
  (text) => {
    const ms = parseDurationMs(text) ?? 0;
    return ms > 0 && ms <= DURATION_MS_MAX;
  },
  { error: hangError },
);

const envNameSchema = z.string().regex(/^[A-Za-z_][A-Za-z0-9_]*$/, 'expected an environment variable name');

const noNulSchema = z.string().refine((text) => !text.includes('\0'), 'expected text without NUL bytes');

/** Numbers and truth values as they are printed; a whole number that has lost digits on the way is refused. */
const envValueSchema = z
  .union([z.string(), z.number(), z.boolean()], {
    error: ({ input }) => `expected text, a number, true or false, got ${JSON.stringify(input)}`,
  })
  .refine((value) => !Number.isInteger(value) || Number.isSafeInteger(value), {
    error: 'expected text: put a number of so many digits in quotes',
  })
  .transform(String)
  .pipe(noNulSchema);

const nameSchema = z.string().min(1).max(100);

/** One partition or several, each once. */
const partitionSchema = z
  .string()
  .min(1)
  .max(1000)
  .regex(
    /^\s*[^\s,][^,]*(?:,\s*[^\s,][^,]*)*$/,
    'expected a partition or several with commas between them, such as "train,spare"',
  )
  .transform((names) => [...new Set(names.split(',').map((name) => name.trim()))].join(','));

/** What Slurm alone understands, as its own options take it. */
const slurmTextSchema = z
  .string()
  .min(1)
  .max(1000)
  // oxlint-disable-next-line no-control-regex
  .regex(/^[^\0-\x1f]+$/, 'expected a text of one line');

const arraySchema = z.string().superRefine((text, context) => {
  const array = parseJobArray(text);
  if (typeof array === 'string') context.addIssue({ code: 'custom', message: array });
});

const beginSchema = z.string().refine((text) => parseBeginMs(text, 0) !== undefined, {
  error: (issue) =>
    `expected a time such as "now+2hours", "16:30", "tomorrow" or "2027-01-31T08:00", got ${JSON.stringify(issue.input)}`,
});

const SIGNAL = /^(?:B:)?(?:SIG)?([A-Z]+[0-9]*|[0-9]+)@(\d+)$/;
const SIGNALS = ['HUP', 'INT', 'QUIT', 'USR1', 'USR2', 'TERM', 'CONT', 'STOP', 'TSTP', 'WINCH', 'URG', 'ALRM'] as const;
type WarningSignal = `SIG${(typeof SIGNALS)[number]}`;

const signalSchema = z
  .string()
  .refine((text) => SIGNALS.some((name) => SIGNAL.exec(text)?.[1] === name), {
    error: (issue) => `expected SIGNAL@SECONDS such as "USR1@120", got ${JSON.stringify(issue.input)}`,
  })
  .refine((text) => Number(SIGNAL.exec(text)?.[2] ?? 0) <= SIGNAL_LEAD_SECONDS_MAX, {
    error: (issue) => `expected at most ${SIGNAL_LEAD_SECONDS_MAX} seconds, got ${JSON.stringify(issue.input)}`,
  });

/** A job as users write it: job files, `--batch` lines, the API. Field words follow Slurm's flags. */
export const jobSpecSchema = z
  .strictObject({
    name: z.string().min(1).max(200).optional(),
    /** argv of each task; no shell. */
    command: z
      .array(noNulSchema, {
        error: ({ input }) => `expected a list of words such as [python3, train.py], got ${JSON.stringify(input)}`,
      })
      .min(1)
      .refine(([program]) => program !== '', 'expected a program to run as the first element')
      .optional(),
    /** Text of a script with a `#!` line; each task runs it. */
    script: noNulSchema
      .min(1)
      .refine((text) => !text.includes('\r\n'), 'expected a script without DOS line breaks (\\r\\n)')
      .optional(),
    /** Words that the script is called with. */
    scriptArguments: z.array(noNulSchema).optional(),
    /**
     * One process on the first node, as sbatch runs a batch script: it starts the ranks itself, by `srun` or `torchrun`. Absent: every rank runs
     * the command or the script.
     */
    once: z.boolean().optional(),
    nodes: z.int().min(1).default(1),
    gpusPerNode: z.int().min(0).default(0),
    /** Only GPUs of this type (`--gpus-per-node a100:8`): as a node's own word for it. */
    gpuType: nameSchema.regex(/^[\w.-]+$/, 'expected a type of GPU such as "a100"').optional(),
    /** Image of a container to run in, as Pyxis or Apptainer names it; on Slurm only. */
    image: noNulSchema
      .min(1)
      .regex(/^[^-\s,]/, 'expected the name or the path of an image')
      .optional(),
    /** Tasks (ranks) on each node; one for each GPU where absent, one where there are none. */
    tasksPerNode: z.int().min(1).max(1024).optional(),
    /** CPUs of each task (`-c`); absent: 1 on this machine, its share of what Slurm gives by default on Slurm. */
    cpus: z.int().min(1).optional(),
    /** Memory on each node (`--mem`), `0` all of it on Slurm; absent: 512 MiB on this machine, what Slurm gives by default on Slurm. */
    memory: nodeMemorySchema.optional(),
    /** The same for each CPU (`--mem-per-cpu`), or for each GPU (`--mem-per-gpu`). */
    memoryPerCpu: memorySchema.optional(),
    memoryPerGpu: memorySchema.optional(),
    time: timeSchema.default('UNLIMITED'),
    qos: nameSchema.default('normal'),
    /** Absent: that of the user in the policy, else `default`. */
    account: nameSchema.optional(),
    /** Absent: the policy's default partition. Several (`a,b`): the one that can start it first. */
    partition: partitionSchema.optional(),
    /** Reservation to run in. */
    reservation: nameSchema.optional(),
    /** Whom it counts for; absent: the user the daemon runs as. */
    user: nameSchema.optional(),
    priority: z.int().min(0).max(4_294_967_295).default(0),
    /** Taken off the priority, as `sbatch --nice`. */
    nice: z.int().min(0).max(2_147_483_645).optional(),
    /** Tasks of a job array, as `sbatch --array`: `0-99%4`. */
    array: arraySchema.optional(),
    env: z.record(envNameSchema, envValueSchema).default({}),
    /** Environment variables whose values are read from the secret files of the daemon's home when an attempt starts. */
    secrets: z.array(envNameSchema).default([]),
    /** Dependencies, as `sbatch --dependency`: `afterok:12,afterany:13`, `afterok:12?after:13+10`, `singleton`. */
    after: afterSchema.optional(),
    /** Not to be started before, as `sbatch --begin`: `now+2hours`, `16:30`, `2027-01-31T08:00`. */
    begin: beginSchema.optional(),
    /** Warning signal before the time limit, as `sbatch --signal`: `USR1@120`; `B:USR1@120` to a script that runs once, not to its steps. */
    signal: signalSchema.optional(),
    /** Ended and requeued once no rank has written a line of output or metrics for so long; absent: never. */
    hangAfter: hangSchema.optional(),
    maxRequeues: z.int().min(0).max(1000).default(JOB_DEFAULTS.maxRequeues),
    exclude: z.array(z.string().min(1)).default([]),
    /** Nodes that it runs on, with others where it has more (`--nodelist`); on Slurm only. */
    nodelist: z.array(z.string().min(1)).min(1).optional(),
    /** Features of its nodes (`--constraint`): `a100`, `a100&nvlink`; on Slurm only. */
    constraint: slurmTextSchema.optional(),
    /** Licenses of the cluster's (`--licenses`): `matlab:2`; on Slurm only. */
    licenses: slurmTextSchema.optional(),
    /** Generic resources of each node besides GPUs (`--gres`): `tmpdisk:100`; on Slurm only. */
    gres: slurmTextSchema
      .refine((text) => !/(?:^|,)gpu(?:[:,]|$)/i.test(text), 'expected no GPUs: they are gpusPerNode')
      .optional(),
    /** Leaf switches at most, and how long it waits for so few (`--switches`): `1@12:00:00`. On this machine all nodes are on none. */
    switches: z
      .string()
      .regex(/^\d{1,6}(?:@[\d:-]{1,20})?$/, 'expected a number of switches such as "1", or "1@12:00:00"')
      .optional(),
    /** Other options of sbatch, each with its value as one word: `--mail-type=END`; on Slurm only. */
    slurmOptions: z
      .array(
        z.string().refine(isSlurmOption, {
          error: ({ input }) =>
            `expected an option of sbatch that no other field has, such as "--hint=nomultithread", got ${JSON.stringify(input)}`,
        }),
      )
      .optional(),
    /** For people who look at the job in Slurm (`--comment`). */
    comment: slurmTextSchema.optional(),
    exclusive: z.boolean().default(false),
    hold: z.boolean().default(false),
  })
  .refine((job) => (job.command === undefined) !== (job.script === undefined), {
    error: 'expected exactly one of "command" and "script"',
  })
  .refine((job) => job.scriptArguments === undefined || job.script !== undefined, {
    path: ['scriptArguments'],
    error: 'expected a "script" that takes them',
  })
  .refine((job) => job.once !== true || job.image === undefined, {
    path: ['image'],
    error: 'expected no image of a job that runs once: its own srun or apptainer names it',
  })
  .superRefine(({ gpusPerNode, memory, memoryPerCpu, memoryPerGpu }, context) => {
    const refuse = (field: string, message: string) =>
      context.addIssue({ code: 'custom', path: [field], message: `expected ${message}` });
    const isTwice = [memory, memoryPerCpu, memoryPerGpu].filter((size) => size !== undefined).length > 1;
    const only = 'only one of "memory", "memoryPerCpu" and "memoryPerGpu"';
    if (isTwice) refuse(memoryPerGpu === undefined ? 'memoryPerCpu' : 'memoryPerGpu', only);
    else if (memoryPerGpu !== undefined && gpusPerNode === 0) refuse('memoryPerGpu', 'a job with GPUs');
  })
  .superRefine(({ nodes, nodelist = [], exclude }, context) => {
    const refuse = (message: string) => context.addIssue({ code: 'custom', path: ['nodelist'], message });
    const count = new Set(nodelist).size;
    if (nodes > 0 && count > nodes)
      refuse(`expected at most as many names as nodes are asked for, ${nodes}, got ${count}`);
    const both = nodelist.find((name) => exclude.includes(name));
    if (both !== undefined) refuse(`expected no node of "exclude", got ${JSON.stringify(both)}`);
  });

/** Each field by itself, whatever the others say. */
export const jobFieldsSchema = z.strictObject(jobSpecSchema.shape);

/** As parsed: defaults filled in. */
export type JobSpec = z.infer<typeof jobSpecSchema>;
/** As written. */
export type JobSpecInput = z.input<typeof jobSpecSchema>;

/** Tasks each node of the gang has room for, and runs unless the job runs once. */
export function tasksPerNode(spec: JobSpec): number {
  return spec.tasksPerNode ?? (spec.once === true ? 1 : Math.max(1, spec.gpusPerNode));
}

/** Ranks of the gang that are started for it: of a job that runs once only that one. */
export function rankCount(spec: JobSpec): number {
  return spec.once === true ? 1 : spec.nodes * tasksPerNode(spec);
}

/** `USR1@120` as a Node signal name and the lead time before the limit. */
export function parseWarningSignal(signal: string | undefined): { name: WarningSignal; leadMs: number } | undefined {
  const match = SIGNAL.exec(signal ?? '');
  const name = SIGNALS.find((known) => known === match?.[1]);
  return name && { name: `SIG${name}`, leadMs: Number(match?.[2]) * 1000 };
}

/** CPUs of each task where no Slurm says otherwise. */
export function cpusPerTask({ cpus }: JobSpec): number {
  return cpus ?? JOB_DEFAULTS.cpus;
}

/** What a job may have on each node where no Slurm says otherwise. */
export function memoryBytesPerNode(spec: JobSpec): number {
  return namedMemoryBytesPerNode(spec) ?? JOB_DEFAULTS.memoryBytes;
}

/** What a job asks for on each node, at least; undefined where it says nothing. */
export function namedMemoryBytesPerNode(spec: JobSpec): number | undefined {
  const { memory, memoryPerCpu, memoryPerGpu, gpusPerNode } = spec;
  if (memory !== undefined) return parseMemoryBytes(memory);
  if (memoryPerCpu !== undefined) return (parseMemoryBytes(memoryPerCpu) ?? 0) * cpusPerTask(spec) * tasksPerNode(spec);
  return memoryPerGpu === undefined ? undefined : (parseMemoryBytes(memoryPerGpu) ?? 0) * gpusPerNode;
}

/** Null for no limit. */
export function timeLimitMs(spec: JobSpec): number | null {
  return spec.time === 'UNLIMITED' ? null : (parseDurationMs(spec.time) ?? null);
}

/** How long it may show no sign of life; null for ever. */
export function hangAfterMs({ hangAfter }: JobSpec): number | null {
  return hangAfter === undefined ? null : (parseDurationMs(hangAfter) ?? null);
}
