import type { TwinJob } from './types.ts';
import { createWorkload } from './workload.ts';
import type { EndShares, Figure, PublishedFigure, WorkloadSpec } from './workload-spec.ts';

const HOUR_MS = 3_600_000;

/** Figures that are published as they are may be missed by this part of themselves, or by this much, whichever is more. */
const RELATIVE_TOLERANCE = 0.05;
/** GPU time is published as it was taken, and is drawn as it is asked for: failures cut large jobs short by up to this much. */
const GPU_TIME_TOLERANCE = 0.15;
const SHARE_TOLERANCE = 0.001;

/** A published figure beside what the generator gives. */
export interface FitRow {
  /** In words: `GPU time of jobs with 256 GPUs and more`. */
  figure: string;
  /** `share`: of one. */
  unit: 'share' | 'jobs per day' | 'GPUs';
  relation: PublishedFigure['relation'];
  published: number;
  generated: number;
  /** On the right side of it; within 5 % (shares: or 0.001) of one that is published as it is. */
  isWithin: boolean;
  source: string;
}

/** What jobs come to if nothing interferes with them. */
interface Totals {
  days: number;
  jobs: number;
  gpuMs: number;
  gpusMax: number;
  /** By GPUs. */
  sizes: Map<number, { jobs: number; gpuMs: number }>;
  ends: Record<keyof EndShares, number>;
}

/**
 * Draws the workload for so many days, with no cluster in between, and holds it against what is published. A month draws few of the
 * largest jobs; eleven months is what was published.
 */
export function workloadFit(spec: WorkloadSpec, options: { days: number; seed: number }): FitRow[] {
  const totals = drawTotals(spec, options.days, options.seed);
  return spec.published.map(({ figure, relation, value, source }) => {
    const generated = measured(totals, figure, spec.clusterGpus);
    return {
      figure: inWords(figure),
      unit: figure.kind === 'jobsPerDay' ? 'jobs per day' : figure.kind === 'gpusMax' ? 'GPUs' : 'share',
      relation,
      published: value,
      generated,
      isWithin: isWithin(relation, value, generated, toleranceOf(figure)),
      source,
    };
  });
}

function drawTotals(spec: WorkloadSpec, days: number, seed: number): Totals {
  const ends = { completed: 0, failed: 0, cancelled: 0, timeout: 0, outOfMemory: 0 };
  const totals: Totals = { days, jobs: 0, gpuMs: 0, gpusMax: 0, sizes: new Map(), ends };
  // Above what any of its jobs asks for, so that none is made smaller.
  const clusterGpus = 2 * Math.max(...spec.sizes.map((size) => size.gpus));
  const source = createWorkload(spec, { days, seed, clusterGpus });
  for (let job = source.next(); job !== null; job = source.next()) {
    const gpus = job.request.nodes * job.request.perNode.gpus;
    const gpuMs = gpus * undisturbedMs(job);
    totals.jobs += 1;
    totals.gpuMs += gpuMs;
    totals.gpusMax = Math.max(totals.gpusMax, gpus);
    const size = totals.sizes.get(gpus) ?? { jobs: 0, gpuMs: 0 };
    totals.sizes.set(gpus, size);
    size.jobs += 1;
    size.gpuMs += gpuMs;
    ends[endOf(job)] += 1;
  }
  return totals;
}

/** From its start to its end on its nodes. */
function undisturbedMs({ workMs, checkpointing, request }: TwinJob): number {
  const limitMs = request.timeLimitMs ?? Infinity;
  if (checkpointing === null) return Math.min(workMs, limitMs);
  const { intervalMs, writeMs, isBlocking, restartMs } = checkpointing;
  const writes = isBlocking ? Math.floor(workMs / intervalMs) : 0;
  return Math.min(restartMs + workMs + writes * writeMs, limitMs);
}

function endOf(job: TwinJob): keyof EndShares {
  if (job.outcome === 'FAILED') return 'failed';
  if (job.outcome === 'CANCELLED') return 'cancelled';
  if (job.outcome === 'OUT_OF_MEMORY') return 'outOfMemory';
  return job.workMs > (job.request.timeLimitMs ?? Infinity) ? 'timeout' : 'completed';
}

function measured(totals: Totals, figure: Figure, clusterGpus: number): number {
  if (figure.kind === 'jobsPerDay') return totals.jobs / totals.days;
  if (figure.kind === 'offeredLoad') return totals.gpuMs / HOUR_MS / 24 / totals.days / clusterGpus;
  if (figure.kind === 'gpusMax') return totals.gpusMax;
  if (figure.kind === 'endShare') return totals.ends[figure.end] / totals.jobs;
  let jobs = 0;
  let gpuMs = 0;
  for (const [gpus, size] of totals.sizes) {
    if (gpus < figure.gpusMin || gpus > (figure.gpusMax ?? Infinity)) continue;
    jobs += size.jobs;
    gpuMs += size.gpuMs;
  }
  return figure.kind === 'jobShare' ? jobs / totals.jobs : gpuMs / totals.gpuMs;
}

function toleranceOf({ kind }: Figure): number {
  return kind === 'gpuTimeShare' ? GPU_TIME_TOLERANCE : RELATIVE_TOLERANCE;
}

function isWithin(
  relation: PublishedFigure['relation'],
  published: number,
  generated: number,
  tolerance: number,
): boolean {
  if (relation === 'above') return generated > published;
  if (relation === 'below') return generated < published;
  return Math.abs(generated - published) <= Math.max(tolerance * published, SHARE_TOLERANCE);
}

const END_WORDS: Record<keyof EndShares, string> = {
  completed: 'completed',
  failed: 'failed',
  cancelled: 'cancelled by their users',
  timeout: 'out of time',
  outOfMemory: 'out of memory',
};

function inWords(figure: Figure): string {
  if (figure.kind === 'jobsPerDay') return 'jobs submitted';
  if (figure.kind === 'offeredLoad') return 'GPU time asked for, of what the GPUs give';
  if (figure.kind === 'gpusMax') return 'largest job';
  if (figure.kind === 'endShare') return `jobs ${END_WORDS[figure.end]}, of those left alone`;
  return `${figure.kind === 'jobShare' ? 'jobs' : 'GPU time asked for by jobs'} on ${sizeInWords(figure)}`;
}

function sizeInWords({ gpusMin, gpusMax }: { gpusMin: number; gpusMax: number | null }): string {
  if (gpusMax === null) return `${gpusMin} GPUs and more`;
  if (gpusMax === gpusMin) return gpusMin === 1 ? '1 GPU' : `${gpusMin} GPUs`;
  return gpusMin === 1 ? `up to ${gpusMax} GPUs` : `${gpusMin} to ${gpusMax} GPUs`;
}
