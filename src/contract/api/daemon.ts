import { z } from 'zod';
import { countSchema } from './query-text.ts';

export const healthSchema = z.object({
  status: z.literal('ok'),
  version: z.string(),
  pid: z.int(),
  home: z.string(),
  cluster: z.string(),
  /** Name of the policy; `default` without one. */
  policy: z.string(),
  /** What of the policy changes nothing here, or what of Slurm is not to be had, and what works all the same. */
  remarks: z.array(z.string()).default([]),
  startTime: z.number(),
  nodes: z.int(),
  jobsPending: z.int(),
  jobsRunning: z.int(),
  /** Where Slurm does not answer: since when, in UNIX seconds, and why. Jobs and nodes are as last seen then. */
  outage: z.object({ sinceTime: z.number(), reason: z.string(), cause: z.enum(['slurm', 'storage']) }).nullable(),
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

/** Query of `GET /events`: sequence number of the last event seen. */
export const eventQuerySchema = z.strictObject({ since: countSchema.optional() });

export const shutdownRequestSchema = z.strictObject({
  /** Cancel all jobs first; else what runs goes on running. */
  cancel: z.boolean().default(false),
});

export const shutdownResponseSchema = z.object({ pid: z.int(), isStopping: z.literal(true) });

export const errorBodySchema = z.object({ error: z.object({ code: z.string(), message: z.string() }) });

/** `daemon.json` in the home: where the running daemon is. Written by rename once it listens, removed when it stops. */
export const daemonFileSchema = z.object({
  pid: z.int(),
  url: z.string(),
  home: z.string(),
  version: z.string(),
  startTime: z.number(),
  /** Name of the policy. Absent: of an older daemon. */
  policy: z.string().optional(),
  /** The machine, which a home on a shared folder does not tell, and which start of it. Absent: of an older daemon. */
  host: z.string().optional(),
  bootId: z.string().optional(),
});

export type JobEvent = z.infer<typeof jobEventSchema>;
export type Health = z.infer<typeof healthSchema>;
export type ShutdownResponse = z.infer<typeof shutdownResponseSchema>;
export type DaemonFile = z.infer<typeof daemonFileSchema>;
