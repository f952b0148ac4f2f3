import { isInService } from '../../../cluster/node.ts';
import { formatDuration } from '../../../lib/units.ts';
import type { NodeView } from '../../../scheduler/types.ts';
import { count } from '../../../scheduler/admission.ts';
import type { BackendReservation } from '../../port.ts';
import { partitionsOf } from '../nodes/cluster-view.ts';
import { hostNames } from '../output/host-names.ts';
import type { SlurmPartition } from '../output/scontrol-text.ts';
import type { SlurmJob } from '../output/slurm-job.ts';

/** What is known of what a pending job may wait for. */
export interface Blockers {
  partitions: readonly SlurmPartition[];
  nodes: readonly Pick<NodeView, 'spec' | 'state' | 'reason'>[];
  reservations: readonly BackendReservation[];
  /** Those of the cluster by name; asked for where the job waits for one. */
  licenses: ReadonlyMap<string, { total: number; used: number }>;
  nowMs: number;
}

export const NO_BLOCKERS = { nodes: [], reservations: [], licenses: new Map() };

const NODES_SHOWN_MAX = 4;
/** Slurm looks at limits in whole minutes, and a job needs a while to end. */
const MARGIN_MS = 60_000;

/** What it is that a job waits for, by name, where its reason is one of those; null where that is not known. */
export function blockedSentences(job: SlurmJob, blockers: Blockers): string[] | null {
  switch (job.reason) {
    case 'BeginTime':
      return beginTime(job, blockers.nowMs);
    case 'ReqNodeNotAvail':
      return unavailable(job, blockers) ?? outOfReach(job, blockers) ?? keptForOthers(job, blockers);
    case 'Resources':
      return outOfReach(job, blockers);
    case 'Reservation':
      return ownReservation(job, blockers);
    case 'Licenses':
      return licences(job, blockers);
    case 'PartitionNodeLimit':
      return nodeLimit(job, blockers);
    case 'AccountNotAllowed':
      return notAllowed(job, `account ${job.account}`, blockers, 'Account');
    case 'QOSNotAllowed':
      return notAllowed(job, `QOS ${job.qos}`, blockers, 'QOS');
    case 'PartitionDown':
    case 'PartitionInactive':
      return [
        `Partition ${job.partition} starts no jobs now (scontrol show partition ${job.partition}): an operator has to open it. scontrol update JobId=${jobNumber(job)} Partition=NAME moves the job to another.`,
      ];
    default:
      return null;
  }
}

/** Somebody has put the begin off with scontrol: nothing of ours, and nothing that Slurm does to a job that was put back. */
function beginTime(job: SlurmJob, nowMs: number): string[] | null {
  const { eligibleMs, restarts } = job;
  if (restarts > 0 || eligibleMs === null || eligibleMs <= nowMs) return null;
  return [
    `Slurm is told not to begin it for another ${formatDuration(eligibleMs - nowMs)}: scontrol update JobId=${jobNumber(job)} StartTime=now lets it begin.`,
  ];
}

/** Too few nodes of its partition are in service: none that come free let it start. */
function outOfReach({ partition, nodeCount }: SlurmJob, known: Blockers): string[] | null {
  const parts = partitionsOf(known, partition).flatMap(({ name, nodeNames }) => {
    const names = new Set(nodeNames);
    const members = known.nodes.filter(({ spec }) => names.has(spec.name));
    return members.length === 0 ? [] : [{ name, members, out: members.filter(({ state }) => !isInService(state)) }];
  });
  const isReachable = parts.some(({ members, out }) => members.length - out.length >= nodeCount);
  if (isReachable) return null;
  const sentences = parts.flatMap(({ name, members, out }) => {
    if (out.length === 0) return [];
    const left = members.length - out.length;
    const are = left === 1 ? 'is' : 'are';
    return `It asks for ${count(nodeCount, 'node')}, and only ${left} of ${members.length} in partition ${name} ${are} in service. Out are ${outWords(out)}.`;
  });
  return sentences.length === 0 ? null : sentences;
}

/** Slurm calls nodes so too that are busy, or wait for jobs of partitions that come first, where all of them are in service. */
function keptForOthers({ partition }: SlurmJob, known: Blockers): string[] | null {
  const names = new Set(partitionsOf(known, partition).flatMap(({ nodeNames }) => nodeNames));
  const members = known.nodes.filter(({ spec }) => names.has(spec.name));
  if (members.length === 0 || members.some(({ state }) => !isInService(state))) return null;
  return [
    'Jobs that come before it, also of other partitions, have the nodes it needs, or get them next: none is out of service.',
  ];
}

/** `n1 (drained: psu swap), n2 (down) and 3 more`. */
function outWords(out: Blockers['nodes']): string {
  const shown = out.slice(0, NODES_SHOWN_MAX).map(({ spec, state, reason }) => {
    return `${spec.name} (${state}${reason === null ? '' : `: ${reason}`})`;
  });
  return `${shown.join(', ')}${out.length > NODES_SHOWN_MAX ? ` and ${out.length - NODES_SHOWN_MAX} more` : ''}`;
}

function unavailable(job: SlurmJob, { partitions, nodes, reservations, nowMs }: Blockers): string[] | null {
  const own = partitionsOf({ partitions }, job.partition);
  const members = new Set(own.flatMap(({ nodeNames }) => nodeNames));
  const sentences: string[] = [];
  const named = hostNames((/UnavailableNodes:(\S+)/.exec(job.reasonDetail)?.[1] ?? '').replace(/,$/, ''));
  const required = hostNames(job.requiredNodes);
  const wanted = required.length > 0 ? required : named;
  const out = nodes.filter(({ spec, state }) => wanted.includes(spec.name) && !isInService(state));
  if (out.length > 0) {
    const what = required.length > 0 ? 'It names nodes that are' : 'Nodes that it could have are';
    sentences.push(`${what} out of service: ${outWords(out)}.`);
  }
  const limitMs = job.timeLimitMs ?? partitionLimitMs(own);
  for (const { name, nodes: reserved, startMs, endMs, flags } of reservations) {
    const there = reserved.filter((node) => members.has(node)).length;
    if (there === 0 || endMs <= nowMs || (limitMs !== null && startMs > nowMs + limitMs)) continue;
    const what = `reservation ${name}${flags?.includes('MAINT') === true ? ' (maintenance)' : ''}`;
    const where = `${there} of ${count(members.size, 'node')} of its partition`;
    if (startMs <= nowMs) {
      sentences.push(`${capital(what)} has ${where} for another ${formatDuration(endMs - nowMs)}.`);
      continue;
    }
    const leftMs = startMs - nowMs - MARGIN_MS;
    const shorter =
      leftMs < MARGIN_MS
        ? ''
        : ` With a time limit of ${formatDuration(Math.floor(leftMs / 60_000) * 60_000)} or less it can end before that: scontrol update JobId=${jobNumber(job)} TimeLimit= lowers it.`;
    sentences.push(
      `Its time limit reaches into ${what}, which begins in ${formatDuration(startMs - nowMs)} on ${where}.${shorter}`,
    );
  }
  return sentences.length === 0 ? null : sentences;
}

function ownReservation({ reservation }: SlurmJob, { reservations, nowMs }: Blockers): string[] | null {
  const own = reservations.find(({ name }) => name === reservation);
  if (own === undefined) return null;
  const { name, startMs, endMs } = own;
  return startMs > nowMs
    ? [`Its reservation ${name} begins in ${formatDuration(startMs - nowMs)}.`]
    : [`Others have the nodes of its reservation ${name}, which ends in ${formatDuration(endMs - nowMs)}.`];
}

function partitionLimitMs([own]: readonly SlurmPartition[]): number | null {
  const seconds = own?.defaultTimeSeconds ?? own?.maxTimeSeconds ?? null;
  return seconds === null ? null : seconds * 1000;
}

function licences({ licenses }: SlurmJob, known: Blockers): string[] | null {
  const parts = licenses.split(/[,;|]/).flatMap((word) => {
    const [name = '', wanted = '1'] = word.split(/[:=]/);
    const license = known.licenses.get(name);
    if (license === undefined) return [];
    return `${wanted} of ${name}, of which ${license.used} of ${license.total} are in use`;
  });
  return parts.length === 0 ? null : [`It waits for licenses: ${parts.join('; ')}.`];
}

function nodeLimit({ partition, nodeCount }: SlurmJob, known: Blockers): string[] | null {
  const limits = partitionsOf(known, partition).map(({ name, maxNodes, nodeNames }) => {
    return `${name} gives one job ${Math.min(maxNodes ?? Infinity, nodeNames.length)} at most`;
  });
  return limits.length === 0
    ? null
    : [`It asks for ${count(nodeCount, 'node')}: partition ${limits.join(', ')}. It never starts like this.`];
}

/** Of a partition that takes some names alone, or does not take some. */
function notAllowed({ partition }: SlurmJob, own: string, known: Blockers, kind: 'Account' | 'QOS'): string[] | null {
  const rules = partitionsOf(known, partition).flatMap(({ name, allowAccounts, denyAccounts, allowQos, denyQos }) => {
    const [allowed, denied] = kind === 'Account' ? [allowAccounts, denyAccounts] : [allowQos, denyQos];
    if (allowed !== undefined) return `${name} takes ${allowed.join(', ')} only`;
    return denied === undefined ? [] : `${name} does not take ${denied.join(', ')}`;
  });
  if (rules.length === 0) return null;
  return [
    `It is of ${own}, and partition ${rules.join(', ')}. It never starts like this: cancel it and submit it with another --${kind.toLowerCase()}, or to another partition.`,
  ];
}

function capital(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}

/** By which scontrol knows it. */
export function jobNumber({ slurmJobId, arrayJobId }: SlurmJob): string {
  return String(slurmJobId ?? arrayJobId);
}

/** `LicenseName=matlab Total=2 Used=2 ...` of `scontrol --oneliner show licenses`. */
export function parseLicenses(text: string): Map<string, { total: number; used: number }> {
  return new Map(
    text.split('\n').flatMap((line) => {
      const [, name, total, used] = /^LicenseName=(\S+) Total=(\d+) Used=(\d+)/.exec(line) ?? [];
      return name === undefined ? [] : [[name, { total: Number(total), used: Number(used) }] as const];
    }),
  );
}
