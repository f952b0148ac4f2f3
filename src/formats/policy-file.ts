import { z } from 'zod';
import type { LiftedLimit } from '../scheduler/qos-and-accounts.ts';
import type { PartitionPolicy, SchedulerOptions } from '../scheduler/policy.ts';
import type { Timing } from '../twin/scenario.ts';
import { hostNamesOf } from './host-list.ts';
import { wrongNames } from './policy-names.ts';
import { reservationFields, toReservations } from './reservation-fields.ts';
import {
  APPLIED_PARAMETERS,
  type AppliedParameter,
  IGNORED_PARAMETERS,
  type IgnoredParameter,
  isAppliedParameter,
  isIgnoredParameter,
  parameterOption,
} from './scheduler-parameters.ts';
import type { JobRules } from './slurm-job-rules.ts';
import { cadenceChange, isCadenceParameter, SLURM_CADENCE } from './slurm-times.ts';
import { parseYaml } from './yaml-file.ts';

/** A policy as its file gives it. */
export interface PolicyFile {
  options: SchedulerOptions;
  /** Null where the file has no `timing`. */
  timing: Timing | null;
  /** What becomes of what jobs of a trace ask for, as in Slurm; null: they have that. */
  rules: JobRules | null;
  /** What a live daemon does about lemon nodes; null where the file does not say. */
  lemons: 'advise' | 'drain' | null;
  /** Slurm's parameters in it that change nothing here, and why. */
  ignored: readonly { key: string; reason: string }[];
}

const seconds = z.number().min(0);
const secondsAboveZero = z.number().min(1);
const count = z.int().min(1);
/** 0 for no limit. */
const none = z.int().min(0).exactOptional();
const limit = z.int().min(0).nullable().exactOptional();
const name = z.string().min(1);
const names = z.array(name);
const share = z.union([z.number().min(0), z.literal('parent')]);
const weight = z.number().min(0);
const preemptMode = z.enum(['requeue', 'cancel', 'off']);

const useLimit = z.strictObject({ jobs: limit, nodes: limit, gpus: limit, cpus: limit, memoryBytes: limit });
const minutesLimit = z.strictObject({ nodes: limit, gpus: limit, cpus: limit, memoryBytes: limit });
const nodeLimit = z.strictObject({ gpus: limit, cpus: limit, memoryBytes: limit });
const LIFTED_LIMITS = ['minNodes', 'maxNodes', 'maxTimeSeconds'] as const satisfies readonly LiftedLimit[];

const userLimits = {
  group: useLimit.exactOptional(),
  perUser: useLimit.exactOptional(),
  perJob: useLimit.exactOptional(),
  perNode: nodeLimit.exactOptional(),
  perJobMinutes: minutesLimit.exactOptional(),
  groupRunMinutes: minutesLimit.exactOptional(),
  groupMinutes: minutesLimit.exactOptional(),
  groupWallSeconds: seconds.nullable().exactOptional(),
  submitJobsPerUser: limit,
  submitJobs: limit,
  wallSecondsMax: secondsAboveZero.nullable().exactOptional(),
};
const limits = { ...userLimits, perAccount: useLimit.exactOptional(), submitJobsPerAccount: limit };

const qos = z.strictObject({
  name,
  priority: z.number().min(0).exactOptional(),
  preempts: names.exactOptional(),
  preemptMode: preemptMode.nullable().exactOptional(),
  graceSeconds: seconds.exactOptional(),
  preemptExemptSeconds: seconds.nullable().exactOptional(),
  usageFactor: z.number().min(0).exactOptional(),
  isOverPartitionQos: z.boolean().exactOptional(),
  perJobMin: useLimit.exactOptional(),
  isDeniedOnLimit: z.boolean().exactOptional(),
  isNeverReserved: z.boolean().exactOptional(),
  isUseKept: z.boolean().exactOptional(),
  lifts: z.array(z.enum(LIFTED_LIMITS)).exactOptional(),
  ...limits,
});

const account = z.strictObject({
  name,
  parent: name.nullable().exactOptional(),
  shares: share.exactOptional(),
  ...limits,
});

const billingWeights = z.strictObject({
  cpu: weight.default(0),
  gpu: weight.default(0),
  gibibyte: weight.exactOptional(),
  node: weight.exactOptional(),
});

const partition = z.strictObject({
  // Jobs name several with commas between them.
  name: name.regex(/^[^,]+$/, 'expected the name of a partition, without commas'),
  nodes: names.nullable().exactOptional(),
  isDefault: z.boolean().exactOptional(),
  priorityTier: z.int().min(0).exactOptional(),
  priorityJobFactor: z.number().min(0).exactOptional(),
  minNodes: z.int().min(0).exactOptional(),
  maxNodes: count.nullable().exactOptional(),
  maxCpusPerNode: count.exactOptional(),
  allowAccounts: names.exactOptional(),
  denyAccounts: names.exactOptional(),
  allowQos: names.exactOptional(),
  denyQos: names.exactOptional(),
  qos: name.exactOptional(),
  maxTimeSeconds: secondsAboveZero.nullable().exactOptional(),
  defaultTimeSeconds: secondsAboveZero.nullable().exactOptional(),
  overTimeSeconds: seconds.nullable().exactOptional(),
  preemptMode: preemptMode.nullable().exactOptional(),
  graceSeconds: seconds.exactOptional(),
  billingWeights: billingWeights.exactOptional(),
});

const tresWeights = z.strictObject({
  cpu: weight.exactOptional(),
  memory: weight.exactOptional(),
  gpu: weight.exactOptional(),
  node: weight.exactOptional(),
});

const priority = z.strictObject({
  type: z.enum(['basic', 'multifactor']).exactOptional(),
  weights: z
    .strictObject({
      age: weight.default(0),
      fairshare: weight.default(0),
      jobSize: weight.default(0),
      partition: weight.default(0),
      qos: weight.default(0),
      tres: tresWeights.exactOptional(),
    })
    .exactOptional(),
  maxAgeSeconds: secondsAboveZero.exactOptional(),
  decayHalfLifeSeconds: seconds.exactOptional(),
  calcPeriodSeconds: secondsAboveZero.exactOptional(),
  calcAgeSeconds: seconds.exactOptional(),
  isSmallFavored: z.boolean().exactOptional(),
  isSizeRelativeToTime: z.boolean().exactOptional(),
  fairshareAlgorithm: z.enum(['fair_tree', 'classic']).exactOptional(),
  billingWeights: billingWeights.nullable().exactOptional(),
  isMostBilled: z.boolean().exactOptional(),
});

const preempt = z.strictObject({
  type: z.enum(['none', 'qos', 'partition_prio']).exactOptional(),
  mode: preemptMode.exactOptional(),
  exemptSeconds: seconds.exactOptional(),
  isYoungestFirst: z.boolean().exactOptional(),
});

const amount = z.int().min(0).default(0);

const amounts = z.strictObject({
  cpusPerGpu: amount,
  mebibytesPerNode: amount,
  mebibytesPerCpu: amount,
  mebibytesPerGpu: amount,
});

const jobs = z.strictObject({
  isWholeNode: z.boolean().default(false),
  exclusivePartitions: names.default([]),
  isMemoryConsumed: z.boolean().default(true),
  isRequeued: z.boolean().default(true),
  cpusPerCore: count.default(1),
  defaults: amounts.prefault({}),
  partitionDefaults: z.record(name, amounts).default({}),
});

const timing = z.strictObject({
  launchSeconds: seconds.default(0),
  launchGapSeconds: seconds.exactOptional(),
  killGapSeconds: seconds.exactOptional(),
  completeSeconds: seconds.default(0),
  killSeconds: seconds.default(0),
});

const cadence = z.strictObject({
  batchSchedDelaySeconds: secondsAboveZero.default(SLURM_CADENCE.batchSchedDelaySeconds),
  schedIntervalSeconds: secondsAboveZero.default(SLURM_CADENCE.schedIntervalSeconds),
  timeLimitCheckSeconds: seconds.default(SLURM_CADENCE.timeLimitCheckSeconds),
  promptEndShare: z.number().min(0).max(1).default(SLURM_CADENCE.promptEndShare),
  controllerAgeSeconds: seconds.default(SLURM_CADENCE.controllerAgeSeconds),
  mainAgeSeconds: seconds.exactOptional(),
  fullAgeSeconds: seconds.exactOptional(),
  loopDelaySeconds: seconds.default(SLURM_CADENCE.loopDelaySeconds),
  originSeconds: z.int().min(0).default(SLURM_CADENCE.originSeconds),
  bfMaxTimeSeconds: secondsAboveZero.default(SLURM_CADENCE.bfMaxTimeSeconds),
  bfYieldIntervalSeconds: secondsAboveZero.default(SLURM_CADENCE.bfYieldIntervalSeconds),
  bfYieldSleepSeconds: seconds.default(SLURM_CADENCE.bfYieldSleepSeconds),
  isBfContinued: z.boolean().default(SLURM_CADENCE.isBfContinued),
  nodeTestMicroseconds: z.number().min(0).default(SLURM_CADENCE.nodeTestMicroseconds),
});

const ownFields = {
  schedulerType: z.enum(['builtin', 'backfill']).exactOptional(),
  backfillType: z.enum(['easy', 'conservative']).exactOptional(),
  defaultQueueDepth: count.exactOptional(),
  bfIntervalSeconds: seconds.exactOptional(),
  bfResolutionSeconds: count.exactOptional(),
  bfMaxJobTest: count.exactOptional(),
  bfWindowSeconds: count.exactOptional(),
  bfMaxJobUser: none,
  bfMaxJobPart: none,
  bfMaxJobUserPart: none,
  bfMaxJobAssoc: none,
  bfMaxJobStart: none,
  schedMaxJobStart: none,
  bfJobPartCountReserve: none,
  bfMinAgeReserveSeconds: seconds.exactOptional(),
  bfMinPrioReserve: none,
  partitionJobDepth: none,
  priority: priority.exactOptional(),
  preempt: preempt.exactOptional(),
  qos: z.array(qos).exactOptional(),
  accounts: z.array(account).exactOptional(),
  users: z.array(z.strictObject({ name, account: name, shares: share.exactOptional(), ...userLimits })).exactOptional(),
  partitions: z.array(partition).exactOptional(),
  areLimitsSafe: z.boolean().exactOptional(),
  reservations: reservationFields.exactOptional(),
  enforcePartLimits: z.union([z.boolean(), z.literal('any')]).exactOptional(),
  selectType: z.enum(['cons_tres', 'linear']).exactOptional(),
  overTimeSeconds: seconds.nullable().exactOptional(),
  killWaitSeconds: seconds.exactOptional(),
  cadence: cadence.nullable().exactOptional(),
  requeueDelaySeconds: seconds.exactOptional(),
  requeueBackoffSeconds: seconds.exactOptional(),
  requeueBackoffMaxSeconds: seconds.exactOptional(),
} satisfies Record<keyof SchedulerOptions, z.ZodType>;

/** Slurm's names for some of them, in Slurm's units. */
const applied = {
  bf_job_part_count_reserve: none,
  bf_max_job_assoc: none,
  bf_max_job_part: none,
  bf_max_job_start: none,
  bf_max_job_user: none,
  bf_max_job_user_part: none,
  bf_min_age_reserve: none,
  bf_min_prio_reserve: none,
  partition_job_depth: none,
  sched_max_job_start: none,
  bf_interval: z.int().min(0).exactOptional(),
  bf_max_job_test: count.exactOptional(),
  bf_resolution: count.exactOptional(),
  bf_window: count.exactOptional(),
  default_queue_depth: count.exactOptional(),
} satisfies Record<AppliedParameter, z.ZodType>;

/** Those that people have next to them. */
const ignorable = {
  batch_sched_delay: z.unknown().optional(),
  bf_continue: z.unknown().optional(),
  bf_max_time: z.unknown().optional(),
  bf_yield_interval: z.unknown().optional(),
  bf_yield_sleep: z.unknown().optional(),
  max_sched_time: z.unknown().optional(),
  sched_interval: z.unknown().optional(),
  sched_min_interval: z.unknown().optional(),
} satisfies Partial<Record<IgnoredParameter, z.ZodType>>;

const policySchema = z
  .strictObject({
    ...ownFields,
    timing: timing.exactOptional(),
    jobs: jobs.exactOptional(),
    lemons: z.enum(['advise', 'drain']).exactOptional(),
    ...applied,
    ...ignorable,
  })
  .superRefine((file, context) => {
    for (const [key, value] of Object.entries(file)) {
      const change = file.cadence && isCadenceParameter(key) ? cadenceChange(key, value) : {};
      if (typeof change !== 'string') continue;
      context.addIssue({ code: 'custom', path: [key], message: `expected ${change}, got ${JSON.stringify(value)}` });
    }
    for (const { path, text } of wrongNames(file)) context.addIssue({ code: 'custom', path: [...path], message: text });
    for (const [parameter, { field }] of Object.entries(APPLIED_PARAMETERS)) {
      if (!Object.hasOwn(file, parameter) || file[field] === undefined) continue;
      const message = `expected ${field} or ${parameter}, which is the same in Slurm's words, not both`;
      context.addIssue({ code: 'custom', path: [parameter], message });
    }
  });

/**
 * A scheduling policy from its YAML file: the fields of `SchedulerOptions`, the names of Slurm's `SchedulerParameters` in Slurm's units
 * (`bf_window` in minutes), reservations in seconds, and `timing` in seconds. Throws ORR_BAD_FILE with file, line and field.
 */
export function parsePolicyFile(yaml: string, fileName: string): PolicyFile {
  const {
    timing: delays,
    jobs: rules = null,
    lemons = null,
    reservations,
    partitions,
    ...rest
  } = parseYaml(yaml, fileName, policySchema);
  const options: SchedulerOptions = {};
  const ignored: PolicyFile['ignored'][number][] = [];
  for (const [key, value] of Object.entries(rest)) {
    if (isAppliedParameter(key)) Object.assign(options, parameterOption(key, Number(value)));
    // With a cadence there are such passes, and these say when.
    else if (rest.cadence && isCadenceParameter(key)) Object.assign(rest.cadence, cadenceChange(key, value));
    else if (isIgnoredParameter(key)) ignored.push({ key, reason: IGNORED_PARAMETERS[key] });
    else Object.assign(options, { [key]: value });
  }
  if (partitions !== undefined) options.partitions = partitions.map(withNodeNames);
  if (reservations !== undefined) options.reservations = toReservations(reservations);
  return {
    options,
    timing: delays === undefined ? null : toTiming(delays),
    rules,
    lemons,
    ignored,
  };
}

/** Nodes may be given as host lists. */
function withNodeNames(entry: z.output<typeof partition>): PartitionPolicy {
  if (entry.nodes === undefined || entry.nodes === null) return entry;
  return { ...entry, nodes: hostNamesOf(entry.nodes) };
}

function toTiming(delays: z.output<typeof timing>): Timing {
  return {
    launchMs: Math.round(delays.launchSeconds * 1000),
    completeMs: Math.round(delays.completeSeconds * 1000),
    killMs: Math.round(delays.killSeconds * 1000),
    ...(delays.launchGapSeconds !== undefined && { launchGapMs: Math.round(delays.launchGapSeconds * 1000) }),
    ...(delays.killGapSeconds !== undefined && { killGapMs: Math.round(delays.killGapSeconds * 1000) }),
  };
}
