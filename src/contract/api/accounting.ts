import { z } from 'zod';
import { jobStateSchema } from './jobs.ts';

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

export const accountingSchema = z.object({ rows: z.array(accountingRowSchema) });

export const accountingQuerySchema = z.strictObject({ by: z.enum(ACCOUNTING_KEYS).default('job') });

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
  /** Resources that it asks for (`PriorityWeightTRES`). */
  tres: z.number().default(0),
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

export type JobPriority = z.infer<typeof jobPrioritySchema>;
export type Share = z.infer<typeof shareSchema>;
export type AccountingRow = z.infer<typeof accountingRowSchema>;
