import { OrreryError } from '../../../contract/errors.ts';
import type { CarriedUse } from '../../../scheduler/core-types.ts';
import { type NodeReservation, PARTITIONS_MAX, type SchedulerOptions } from '../../../scheduler/policy.ts';
import type { QueueRow, Snapshot } from '../../../twin/snapshot.ts';
import type { TraceRow } from '../../../twin/trace-row.ts';
import { readSacctDump } from '../../../formats/sacct-dump.ts';
import {
  type NodeOut,
  scontrolNodes,
  scontrolPartitions,
  scontrolSettings,
  sprioWeights,
  topologyLines,
} from '../../../formats/scontrol-lines.ts';
import { readSlurmLines, type SlurmConf } from '../../../formats/slurm-conf.ts';
import type { ConfLine, ConfText } from '../../../formats/slurm-conf-lines.ts';
import { traceOptionsOf } from '../../../formats/slurm-job-rules.ts';
import { type QueueReading, readSqueueDump } from '../../../formats/squeue-dump.ts';
import { readSshareDump } from '../../../formats/sshare-dump.ts';
import { parseCivilMs, type TraceReading } from '../../../formats/trace-row.ts';
import { type ControllerAges, controllerAges } from './controller-ages.ts';
import { savedReservations } from './saved-reservations.ts';
import { withShownNodes } from './shown-partitions.ts';

/** What Slurm's commands print, by the name of the file in which it is saved. */
export interface SlurmSaved {
  /** `scontrol show config` */
  config?: ConfText;
  /** `scontrol show node` */
  node: ConfText;
  /** `scontrol show partition` */
  partition?: ConfText;
  /** `scontrol show reservation` */
  reservation?: ConfText;
  /** `scontrol show topology`, or a topology.conf */
  topology?: ConfText;
  /** `sacctmgr -P show qos` */
  qos?: ConfText;
  /** `sacctmgr -P show assoc tree` */
  assoc?: ConfText;
  /** `sshare -alP` */
  sshare?: ConfText;
  /** `sprio -w` */
  sprio?: ConfText;
  /** `sdiag` */
  sdiag?: ConfText;
  /** `squeue -a -O ...` */
  squeue?: ConfText;
  /** `sacct -aXDP ...` */
  sacct?: ConfText;
}

/** A Slurm cluster as its own commands tell it. */
export interface SlurmImport extends ControllerAges {
  slurm: SlurmConf;
  /** Out of service now. */
  nodesOut: readonly NodeOut[];
  /** Jobs of the past, from the first submission on; null where sacct is missing. */
  history: TraceReading | null;
  /** When squeue was run, in ms since 1970 with local time read as UTC; null if not known. */
  nowMs: number | null;
  /** Jobs that run or wait then, with times from then on; how long they will run is not known. */
  queue: readonly QueueRow[];
  usage: readonly CarriedUse[];
  /** From then on, in ms. */
  reservations: readonly NodeReservation[];
  /** What of it is not as on the cluster, a sentence each. */
  notes: readonly string[];
}

/** Throws ORR_BAD_FILE with file and line. */
export function readSlurmSaved(saved: SlurmSaved): SlurmImport {
  const notes: string[] = [];
  const { lines, out } = scontrolNodes(saved.node);
  if (lines.length === 0) {
    throw new OrreryError(
      'ORR_BAD_FILE',
      `${saved.node.name}:1 expected the output of scontrol show node, found no node`,
    );
  }
  const settings = saved.config === undefined ? [] : scontrolSettings(saved.config);
  const weights = settings.length === 0 && saved.sprio !== undefined ? sprioWeights(saved.sprio) : [];
  const history = saved.sacct === undefined ? null : readSacctDump(saved.sacct.text, saved.sacct.name);
  const queue = readQueue(saved, notes);
  const partitions = fewEnough(
    saved.partition === undefined ? [] : withShownNodes(scontrolPartitions(saved.partition), lines, notes),
    [...(history?.rows ?? []), ...queue.rows],
    notes,
  );
  const topology = saved.topology === undefined ? [] : topologyLines(saved.topology);
  const slurm = readSlurmLines({
    name: saved.node.name,
    lines: [...settings, ...weights, ...partitions, ...lines],
    topology: hasLeaves(settings) && topology.length > 0 ? topology : null,
    qos: saved.qos ?? null,
    associations: saved.assoc ?? null,
  });
  const privateData = valueOf(settings, 'PrivateData');
  if (/jobs/i.test(privateData)) {
    notes.push(
      'PrivateData=jobs: unless an operator ran squeue and sacct, they show one user alone, and the cluster looks emptier than it is',
    );
  }
  if (/reservations/i.test(privateData)) {
    notes.push(
      'PrivateData=reservations: unless an operator ran scontrol show reservation, it shows those alone that the user may use, and the others are missing',
    );
  }
  const reserved = reservationsOf(saved, slurm, queue, notes);
  const usage = saved.sshare === undefined ? [] : readSshareDump(saved.sshare);
  return {
    slurm,
    nodesOut: withoutMaintenance(out, reserved),
    history,
    nowMs: queue.nowMs,
    queue: queue.rows,
    usage,
    reservations: reserved,
    ...controllerAges({
      config: saved.config?.text ?? '',
      sdiag: saved.sdiag?.text ?? null,
      slurm,
      queue,
      history,
    }),
    notes,
  };
}

/** What the twin goes on from: the cluster at the instant of the import. */
export function snapshotOf({ slurm, nodesOut, queue, usage, reservations, ...ages }: SlurmImport): Snapshot {
  return {
    nodes: slurm.nodes,
    policy: { ...withAges(slurm.policy, ages), reservations },
    rules: traceOptionsOf(slurm.rules),
    queue,
    nodesOut: nodesOut.map(({ name }) => name),
    usage,
  };
}

/** With the controller's clocks as they were at the import. */
function withAges(
  policy: SchedulerOptions,
  { backfillAgeSeconds, mainAgeSeconds, fullAgeSeconds, calcAgeSeconds }: ControllerAges,
): SchedulerOptions {
  const { cadence, priority } = policy;
  return {
    ...policy,
    ...(cadence && {
      cadence: {
        ...cadence,
        ...(backfillAgeSeconds !== null && { controllerAgeSeconds: backfillAgeSeconds }),
        ...(mainAgeSeconds !== null && { mainAgeSeconds }),
        ...(fullAgeSeconds !== null && { fullAgeSeconds }),
      },
    }),
    ...(calcAgeSeconds !== null && { priority: { ...priority, calcAgeSeconds } }),
  };
}

function readQueue({ squeue, config }: SlurmSaved, notes: string[]): QueueReading {
  if (squeue === undefined) return { nowMs: null, rows: [], notes: new Map() };
  const reading = readSqueueDump(squeue, configMs(config));
  for (const [what, count] of reading.notes) notes.push(`${squeue.name}: ${count} ${what}`);
  return reading;
}

/** When the configuration was shown; null where it does not say. */
function configMs(config: ConfText | undefined): number | null {
  const asOf = /^Configuration data as of (\S+)/m.exec(config?.text ?? '')?.[1];
  return parseCivilMs(asOf ?? '') ?? null;
}

function reservationsOf(
  { reservation, config }: SlurmSaved,
  { nodes }: SlurmConf,
  queue: QueueReading,
  notes: string[],
): readonly NodeReservation[] {
  if (reservation === undefined) return [];
  const nodeNames = new Set(nodes.map(({ name }) => name));
  const nowMs = queue.nowMs ?? configMs(config);
  const reading = savedReservations(reservation, { nowMs, nodeNames, queue: queue.rows });
  notes.push(...reading.notes);
  return reading.reservations;
}

/** Slurm's words for a node that is out for more than a maintenance. */
const OUT_BESIDE = /(?:^|\+)(?:DOWN|DRAIN|ERROR|FAIL|NOT_RESPONDING|UNKNOWN)|\*/;

/** Nodes that are out for a maintenance alone come back when their reservation ends. */
function withoutMaintenance(out: readonly NodeOut[], reservations: readonly NodeReservation[]): readonly NodeOut[] {
  const reserved = new Set(reservations.flatMap(({ nodes }) => nodes));
  return out.filter(({ name, state }) => !reserved.has(name) || OUT_BESIDE.test(state));
}

/** Where there are too many, those that no job names are left out first: the default, then by the number of jobs. */
function fewEnough(partitions: readonly ConfLine[], rows: readonly TraceRow[], notes: string[]): readonly ConfLine[] {
  if (partitions.length <= PARTITIONS_MAX) return partitions;
  const jobsOf = new Map<string, number>();
  for (const { partition } of rows) jobsOf.set(partition ?? '', (jobsOf.get(partition ?? '') ?? 0) + 1);
  const weight = ({ values }: ConfLine) =>
    values.get('default') === 'YES' ? Infinity : (jobsOf.get(values.get('partitionname') ?? '') ?? 0);
  const kept = new Set([...partitions].sort((a, b) => weight(b) - weight(a)).slice(0, PARTITIONS_MAX));
  const others = partitions.filter((line) => !kept.has(line));
  const names = others.map(({ values }) => values.get('partitionname') ?? '').join(', ');
  const jobs = others.reduce((sum, line) => sum + weight(line), 0);
  notes.push(
    `partitions ${names}: more than ${PARTITIONS_MAX} are not told apart; ${jobs} jobs of these go to the default partition`,
  );
  return partitions.filter((line) => kept.has(line));
}

function hasLeaves(settings: readonly ConfLine[]): boolean {
  return settings.length === 0 || /tree|block/i.test(valueOf(settings, 'TopologyPlugin'));
}

function valueOf(settings: readonly ConfLine[], key: string): string {
  const wanted = key.toLowerCase();
  return settings.find(({ values }) => values.has(wanted))?.values.get(wanted) ?? '';
}
