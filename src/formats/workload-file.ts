import { z } from 'zod';
import type { Figure, PublishedFigure, SizeClass, WorkloadSpec } from '../twin/workload-spec.ts';
import { parseYaml } from './yaml-file.ts';

const SECOND_MS = 1000;
const MINUTE_MS = 60_000;
const HOUR_MS = 3_600_000;
const GIGA = 1e9;

/** Shares of all sizes may miss 1 by this, as figures are rounded. */
const SHARE_TOLERANCE = 0.001;

/** A mean closer to the longest job than this leaves no room for jobs that differ. */
const MEAN_SHARE_MAX = 0.9;

const positive = z.number().positive().max(1e12);
const notNegative = z.number().min(0).max(1e12);
const share = z.number().min(0).max(1);
const count = z.int().min(1).max(1_000_000);
const text = z.string().min(1);

function weights(length: number) {
  return z
    .array(notNegative)
    .length(length, `expected ${length} numbers`)
    .refine(hasPositive, 'expected a number above 0');
}

function hasPositive(numbers: readonly number[]): boolean {
  return numbers.some((number) => number > 0);
}

const sizeSchema = z.strictObject({
  gpus: count,
  jobShare: share.positive(),
  gpuTimeShare: share.positive(),
  durationDeviation: z.number().min(0.1).max(5),
  chainJobsMax: z.int().min(1).max(100),
  checkpointShare: share,
  qos: text,
});

const endsSchema = z
  .strictObject({ completed: share, failed: share, cancelled: share, timeout: share, outOfMemory: share })
  .refine((ends) => hasPositive(Object.values(ends)), 'expected a share above 0');

const relation = { about: z.number().optional(), above: z.number().optional(), below: z.number().optional() };
const gpusRange = { gpusMin: count, gpusMax: count.optional() };
const publishedSchema = z
  .discriminatedUnion('figure', [
    z.strictObject({ figure: z.literal('jobsPerDay'), ...relation, source: text }),
    z.strictObject({ figure: z.literal('offeredLoad'), ...relation, source: text }),
    z.strictObject({ figure: z.literal('gpusMax'), ...relation, source: text }),
    z.strictObject({ figure: z.literal('jobShare'), ...gpusRange, ...relation, source: text }),
    z.strictObject({ figure: z.literal('gpuTimeShare'), ...gpusRange, ...relation, source: text }),
    z.strictObject({
      figure: z.literal('endShare'),
      end: z.enum(['completed', 'failed', 'cancelled', 'timeout', 'outOfMemory']),
      ...relation,
      source: text,
    }),
  ])
  .refine(
    ({ about, above, below }) => [about, above, below].filter((value) => value !== undefined).length === 1,
    'expected one of about, above and below',
  );

const fileSchema = z
  .strictObject({
    name: text,
    title: text,
    note: text.optional(),
    clusterGpus: count,
    jobsPerDay: positive,
    gpuHoursPerDay: positive,
    hourWeights: weights(24),
    dayWeights: weights(7),
    qosMixes: z.record(
      text,
      z.record(text, share).refine((mix) => hasPositive(Object.values(mix)), 'expected a share above 0'),
    ),
    sizes: z.array(sizeSchema).min(1).max(1000),
    ends: endsSchema,
    limitHours: z.array(positive).min(1).max(100),
    limitUseMin: z.number().min(0.001).max(1),
    chainJobHours: positive,
    checkpointing: z
      .strictObject({
        intervalMinutes: positive,
        writeSeconds: notNegative,
        isBlocking: z.boolean(),
        restartMinutesMin: notNegative,
        restartMinutesMax: notNegative,
      })
      .refine(({ restartMinutesMin, restartMinutesMax }) => restartMinutesMin <= restartMinutesMax, {
        path: ['restartMinutesMax'],
        error: 'expected no less than restartMinutesMin',
      }),
    users: count,
    accounts: count,
    userExponent: z.number().min(0).max(10),
    cpusPerGpu: count,
    memoryGigabytesPerGpu: notNegative,
    requeuesMax: z.int().min(0).max(1_000_000),
    published: z.array(publishedSchema).default([]),
    sources: z.record(text, text).default({}),
  })
  .superRefine((file, context) => {
    for (const { path, message } of contradictions(file)) context.addIssue({ code: 'custom', path, message });
  });

type WorkloadFile = z.output<typeof fileSchema>;

/** A synthetic workload from its YAML file. Throws ORR_BAD_FILE with file, line and field. */
export function parseWorkloadFile(yaml: string, fileName: string): WorkloadSpec {
  const { qosMixes, limitHours, chainJobHours, checkpointing, memoryGigabytesPerGpu, ...file } = parseYaml(
    yaml,
    fileName,
    fileSchema,
  );
  return {
    ...file,
    note: file.note ?? null,
    sizes: file.sizes.map((size): SizeClass => ({ ...size, qos: qosMixes[size.qos] ?? {} })),
    limitsMs: limitHours.map((hours) => Math.round(hours * HOUR_MS)),
    chainJobMs: Math.round(chainJobHours * HOUR_MS),
    checkpointing: {
      intervalMs: Math.round(checkpointing.intervalMinutes * MINUTE_MS),
      writeMs: Math.round(checkpointing.writeSeconds * SECOND_MS),
      isBlocking: checkpointing.isBlocking,
      restartMsMin: Math.round(checkpointing.restartMinutesMin * MINUTE_MS),
      restartMsMax: Math.round(checkpointing.restartMinutesMax * MINUTE_MS),
    },
    memoryBytesPerGpu: Math.round(memoryGigabytesPerGpu * GIGA),
    published: file.published.map(toPublished),
  };
}

function toPublished(entry: WorkloadFile['published'][number]): PublishedFigure {
  const { about, above, below, source } = entry;
  const relation = about !== undefined ? 'about' : above !== undefined ? 'above' : 'below';
  return { figure: toFigure(entry), relation, value: about ?? above ?? below ?? 0, source };
}

function toFigure(entry: WorkloadFile['published'][number]): Figure {
  if (entry.figure === 'endShare') return { kind: 'endShare', end: entry.end };
  if (entry.figure === 'jobShare' || entry.figure === 'gpuTimeShare') {
    return { kind: entry.figure, gpusMin: entry.gpusMin, gpusMax: entry.gpusMax ?? null };
  }
  return { kind: entry.figure };
}

/** Figures that are right each by itself and cannot be together. */
function* contradictions(file: WorkloadFile): Generator<{ path: PropertyKey[]; message: string }> {
  for (const field of ['jobShare', 'gpuTimeShare'] as const) {
    const sum = file.sizes.reduce((total, size) => total + size[field], 0);
    if (Math.abs(sum - 1) > SHARE_TOLERANCE) {
      yield {
        path: ['sizes'],
        message: `expected each ${field} so that all add up to 1, got ${Number(sum.toFixed(4))}`,
      };
    }
  }
  const longest = file.limitHours.at(-1) ?? 0;
  if (file.limitHours.some((hours, index) => hours <= (file.limitHours[index - 1] ?? 0))) {
    yield { path: ['limitHours'], message: 'expected hours in ascending order' };
  }
  if (file.chainJobHours >= longest) {
    yield { path: ['chainJobHours'], message: `expected less than the longest of limitHours, ${longest}` };
  }
  const known = Object.keys(file.qosMixes);
  const { completed, failed, cancelled, timeout, outOfMemory } = file.ends;
  const cutShort = (failed + cancelled + outOfMemory) / (completed + failed + cancelled + timeout + outOfMemory);
  for (const [index, size] of file.sizes.entries()) {
    if (!known.includes(size.qos)) {
      yield {
        path: ['sizes', index, 'qos'],
        message: `expected one of qosMixes (${known.join(', ')}), got ${size.qos}`,
      };
    }
    const hours =
      (file.gpuHoursPerDay * size.gpuTimeShare) / (file.jobsPerDay * size.jobShare * size.gpus) / (1 - cutShort / 2);
    const hoursMax = MEAN_SHARE_MAX * file.chainJobHours;
    if (hours > hoursMax) {
      const message = `expected so little GPU time for so many jobs that one runs up to ${hoursMax} hours in the mean, got ${hours.toFixed(1)}`;
      yield { path: ['sizes', index, 'gpuTimeShare'], message };
    }
  }
}
