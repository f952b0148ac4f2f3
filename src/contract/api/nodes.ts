import { z } from 'zod';
import { nodeReportSchema } from '../node-report.ts';

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

export const nodeListSchema = z.object({ nodes: z.array(nodeSchema) });

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

export const nodeParamsSchema = z.object({ name: z.string() });

export const nodeReasonSchema = z.strictObject({ reason: z.string().min(1).max(500).optional() });

export type LemonList = z.infer<typeof lemonListSchema>;
export type NodeOutage = z.infer<typeof nodeOutageSchema>;
export type NodeDetail = z.infer<typeof nodeDetailSchema>;
export type NodeSummary = z.infer<typeof nodeSchema>;
