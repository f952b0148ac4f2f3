import { z } from 'zod';
import { checkpointChoice } from './checkpoint-choice.ts';
import type { NodeReservation } from '../scheduler/policy.ts';
import { GPUS_PER_NODE_MAX } from './host-list.ts';
import { reservationFields, toReservations } from './reservation-fields.ts';
import { parseYaml } from './yaml-file.ts';

/** What a job of a scenario may come to. NODE_FAIL: every attempt loses a node after its `hours`, as in a crash loop. */
const OUTCOMES = ['COMPLETED', 'FAILED', 'CANCELLED', 'OUT_OF_MEMORY', 'NODE_FAIL'] as const;

const positive = z.number().positive().max(1e9);
const notNegative = z.number().min(0).max(1e9);
const count = z.int().min(1).max(1e9);
const name = z.string().min(1).max(500);

/** One job that a scenario adds to its workload. */
const jobSchema = z
  .strictObject({
    name: name.optional(),
    /** From the start of the run. */
    submitHours: notNegative,
    nodes: count,
    /** Default all of a node's. */
    gpusPerNode: z.int().min(0).max(GPUS_PER_NODE_MAX).optional(),
    /** Productive time on its nodes until the outcome; or a training, of which the planner says how long it takes and how it saves its work. */
    hours: positive.optional(),
    model: name.optional(),
    tokens: z.union([z.string(), z.number()]).optional(),
    limitHours: positive.optional(),
    outcome: z.enum(OUTCOMES).default('COMPLETED'),
    user: name.optional(),
    account: name.optional(),
    qos: name.optional(),
    partition: name.optional(),
    priority: z.int().min(-1e9).max(1e9).optional(),
    maxRequeues: z.int().min(0).max(1e9).optional(),
    /** The user cancels it this long after its submission. */
    cancelAfterHours: positive.optional(),
  })
  .superRefine(({ hours, model, tokens }, context) => {
    const refuse = (field: string, message: string) => context.addIssue({ code: 'custom', path: [field], message });
    if (hours === undefined && model === undefined) refuse('hours', 'expected how long it runs, or model and tokens');
    if (hours !== undefined && model !== undefined) refuse('model', 'expected either hours, or model and tokens');
    if ((model === undefined) !== (tokens === undefined))
      refuse('tokens', 'expected model and tokens together, such as tokens: 300B');
  });

const schema = z.strictObject({
  /** Another scenario, whose fields hold where this one has none. */
  base: name.optional(),
  /** Names the scenario in a comparison. */
  title: name.optional(),
  sources: z.record(z.string(), z.string()).optional(),
  cluster: name.optional(),
  workload: name.optional(),
  trace: name.optional(),
  /** What runs and waits at second 0, and what was used before. */
  queue: name.optional(),
  /** Second 0 on the calendar, as Slurm prints dates: a trace of Slurm's accounting then goes on from there. */
  queueTime: name.optional(),
  usage: name.optional(),
  /** Host list. */
  nodesOut: name.optional(),
  /** Beside those of the policy. */
  reservations: reservationFields.optional(),
  days: positive.optional(),
  /** Left out of every measure, with the jobs that were submitted in it. */
  warmupDays: notNegative.optional(),
  seed: z
    .int()
    .min(0)
    .max(2 ** 32 - 1)
    .optional(),
  load: positive.optional(),
  growth: z.number().min(-0.99).max(1000).optional(),
  set: z.record(z.string(), z.union([z.string(), z.number(), z.boolean()])).optional(),
  policy: name.optional(),
  slurmConf: name.optional(),
  topologyConf: name.optional(),
  qosDump: name.optional(),
  assocDump: name.optional(),
  failures: name.optional(),
  lemons: z.union([z.enum(['on', 'off']), z.boolean()]).optional(),
  checkpointInterval: z
    .union([z.string(), z.number()])
    .refine(
      (text) => checkpointChoice(String(text)) !== undefined,
      'expected a time such as 60m, young-daly, adaptive or none',
    )
    .optional(),
  jobs: z.array(jobSchema).max(10_000).optional(),
});

export type ScenarioJob = z.output<typeof jobSchema>;

/** A scenario as its file says it: the options of `orrery sim` in camelCase. Absent: the default. */
export interface ScenarioFields {
  title?: string;
  cluster?: string;
  workload?: string;
  trace?: string;
  queue?: string;
  queueTime?: string;
  usage?: string;
  nodesOut?: string;
  /** Beside those of the policy. */
  reservations?: readonly NodeReservation[];
  days?: number;
  warmupDays?: number;
  seed?: number;
  load?: number;
  growth?: number;
  /** Figures put in place of those of the cluster, the jobs and the policy. */
  set?: Readonly<Record<string, string>>;
  policy?: string;
  slurmConf?: string;
  topologyConf?: string;
  qosDump?: string;
  assocDump?: string;
  failures?: string;
  lemons?: boolean;
  checkpointInterval?: string;
  jobs?: readonly ScenarioJob[];
}

/** Fields that name a file. */
export const FILE_FIELDS = ['trace', 'queue', 'usage', 'slurmConf', 'topologyConf', 'qosDump', 'assocDump'] as const;

/** Fields that name an entry of the catalogue or a file. */
export const NAME_FIELDS = ['cluster', 'workload', 'policy', 'failures'] as const;

/** Throws ORR_BAD_FILE with one line that names file, line and field. */
export function parseScenarioFile(text: string, fileName: string): { base: string | null; fields: ScenarioFields } {
  const {
    base,
    sources: _,
    set,
    lemons,
    checkpointInterval,
    reservations,
    ...rest
  } = parseYaml(text, fileName, schema);
  const given = Object.entries(rest).filter(([, value]) => value !== undefined);
  const fields: ScenarioFields = Object.fromEntries(given);
  if (set !== undefined) {
    fields.set = Object.fromEntries(Object.entries(set).map(([key, value]) => [key, String(value)]));
  }
  if (reservations !== undefined) fields.reservations = toReservations(reservations);
  if (lemons !== undefined) fields.lemons = lemons === true || lemons === 'on';
  if (checkpointInterval !== undefined) fields.checkpointInterval = String(checkpointInterval);
  return { base: base ?? null, fields };
}
