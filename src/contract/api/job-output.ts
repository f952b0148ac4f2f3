import { z } from 'zod';
import { countSchema, queryFlagSchema } from './query-text.ts';

/** One piece of a task's output. `offset` counts bytes from the start of that file. */
export const logChunkSchema = z.object({
  attempt: z.int(),
  rank: z.int(),
  stream: z.enum(['stdout', 'stderr']),
  offset: z.int(),
  text: z.string(),
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

/** A stretch of ORRERY_METRICS: whole lines only, those that are not JSON objects left out. */
export const metricsSchema = z.object({
  lines: z.array(z.record(z.string(), z.unknown())),
  /** Bytes; `since` of the next request. */
  nextOffset: z.int(),
});

/** Query of `GET /jobs/{id}/metrics`: bytes. */
export const metricsQuerySchema = z.strictObject({ since: countSchema.optional() });

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

export type LogChunk = z.infer<typeof logChunkSchema>;
export type Pace = z.infer<typeof paceSchema>;
export type Metrics = z.infer<typeof metricsSchema>;
