import { streamOf } from '../../src/lib/random.ts';
import type { JobSource, TwinJob } from '../../src/twin/types.ts';

export interface DrawnJobs {
  nodes: number;
  /** Node time that arrives over node time that there is. */
  load: number;
  /** Jobs submitted at once at the start; the others arrive one by one. */
  backlog: number;
  count: number;
  seed: number;
}

const WHOLE_NODE = { cpus: 256, memoryBytes: 2 * 1024 ** 4, gpus: 8 };
const HOUR_MS = 3_600_000;
const WEEK_MS = 168 * HOUR_MS;
const SINGLE_SHARE = 0.7;
/** Of the cluster, at most. */
const SIZE_SHARE_MAX = 1 / 4;
const RUN_MEDIAN_MS = HOUR_MS;
const RUN_DEVIATION = 1.5;
const SAMPLE = 50_000;

/**
 * Jobs of whole nodes in the manner of the SWF traces: 70 % of one node, the others of powers of two up to a quarter of the cluster, log-normal
 * run times up to a week, requests of one to four times as much.
 */
export function drawnJobs({ nodes, load, backlog, count, seed }: DrawnJobs): JobSource {
  const sizes = streamOf(seed, 'sizes');
  const runs = streamOf(seed, 'runs');
  const requests = streamOf(seed, 'requests');
  const arrivals = streamOf(seed, 'arrivals');
  const powers = Math.floor(Math.log2(nodes * SIZE_SHARE_MAX));
  const drawSize = (stream = sizes) =>
    stream.nextUniform() < SINGLE_SHARE ? 1 : 2 ** (1 + Math.floor(stream.nextUniform() * powers));
  const drawRunMs = (stream = runs) =>
    Math.ceil(Math.min(WEEK_MS, RUN_MEDIAN_MS * Math.exp(RUN_DEVIATION * stream.nextNormal())));
  const sample = streamOf(seed, 'sample');
  let nodeMs = 0;
  for (let index = 0; index < SAMPLE; index++) nodeMs += drawSize(sample) * drawRunMs(sample);
  const betweenMs = nodeMs / SAMPLE / (load * nodes);
  let submitMs = 0;
  let jobId = 0;
  return {
    countEstimate: backlog + count,
    endMsEstimate: count * betweenMs,
    next(): TwinJob | null {
      if (jobId === backlog + count) return null;
      jobId += 1;
      if (jobId > backlog) submitMs += arrivals.nextExponential(betweenMs);
      const runMs = drawRunMs();
      const limitMs = Math.min(WEEK_MS, Math.ceil(runMs * (1 + 3 * requests.nextUniform())));
      return {
        request: {
          jobId,
          submitMs: Math.round(submitMs),
          priority: 0,
          nodes: drawSize(),
          perNode: WHOLE_NODE,
          gpuType: null,
          exclusive: true,
          timeLimitMs: limitMs,
          excludedNodes: [],
          maxRequeues: 3,
          dependencies: [],
          isHeld: false,
        },
        workMs: runMs,
        outcome: 'COMPLETED',
        cancelAfterMs: null,
        checkpointing: null,
      };
    },
  };
}
