import { OrreryError } from '../../contract/errors.ts';
import { checkpointChoice } from '../../formats/checkpoint-choice.ts';
import type { ScenarioFields } from '../../formats/scenario-file.ts';
import { completePolicy, type SchedulerOptions } from '../../scheduler/policy.ts';
import { runTwin } from '../../twin/engine.ts';
import { createIncidents } from '../../twin/failures.ts';
import type { FailureModel } from '../../twin/failure-model.ts';
import { createLemonWatch } from '../../twin/lemon-watch.ts';
import { createMeasures } from '../../twin/measures/measures.ts';
import { meanWaits } from '../../twin/measures/mean-waits.ts';
import { RecordedWaitWatch } from '../../twin/measures/recorded-waits.ts';
import type { RecordedWaits, TwinReport } from '../../twin/report.ts';
import type { RunSummary, Scenario } from '../../twin/scenario.ts';
import { deviceWord, hours } from '../render/sim-facts.ts';
import { JobsWriter } from './jobs-writer.ts';
import { type Overrides, overridesOf } from './overrides.ts';
import type { ProgressBoard } from './run-progress.ts';
import { failureNameOf } from './scenario-draws.ts';
import { failureModelOf } from './scenario-failures.ts';
import { jobsOf, type ScenarioJobs, untilMsOf } from './scenario-jobs.ts';
import { policyOf, type ScenarioPolicy } from './scenario-policy.ts';
import {
  clusterOf,
  NO_CLUSTER,
  plainCluster,
  type SimulatedCluster,
  slurmCluster,
  traceCluster,
} from './simulated-cluster.ts';
import type { SimulationRequest } from './simulation.ts';
import type { ReadingRemark, SimulationInputs } from './simulation-inputs.ts';
import { nodeRemarks, withReservations, withUsedPartitions } from './policy-fit.ts';

const SEED_DEFAULT = 1;
const MS_PER_DAY = 86_400_000;
/** Of a workload that says nothing of policy and failures: those of the cluster that it is made after. */
const POLICY_DEFAULT = 'rsc';

/** The document of `orrery sim --json`. Virtual times only: the same scenario gives the same bytes. */
export interface SimulationResult {
  /** What was given. */
  inputs: SimulationInputs;
  summary: RunSummary;
  /** What was drawn, and what is predicted. */
  report: TwinReport;
  /** Beside what is recorded of the jobs of a trace; null where their starts are not. */
  recorded: RecordedWaits | null;
}

/** A scenario with everything read that it names. */
interface Prepared {
  fields: ScenarioFields;
  seed: number;
  cluster: SimulatedCluster;
  policy: ScenarioPolicy;
  failures: FailureModel | null;
  jobs: ScenarioJobs;
  overrides: Overrides;
}

/** Reads what a scenario names and runs it. Throws ORR_USAGE, ORR_BAD_FILE, ORR_UNKNOWN_CLUSTER with one line. */
export async function simulate(
  { fields, jobsOut }: SimulationRequest,
  board: ProgressBoard,
): Promise<SimulationResult> {
  const prepared = await prepare(fields);
  const { cluster, policy, failures, jobs, seed } = prepared;
  const untilMs = untilMsOf(fields);
  const incidents =
    failures === null ? null : createIncidents(failures, cluster.nodes, { seed, untilMs: untilMs ?? Infinity });
  const watch =
    fields.lemons === true
      ? createLemonWatch(cluster.nodes, { onSwapped: (nodeIndex) => incidents?.swapped(nodeIndex) })
      : null;
  const measures = createMeasures({
    nodes: cluster.nodes,
    horizonMs: untilMs,
    expectedEndMs: jobs.source.endMsEstimate,
    warmupMs: Math.round((fields.warmupDays ?? 0) * MS_PER_DAY),
    failuresPerNodeDay: failures === null ? null : failures.failuresPerThousandNodeDays / 1000,
    powerPerNodeWatts: cluster.powerWattsMax,
  });
  const { nameOf, aheadMs } = jobs;
  const writer =
    jobsOut === null ? null : new JobsWriter(jobsOut, { nameOf, aheadMs, isWholeSeconds: policy.rules !== null });
  const recorded = jobs.rowOf === null ? null : new RecordedWaitWatch(jobs.rowOf);
  const scenario: Scenario = {
    ...whatRuns(prepared),
    incidents,
    operator: watch,
    observers: [...measures.observers, ...(writer === null ? [] : [writer]), ...(recorded === null ? [] : [recorded])],
  };
  board.show({ endMs: untilMs ?? jobs.source.endMsEstimate ?? 0, jobsInAll: jobs.source.countEstimate ?? 0 });
  const summary = runTwin(scenario, {
    onProgress: (nowMs, jobsSubmitted, jobsEnded) => {
      board.show({ nowMs, jobsSubmitted, jobsEnded });
      return !board.isStopping;
    },
  });
  writer?.close();
  const report = measures.report(summary, watch?.score() ?? null);
  const inputs = inputsOf(prepared);
  return {
    inputs: { ...inputs, remarks: [...inputs.remarks, ...checkpointRemarks(fields, report)] },
    summary,
    report,
    recorded: await meanOfClocks(recorded?.report() ?? null, prepared, board),
  };
}

/** `clocks`: which of the clocks that the controller may have had, where it is known of them to the second. */
function whatRuns(prepared: Prepared, clocks = 0): Omit<Scenario, 'incidents' | 'operator' | 'observers'> {
  const { fields, cluster, policy, jobs } = prepared;
  const options = isAfterImport(prepared) ? withClocks(policy.options, clocks) : policy.options;
  return {
    nodes: cluster.nodes,
    policy: byTheClock(options, jobs.originMs),
    timing: policy.timing,
    jobs: jobs.source,
    ...(jobs.start !== null && { start: jobs.start }),
    untilMs: untilMsOf(fields),
  };
}

/** Of more jobs than this chance evens out. */
const FEW_JOBS = 2000;
/**
 * What an import knows of its controller's clocks it knows to the second in which something was done, which is by that much less long ago: of backfill,
 * of the main scheduler and of priorities. The middle of the second first; in the others each has been in each part of it once.
 */
const SECONDS_YOUNGER: readonly (readonly [backfill: number, main: number, calc: number])[] = [
  [0.5, 0.5, 0.5],
  [0.1, 0.3, 0.7],
  [0.3, 0.9, 0.1],
  [0.7, 0.1, 0.9],
  [0.9, 0.7, 0.3],
];

/**
 * Of a few jobs after an import the waits hang on milliseconds, who is in time for a pass and who is not, and everything after that is another
 * history: so they are the mean over several runs, whose clocks differ by parts of a second.
 */
async function meanOfClocks(
  own: RecordedWaits | null,
  prepared: Prepared,
  board: ProgressBoard,
): Promise<RecordedWaits | null> {
  const { fields, failures, jobs } = prepared;
  const isFew = (jobs.source.countEstimate ?? Infinity) <= FEW_JOBS;
  if (own === null || failures !== null || !isFew || !isAfterImport(prepared)) return own;
  const others: RecordedWaits[] = [];
  for (let clocks = 1; clocks < SECONDS_YOUNGER.length; clocks++) {
    if (board.isStopping) return own;
    const again = await prepare(fields);
    const watch = new RecordedWaitWatch(again.jobs.rowOf ?? (() => undefined));
    runTwin({ ...whatRuns(again, clocks), incidents: null, operator: null, observers: [watch] });
    const waits = watch.report();
    if (waits !== null) others.push(waits);
  }
  return meanWaits(own, others);
}

function isAfterImport({ fields, policy }: Prepared): boolean {
  return fields.queue !== undefined && (policy.options.cadence ?? null) !== null;
}

function withClocks(options: SchedulerOptions, clocks: number): SchedulerOptions {
  const { cadence = null, priority } = options;
  const [backfill, main, calc] = SECONDS_YOUNGER[clocks] ?? [0, 0, 0];
  if (cadence === null) return options;
  const { controllerAgeSeconds, mainAgeSeconds, fullAgeSeconds } = cadence;
  return {
    ...options,
    cadence: {
      ...cadence,
      controllerAgeSeconds: controllerAgeSeconds - backfill,
      ...(mainAgeSeconds !== undefined && { mainAgeSeconds: mainAgeSeconds - main }),
      ...(fullAgeSeconds !== undefined && { fullAgeSeconds: fullAgeSeconds - main }),
    },
    ...(priority?.calcAgeSeconds !== undefined && {
      priority: { ...priority, calcAgeSeconds: priority.calcAgeSeconds - calc },
    }),
  };
}

/** With a cadence and a trace that says when it was: by the clock of that time. */
function byTheClock(options: SchedulerOptions, originMs: number | null): SchedulerOptions {
  const { cadence = null } = options;
  if (cadence === null || originMs === null || cadence.originSeconds > 0) return options;
  return { ...options, cadence: { ...cadence, originSeconds: Math.floor(originMs / 1000) } };
}

async function prepare(fields: ScenarioFields): Promise<Prepared> {
  refuseIncomplete(fields);
  const overrides = overridesOf(fields.set ?? {});
  const isSynthetic = fields.workload !== undefined;
  const { reservations = [] } = fields;
  const written = await policyOf(fields, overrides, isSynthetic ? POLICY_DEFAULT : null);
  const policy = { ...written, options: withReservations(written.options, reservations, written.name) };
  const cluster = await clusterFor(fields, overrides, policy);
  const failures = await failureModelOf(failureNameOf(fields), overrides);
  const perNodeDay = failures === null ? 0 : failures.failuresPerThousandNodeDays / 1000;
  const ofNodes = [
    ...nodeRemarks(written.options, cluster.nodes, written.name),
    ...nodeRemarks({ reservations }, cluster.nodes, 'the scenario'),
  ];
  const jobs = await jobsOf(fields, overrides, cluster, policy, perNodeDay);
  const used = withUsedPartitions(jobs.options, jobs.partitions, policy.name);
  const ofCluster = cluster.remarks ?? [];
  const remarks = [
    ...ofCluster,
    ...policy.remarks,
    ...used.remarks,
    ...ofNodes,
    ...failureRemarks(fields, overrides, failures),
  ];
  const kept = { ...policy, options: used.options, remarks };
  return { fields, seed: fields.seed ?? SEED_DEFAULT, cluster, policy: kept, failures, jobs, overrides };
}

/** What is asked of failures where there are none, which a variant may have of its base; and what they mean for a trace. */
function failureRemarks(
  { lemons, workload }: ScenarioFields,
  { failuresPerThousandNodeDays: rate }: Overrides,
  failures: FailureModel | null,
): ReadingRemark[] {
  if (failures !== null) {
    const what =
      'a job that fails before anything notices why is not submitted again: what it had still to do drops out, which can shorten the waits of others';
    return workload === undefined ? [{ what, examples: [] }] : [];
  }
  const idle = [
    ...(rate === undefined ? [] : ['failuresPerThousandNodeDays']),
    ...(lemons === true ? ['the detector of lemon nodes'] : []),
  ];
  const verb = idle.length === 1 ? 'changes' : 'change';
  const what = `${idle.join(' and ')} ${verb} nothing without failures, which --failures rsc-1 would add`;
  return idle.length === 0 ? [] : [{ what, examples: [] }];
}

/** The optimum for failures is none where jobs lose more by preemption, as whoever asked for it should know. */
function checkpointRemarks({ checkpointInterval }: ScenarioFields, report: TwinReport): ReadingRemark[] {
  const choice = checkpointChoice(checkpointInterval ?? 'none');
  if (choice === undefined || choice.kind === 'fixed' || choice.kind === 'none') return [];
  const { lostHours, firstOrderLostHours } = report.predictions.preemption;
  if (lostHours <= firstOrderLostHours) return [];
  const device = deviceWord(report);
  const cost = `here they cost ${hours(firstOrderLostHours, device)} of work, preemption ${hours(lostHours, device)}`;
  const what = `${choice.kind} intervals are the best for failures alone: ${cost}; a fixed interval, such as --checkpoint-interval 60m, may lose less`;
  return [{ what, examples: [] }];
}

function refuseIncomplete(fields: ScenarioFields): void {
  const { workload, trace, days, warmupDays, cluster, policy, load, growth, set } = fields;
  const { slurmConf, topologyConf, qosDump, assocDump, queue, queueTime, usage, nodesOut } = fields;
  const refuse = (message: string) => {
    throw new OrreryError('ORR_USAGE', message);
  };
  if (queue !== undefined && workload !== undefined) refuse('queue: expected --trace with a queue, not --workload');
  if ((usage ?? nodesOut ?? queueTime) !== undefined && queue === undefined) {
    refuse('queue: missing: queueTime, usage and nodesOut go with it');
  }
  if (workload === undefined && trace === undefined && queue === undefined) {
    refuse('workload: missing: give --workload NAME, such as rsc-1, or --trace FILE');
  }
  if (workload !== undefined && trace !== undefined) refuse('trace: expected either --workload or --trace, not both');
  if (workload !== undefined && days === undefined)
    refuse('days: missing: say how long with --days, such as --days 30');
  if (days !== undefined && warmupDays !== undefined && warmupDays >= days) {
    refuse(`warmup-days: expected fewer days than the ${days} that are simulated, got ${warmupDays}`);
  }
  if (trace !== undefined && (load !== undefined || growth !== undefined)) {
    refuse('load: a trace has the arrivals it has: expected neither --load nor --growth with --trace');
  }
  for (const [name, value] of Object.entries({ policy, cluster })) {
    if (slurmConf !== undefined && value !== undefined) {
      refuse(`${name}: a slurm.conf says it already: expected either --${name} or --slurm-conf, not both`);
    }
  }
  const dumps = [topologyConf, qosDump, assocDump];
  if (slurmConf === undefined && dumps.some((file) => file !== undefined)) {
    refuse('slurm-conf: missing: --topology-conf, --qos-dump and --assoc-dump go with it');
  }
  if ((cluster ?? slurmConf ?? trace) === undefined && set?.['nodes'] === undefined) refuse(NO_CLUSTER);
}

async function clusterFor(
  { cluster, trace }: ScenarioFields,
  overrides: Overrides,
  { slurm }: ScenarioPolicy,
): Promise<SimulatedCluster> {
  if (slurm !== null) return slurmCluster(slurm, overrides);
  if (cluster !== undefined) return clusterOf(cluster, overrides);
  const isFromTrace = overrides.nodes === undefined && trace !== undefined;
  return isFromTrace ? traceCluster(trace, overrides) : plainCluster(overrides);
}

function inputsOf({ fields, seed, cluster, policy, failures, jobs }: Prepared): SimulationInputs {
  const { schedulerType, backfillType, reservations } = completePolicy(policy.options);
  return {
    title: fields.title ?? null,
    cluster: cluster.name,
    nodes: cluster.nodes.length,
    gpus: cluster.nodes.reduce((sum, { resources }) => sum + resources.gpus, 0),
    workload: fields.workload ?? null,
    trace: jobs.trace,
    days: fields.days ?? null,
    warmupDays: fields.warmupDays ?? 0,
    seed,
    load: fields.load ?? 1,
    growth: fields.growth ?? 0,
    policy: policy.name,
    schedulerType,
    backfillType,
    failures: failures?.name ?? null,
    failuresPerThousandNodeDays: failures?.failuresPerThousandNodeDays ?? null,
    areLemonsWatched: fields.lemons === true,
    checkpointInterval: fields.checkpointInterval ?? null,
    settings: fields.set ?? {},
    addedJobs: fields.jobs?.length ?? 0,
    reservations: reservations.map(({ name, nodes, startMs, endMs }) => {
      return { name, nodes: nodes.length, startSeconds: startMs / 1000, endSeconds: endMs / 1000 };
    }),
    remarks: [...policy.remarks, ...jobs.remarks, ...jobs.submittedRemarks()],
  };
}
