import { basename, resolve } from 'node:path';
import { OrreryError } from '../../contract/errors.ts';
import { checkpointChoice } from '../../formats/checkpoint-choice.ts';
import { NODES_MAX, parseHostList } from '../../formats/host-list.ts';
import { readQueueCsv } from '../../formats/queue-csv.ts';
import type { ScenarioFields } from '../../formats/scenario-file.ts';
import { type BadRow, parseCivilMs, TraceCollector, type TraceReading } from '../../formats/trace-row.ts';
import { readUsageCsv } from '../../formats/usage-csv.ts';
import { traceOptionsOf } from '../../formats/slurm-job-rules.ts';
import { formatDuration } from '../../lib/units.ts';
import {
  adjustJobs,
  type CheckpointRule,
  listedJobs,
  mergeJobs,
  withCheckpointRule,
} from '../../twin/adjusted-jobs.ts';
import type { SchedulerOptions } from '../../scheduler/policy.ts';
import type { StartState } from '../../twin/scenario.ts';
import { laterJobs } from '../../twin/later-jobs.ts';
import { namedPartitions } from '../../scheduler/partition-names.ts';
import { PartitionGate } from '../../twin/partition-gate.ts';
import { type QueueRow, type Snapshot, type SnapshotJobs, snapshotJobs } from '../../twin/snapshot.ts';
import type { TraceRow } from '../../twin/trace-row.ts';
import { type TraceJobs, traceJobs } from '../../twin/trace-source.ts';
import type { Checkpointing, JobSource, TwinJob } from '../../twin/types.ts';
import { withoutUnsaidLists } from '../../twin/unsaid-lists.ts';
import { createWorkload } from '../../twin/workload.ts';
import { readText } from '../read-text.ts';
import { counted, whole } from '../render/sim-words.ts';
import { addedJobs } from './added-jobs.ts';
import { fitAddedJobs } from './added-jobs-fit.ts';
import type { Overrides } from './overrides.ts';
import { timeJobs } from './planned-jobs.ts';
import type { ScenarioPolicy } from './scenario-policy.ts';
import type { SimulatedCluster } from './simulated-cluster.ts';
import { examplesOf, type ReadingRemark, type SimulationInputs } from './simulation-inputs.ts';
import { readTraceText } from './trace-file.ts';
import { readWorkload } from './workload.ts';
import { overloadRemarks, strangeQosRemarks } from './workload-remarks.ts';

const MS_PER_DAY = 86_400_000;
/** Of the jobs of a trace, which says nothing of checkpoints, once a rule for their interval is given: as in the workloads of the catalogue. Assumed. */
const TRACE_CHECKPOINTING: Checkpointing = {
  intervalMs: 3_600_000,
  writeMs: 60_000,
  isBlocking: false,
  restartMs: 600_000,
};

export interface ScenarioJobs {
  source: JobSource;
  /** What a job is called in `--jobs-out`. */
  nameOf: (job: TwinJob) => string;
  /** What runs and waits at instant 0; null: nothing. */
  start: StartState | null;
  /** The row of the trace that a job came from; null for a workload. */
  rowOf: ((jobId: number) => TraceRow | undefined) | null;
  /** Null for a workload. */
  trace: SimulationInputs['trace'];
  /** Unix time of instant 0, where the trace says. */
  originMs: number | null;
  /** What the trace's own times are ahead of the run's. */
  aheadMs: number;
  /** The policy without what these jobs say nothing of. */
  options: SchedulerOptions;
  /** Partitions that jobs name. */
  partitions: ReadonlySet<string>;
  remarks: readonly ReadingRemark[];
  /** What is known of the jobs once they have been submitted. */
  submittedRemarks: () => ReadingRemark[];
}

/** The jobs of a scenario's workload or trace, with those that it adds. Throws ORR_BAD_FILE, ORR_USAGE. */
export async function jobsOf(
  fields: ScenarioFields,
  overrides: Overrides,
  cluster: SimulatedCluster,
  policy: ScenarioPolicy,
  failuresPerNodeDay: number,
): Promise<ScenarioJobs> {
  const rule = checkpointRule(fields.checkpointInterval, failuresPerNodeDay);
  const own =
    fields.trace === undefined && fields.queue === undefined
      ? await ofWorkload(fields, cluster, policy.options)
      : await ofTrace(fields, cluster, policy, rule === null || rule.kind === 'none' ? null : TRACE_CHECKPOINTING);
  const { maxRequeues } = overrides;
  const timed = await timeJobs(fields.jobs ?? [], fields.cluster, cluster.nodes[0]?.resources.gpus ?? 0);
  const fitted = fitAddedJobs(timed.jobs, cluster.nodes, policy.options, cluster.name);
  const { jobs: added, names } = addedJobs(fitted.jobs, cluster.nodes);
  const isTrace = own.trace !== null;
  // Rows of a trace have been held to the limits of their partitions when they were read.
  const gated = isTrace ? own.source : new PartitionGate(own.source, own.options);
  const addedGate = new PartitionGate(listedJobs(added), own.options);
  const merged = added.length === 0 ? gated : mergeJobs(gated, addedGate);
  const source =
    rule === null && maxRequeues === undefined
      ? merged
      : adjustJobs(merged, (job) => withRequeues(rule === null ? job : withCheckpointRule(job, rule), maxRequeues));
  const ownName = own.nameOf;
  const named = (jobId: number) => names.get(jobId) ?? ownName(jobId);
  const nameOf = (job: TwinJob) => named(job.request.jobId);
  const gates = [...(gated instanceof PartitionGate ? [gated] : []), addedGate];
  return {
    source,
    start: own.start,
    rowOf: own.rowOf,
    nameOf,
    trace: own.trace,
    originMs: own.originMs,
    aheadMs: own.aheadMs,
    options: own.options,
    partitions: new Set([...own.partitions, ...added.flatMap(({ request }) => namedPartitions(request.partition))]),
    remarks: [...own.remarks, ...timed.remarks, ...fitted.remarks],
    submittedRemarks: () => beyondRemarks(gates, named, (policy.options.enforcePartLimits ?? false) !== false),
  };
}

/** The jobs beyond the limits of their partitions, as far as jobs have been submitted. */
function beyondRemarks(
  gates: readonly PartitionGate[],
  nameOf: (jobId: number) => string,
  isEnforced: boolean,
): ReadingRemark[] {
  const count = gates.reduce((sum, { beyondCount }) => sum + beyondCount, 0);
  if (count === 0) return [];
  const [are, wait] = count === 1 ? ['is', 'it waits'] : ['are', 'they wait'];
  const end = isEnforced ? `and ${are} refused, as EnforcePartLimits says` : `so that ${wait} for ever`;
  const jobs = gates.flatMap(({ beyond }) => beyond);
  return [
    {
      what: `${counted(count, 'job')} ${are} not what the partition allows, or not whose, ${end}`,
      examples: examplesOf(jobs, ({ jobId, reason }) => `job ${nameOf(jobId)}: ${reason}`),
    },
  ];
}

interface OwnJobs {
  source: JobSource;
  start: StartState | null;
  rowOf: ScenarioJobs['rowOf'];
  nameOf: (jobId: number) => string;
  trace: SimulationInputs['trace'];
  originMs: number | null;
  aheadMs: number;
  options: SchedulerOptions;
  partitions: ReadonlySet<string>;
  remarks: ReadingRemark[];
}

async function ofWorkload(
  fields: ScenarioFields,
  cluster: SimulatedCluster,
  options: SchedulerOptions,
): Promise<OwnJobs> {
  const { workload = '', days = 0, seed = 1, load, growth } = fields;
  const spec = await readWorkload(workload);
  const gpusPerNode = cluster.nodes[0]?.resources.gpus ?? 0;
  const clusterGpus = cluster.nodes.reduce((sum, { resources }) => sum + resources.gpus, 0);
  const source = createWorkload(spec, {
    days,
    seed,
    ...(load !== undefined && { load }),
    ...(growth !== undefined && { growth }),
    clusterGpus,
    gpusPerNode,
  });
  const own = { source, start: null, rowOf: null, nameOf: String, trace: null, originMs: null, aheadMs: 0 };
  const remarks = [
    ...overloadRemarks(basename(workload), spec, { clusterGpus, load: load ?? 1, growth: growth ?? 0, days }),
    ...strangeQosRemarks(basename(workload), spec, options.qos ?? []),
  ];
  return { ...own, options, partitions: new Set(), remarks };
}

async function ofTrace(
  fields: ScenarioFields,
  cluster: SimulatedCluster,
  policy: ScenarioPolicy,
  checkpointing: Checkpointing | null,
): Promise<OwnJobs> {
  const { trace: file, queue: queueFile } = fields;
  const reading = file === undefined ? NO_TRACE : await readTraceOf(file, cluster);
  const { rules } = policy;
  const traceOptions = { checkpointing, ...(rules !== null && traceOptionsOf(rules)) };
  const queue = queueFile === undefined ? [] : readQueueCsv(await readText(queueFile), basename(queueFile));
  const { policy: options, dropped } = withoutUnsaidLists(policy.options, [...queue, ...reading.rows]);
  const jobs: TraceJobs & { start?: StartState } =
    queueFile === undefined
      ? traceJobs(reading.rows, { nodes: cluster.nodes, policy: options, ...traceOptions })
      : await ofQueue(queue, fields, reading, { nodes: cluster.nodes, policy: options, rules: traceOptions });
  const fileName = basename(file ?? queueFile ?? '');
  if (jobs.count === 0 && queueFile === undefined)
    throw new OrreryError('ORR_BAD_FILE', noJobs(fileName, reading.bad[0], jobs.refused[0]));
  const { counts } = reading;
  // Where a run goes on from a queue, jobs that are not over are part of what comes.
  const openLines = new Set(isOnCalendar(fields.queueTime, reading) ? reading.open.map(({ line }) => line) : []);
  const bad = reading.bad.filter(({ line }) => !openLines.has(line));
  const remarks: ReadingRemark[] = [];
  if (bad.length > 0) {
    remarks.push({
      what: `${counted(bad.length, 'record')} of ${whole(counts.records)} in ${fileName} cannot be used: ${list(countsOf(bad))}`,
      examples: examplesOf(
        eachReasonFirst(bad),
        ({ line, reason, found }) => `line ${line}: ${reason}, found ${quoted(found)}`,
      ),
    });
  }
  if (jobs.refused.length > 0) {
    remarks.push({
      what: `${counted(jobs.refused.length, 'job')} of ${fileName} cannot run on ${cluster.name}`,
      examples: examplesOf(jobs.refused, ({ line, job, reason }) => `line ${line}: job ${job}: ${reason}`),
    });
  }
  if (jobs.beyond.length > 0) {
    remarks.push({
      what: `${counted(jobs.beyond.length, 'job')} of ${fileName}: not what the partition allows, or not whose, so that they wait for ever`,
      examples: examplesOf(jobs.beyond, ({ line, job, reason }) => `line ${line}: job ${job}: ${reason}`),
    });
  }
  for (const what of counts.records === 0 ? [] : dropped) {
    const word = what === 'QOS' ? 'Qos' : 'Accounts';
    const said = `no job of ${fileName} says its ${what === 'QOS' ? 'QOS' : 'account'}`;
    remarks.push({ what: `${said}: Allow${word} and Deny${word} of partitions keep none out`, examples: [] });
  }
  if (jobs.overRun.length > 0) {
    remarks.push({
      what: `${counted(jobs.overRun.length, 'job')} of ${fileName} ran longer than the time asked for: here the time limit ends them, TIMEOUT`,
      examples: examplesOf(
        jobs.overRun,
        ({ line, job, runMs, limitMs }) =>
          `line ${line}: job ${job}: ran ${formatDuration(runMs)}, asked for ${formatDuration(limitMs ?? 0)}`,
      ),
    });
  }
  if (jobs.allMemoryCount > 0) {
    const what = `${counted(jobs.allMemoryCount, 'job')} of ${fileName} ask for no memory and have all of a node's, as in Slurm without DefMemPerNode, DefMemPerCPU or DefMemPerGPU: nobody shares their nodes`;
    remarks.push({ what, examples: [] });
  }
  if (counts.skipped.size > 0) remarks.push({ what: `skipped in ${fileName}: ${list(counts.skipped)}`, examples: [] });
  if (counts.notes.size > 0) remarks.push({ what: `read in ${fileName}: ${list(counts.notes)}`, examples: [] });
  if (jobs.leftOut.size > 0)
    remarks.push({ what: `not gone by in ${fileName}, though its jobs run: ${list(jobs.leftOut)}`, examples: [] });
  return {
    source: jobs.source,
    start: jobs.start ?? null,
    rowOf: jobs.rowOf,
    nameOf: (jobId) => jobs.nameOf(jobId),
    trace: {
      file: fileName,
      format: reading.format,
      jobs: jobs.count,
      badRows: bad.length,
      refusedRows: jobs.refused.length,
    },
    originMs: reading.originMs,
    aheadMs: reading.aheadMs,
    options,
    partitions: new Set([...reading.rows, ...queue].flatMap(({ partition }) => namedPartitions(partition))),
    remarks,
  };
}

function countsOf(bad: readonly BadRow[]): Map<string, number> {
  const counts = new Map<string, number>();
  for (const { reason } of bad) counts.set(reason, (counts.get(reason) ?? 0) + 1);
  return counts;
}

/** Of each reason the first, then the others. */
function eachReasonFirst(bad: readonly BadRow[]): BadRow[] {
  const firsts = new Set(new Map(bad.toReversed().map((row) => [row.reason, row])).values());
  return [...bad.filter((row) => firsts.has(row)), ...bad.filter((row) => !firsts.has(row))];
}

/** What runs and waits at second 0, and what comes after it. */
async function ofQueue(
  queue: readonly QueueRow[],
  { queueTime, usage, nodesOut }: ScenarioFields,
  reading: TraceReading,
  given: Pick<Snapshot, 'nodes' | 'policy' | 'rules'>,
): Promise<SnapshotJobs> {
  const queueMs = queueTime === undefined ? null : parseCivilMs(queueTime);
  if (queueMs === undefined) {
    throw new OrreryError('ORR_BAD_FILE', `queueTime: expected a date such as 2026-01-31T12:00:00, got "${queueTime}"`);
  }
  const later = isOnCalendar(queueTime, reading)
    ? laterJobs(queue, reading, reading.originMs ?? 0, queueMs ?? 0)
    : { queue, arrivals: reading.rows };
  const snapshot = {
    ...given,
    queue: later.queue,
    nodesOut: nodesOut === undefined ? [] : hostsOf(nodesOut),
    usage: usage === undefined ? [] : readUsageCsv(await readText(usage), basename(usage)),
  };
  return snapshotJobs(snapshot, later.arrivals);
}

/** Whether it is known of queue and trace when they were. */
function isOnCalendar(queueTime: string | undefined, { originMs }: TraceReading): boolean {
  return queueTime !== undefined && originMs !== null;
}

const NO_TRACE = new TraceCollector().reading('csv');

async function readTraceOf(file: string, cluster: SimulatedCluster): Promise<TraceReading> {
  const { readTrace } = await import('../../formats/trace-file.ts');
  const { text, fileName } = await readTraceText(resolve(file));
  const gpusPerNode = cluster.nodes[0]?.resources.gpus ?? 0;
  return readTrace(text, fileName, gpusPerNode > 0 ? { gpusPerNode } : {});
}

function hostsOf(list: string): string[] {
  const hosts = parseHostList(list, NODES_MAX);
  if (hosts !== undefined) return hosts;
  throw new OrreryError('ORR_BAD_FILE', `nodesOut: expected a host list such as dgx[3,7], got ${JSON.stringify(list)}`);
}

function noJobs(
  fileName: string,
  bad: { line: number; reason: string; found: string } | undefined,
  refused: { line: number; job: string; reason: string } | undefined,
): string {
  if (refused !== undefined)
    return `${fileName}:${refused.line} job ${refused.job}: ${refused.reason}; no other job can run either`;
  if (bad !== undefined)
    return `${fileName}:${bad.line} ${bad.reason}, got ${quoted(bad.found)}; no record can be used`;
  return `${fileName}: expected jobs, found none`;
}

/** Readers quote what may be empty. */
function quoted(found: string): string {
  return /^"[^"]*"$/.test(found) ? found : JSON.stringify(found);
}

function withRequeues(job: TwinJob, maxRequeues: number | undefined): TwinJob {
  return maxRequeues === undefined ? job : { ...job, request: { ...job.request, maxRequeues } };
}

function checkpointRule(text: string | undefined, failuresPerNodeDay: number): CheckpointRule | null {
  const choice = text === undefined ? undefined : checkpointChoice(text);
  if (choice === undefined) return null;
  return choice.kind === 'fixed' || choice.kind === 'none' ? choice : { ...choice, failuresPerNodeDay };
}

function list(counts: ReadonlyMap<string, number>): string {
  const sorted = [...counts].sort(([a, countA], [b, countB]) => countB - countA || (a < b ? -1 : 1));
  const shown = sorted.slice(0, 5).map(([what, count]) => `${whole(count)} ${what}`);
  const more = sorted.length - shown.length;
  return more > 0 ? `${shown.join('; ')}; and ${more} more ${more === 1 ? 'kind' : 'kinds'}` : shown.join('; ');
}

/** Where a run ends by its scenario: after its days; null: once all is done. */
export function untilMsOf(fields: ScenarioFields): number | null {
  return fields.days === undefined ? null : Math.round(fields.days * MS_PER_DAY);
}
