import { parseDurationMs } from '../lib/units.ts';
import type { QueueRow } from '../twin/snapshot.ts';
import { arrayTasks } from './array-tasks.ts';
import { Columns, eachRecord } from './delimited-rows.ts';
import { gresEntries } from './gres-list.ts';
import { NODES_MAX, parseHostList } from './host-list.ts';
import { gpusOf } from './sacct-job.ts';
import { parseTres } from './sacct-dump.ts';
import type { ConfText } from './slurm-conf-lines.ts';
import { parseCivilMs, PLAIN_ROW } from './trace-row.ts';

/** What `squeue -O` is to print, each with `:|` after it. */
export const SQUEUE_FIELDS = [
  'JobArrayID',
  'State',
  'Reason',
  'UserName',
  'Account',
  'QOS',
  'Partition',
  'NumNodes',
  'NumCPUs',
  'tres-alloc',
  'tres-per-node',
  'TimeLimit',
  'TimeUsed',
  'SubmitTime',
  'EligibleTime',
  'StartTime',
  'PriorityLong',
  'Nice',
  'Dependency',
  'Reservation',
  'OverSubscribe',
  'NodeList',
] as const;

/** Reasons for which a job stays where it is until somebody does something about it. */
const HELD =
  /^(?:JobHeld|JobHold|Dependency ?NeverSatisfied|BadConstraints|Invalid|launch_failed_requeued_held|PartitionDown|PartitionInactive|PartitionTimeLimit|PartitionNodeLimit|AccountNotAllowed|QOSNotAllowed|Job's (?:account|QOS) not |Deadline)/i;

/** The queue as `squeue` shows it. */
export interface QueueReading {
  /** When squeue was run, in ms since 1970, with local time read as UTC as all of Slurm's dates are here; null if not known. */
  nowMs: number | null;
  /** With times from then on. */
  rows: QueueRow[];
  /** What was left out or read differently, and how often. */
  notes: Map<string, number>;
}

/** A line of the table. Its header has names of its own: `SUBMIT_TIME` of SubmitTime. */
interface QueueLine {
  line: number;
  /** The field below the header, which is given in lower case; empty where there is no value. */
  of: (name: string) => string;
}

/**
 * Jobs of `squeue -a -O FIELD:|,...`. When it was run is told by the jobs that run: `fallbackMs` where there are none. Run times are not known yet: `runMs` of a job that runs is what it has run so
 * far, of others 0. Tasks of arrays that wait together become a row each.
 */
export function readSqueueDump(dump: ConfText, fallbackMs: number | null): QueueReading {
  const notes = new Map<string, number>();
  const note = (what: string) => notes.set(what, (notes.get(what) ?? 0) + 1);
  const lines = linesOf(dump.text, note);
  const calledMs = runAtMs(lines) ?? fallbackMs;
  const nowMs = calledMs ?? 0;
  const rows = lines.flatMap((line) => rowsOf(line, nowMs, note));
  const throttles = throttlesReached(lines);
  const tasksOfArray = new Map<string, string[]>();
  for (const { job, array } of rows) {
    if (array === undefined) continue;
    if (array.runningMax !== null) throttles.set(array.name, array.runningMax);
    const tasks = tasksOfArray.get(array.name);
    if (tasks === undefined) tasksOfArray.set(array.name, [job]);
    else tasks.push(job);
  }
  const known = new Set(rows.map(({ job }) => job));
  const complete = rows.map((row) => {
    const array =
      row.array === undefined ? undefined : { ...row.array, runningMax: throttles.get(row.array.name) ?? null };
    const after = row.after.flatMap((one) => {
      if (known.has(one.job)) return [one];
      // To wait for an array is to wait for all of its tasks, each by itself where that is the same.
      const tasks = tasksOfArray.get(one.job);
      const isOne = row.isAnyEnough === true || one.condition === 'afternotok';
      if (tasks !== undefined) return isOne ? [one] : tasks.map((job) => ({ ...one, job }));
      note('dependencies on jobs that are not in the queue');
      return [];
    });
    const { isAnyEnough, ...kept } = fromMs(row, nowMs);
    const isOr = isAnyEnough === true && after.length > 0;
    return { ...kept, ...(array !== undefined && { array }), after, ...(isOr && { isAnyEnough }) };
  });
  return {
    nowMs: calledMs,
    rows: complete.sort((a, b) => a.submitMs - b.submitMs || idOf(a.job) - idOf(b.job)),
    notes,
  };
}

function linesOf(text: string, note: (what: string) => void): QueueLine[] {
  const lines: QueueLine[] = [];
  let columns: Columns | null = null;
  eachRecord(text, '|', (record, line) => {
    if (columns === null) {
      columns = new Columns(record.map((name) => name.toLowerCase()));
      return;
    }
    if (record.length < columns.count) {
      note('lines of squeue with too few fields');
      return;
    }
    const [header, fields] = [columns, [...record]];
    const of = (name: string) => {
      const value = header.reader(name)(fields);
      return value === '(null)' || value === 'N/A' ? '' : value;
    };
    lines.push({ line, of });
  });
  return lines;
}

/** The start of a job that runs and how long it has run since; of several the latest. */
function runAtMs(lines: readonly QueueLine[]): number | null {
  let latest: number | null = null;
  for (const { of } of lines) {
    const startMs = parseCivilMs(of('start_time'));
    const usedMs = parseDurationMs(of('time'));
    if (of('state') !== 'RUNNING' || startMs === undefined || usedMs === undefined) continue;
    latest = Math.max(latest ?? 0, startMs + usedMs);
  }
  return latest;
}

/** By array: the last task that waits is shown without its throttle; where it waits for that, as many run as may. */
function throttlesReached(lines: readonly QueueLine[]): Map<string, number> {
  const arrayOf = ({ of }: QueueLine) => /^(\d+)_/.exec(of('jobid'))?.[1] ?? '';
  const waiting = new Set(lines.filter(({ of }) => of('reason') === 'JobArrayTaskLimit').map(arrayOf));
  const running = new Map<string, number>();
  for (const line of lines) {
    const array = arrayOf(line);
    if (waiting.has(array) && line.of('state') === 'RUNNING') running.set(array, (running.get(array) ?? 0) + 1);
  }
  return running;
}

function fromMs(row: QueueRow, nowMs: number): QueueRow {
  return {
    ...row,
    submitMs: row.submitMs - nowMs,
    eligibleMs: row.eligibleMs === null ? null : row.eligibleMs - nowMs,
    actualStartMs: row.actualStartMs === null ? null : row.actualStartMs - nowMs,
  };
}

function rowsOf({ line, of }: QueueLine, nowMs: number, note: (what: string) => void): QueueRow[] {
  const state = of('state').toUpperCase();
  const isRunning = state === 'RUNNING' || state === 'COMPLETING' || state === 'SUSPENDED' || state === 'STOPPED';
  if (!isRunning && state !== 'PENDING' && state !== 'CONFIGURING') {
    note(`jobs of state ${state}`);
    return [];
  }
  const submitMs = parseCivilMs(of('submit_time')) ?? nowMs;
  const usedMs = parseDurationMs(of('time')) ?? 0;
  const tres = parseTres(of('tres_alloc'));
  // Of tasks without a number of nodes TRES has one node, and squeue as many as they need.
  const nodes = Math.max(1, tres.get('node') ?? 1, Number(of('nodes').split('-')[0]) || 1);
  const isPlaced = isRunning || state === 'CONFIGURING';
  const nodeNames = isPlaced ? (parseHostList(of('nodelist'), NODES_MAX) ?? []) : null;
  if (nodeNames?.length === 0) {
    note('jobs that run on no node');
    return [];
  }
  if (state === 'SUSPENDED') note('jobs that are suspended: taken to run');
  const reason = of('reason');
  if (/licen[cs]es/i.test(reason)) note('jobs that wait for licenses: taken to wait for nodes alone');
  const count = nodeNames?.length ?? nodes;
  const { gpus, gpuType } = gpusOf(tres);
  // GPUs, and their types, are among what is allocated only where accounting counts them (AccountingStorageTRES).
  const asked = gresEntries(of('tres_per_node').replaceAll(/(^|,)gres[:/]/g, '$1')).filter(
    ({ name }) => name === 'gpu',
  );
  const askedGpus = asked.reduce((sum, { count: each }) => sum + (each ?? 0), 0);
  const cpus = tres.get('cpu') ?? Number(of('cpus'));
  const isExclusive = /^(?:NO|EXCLUSIVE)$/i.test(of('over_subscribe'));
  const memory = tres.get('mem');
  // Whoever has whole nodes asks for memory of each, and TRES has that of those that it counts.
  const memoryNodes = isExclusive && nodeNames === null ? (tres.get('node') ?? count) : count;
  const limitMs = limitOf(of('time_limit'));
  const eligibleMs = parseCivilMs(of('eligible_time')) ?? null;
  const base: Omit<QueueRow, 'job'> = {
    ...PLAIN_ROW,
    line,
    submitMs,
    eligibleMs: eligibleMs !== null && eligibleMs > submitMs ? eligibleMs : null,
    actualStartMs: nodeNames === null ? null : nowMs - usedMs,
    nodes: count,
    gpusPerNode: gpus > 0 ? Math.ceil(gpus / count) : askedGpus,
    cpusPerNode: Number.isFinite(cpus) ? Math.ceil(cpus / count) : null,
    memoryBytesPerNode: memory === undefined ? null : Math.ceil(memory / memoryNodes),
    gpuType: gpuType ?? (asked.length === 1 ? (asked[0]?.type ?? null) : null),
    isExclusive,
    runMs: nodeNames === null ? 0 : Math.max(1, usedMs),
    limitMs,
    user: of('user') || null,
    account: of('account') || null,
    qos: of('qos') || null,
    partition: of('partition') || null,
    ...(of('reservation') !== '' && { reservation: of('reservation') }),
    priority: 0 - Number(of('nice') || 0),
    after: nodeNames === null ? dependenciesOf(of('dependency'), note) : [],
    ...(nodeNames === null && of('dependency').includes('?') && { isAnyEnough: true }),
    nodeNames,
    isHeld: nodeNames === null && (HELD.test(reason) || of('priority') === '0'),
  };
  const [, id = '', list, only] = /^(\d+(?:\+\d+)?)(?:_(?:\[([^\]]*)\]|(\d+)))?$/.exec(of('jobid')) ?? [];
  if (id === '') {
    note('lines of squeue without a job');
    return [];
  }
  if (only !== undefined) return [{ ...base, job: `${id}_${only}`, array: { name: id, runningMax: null } }];
  if (list === undefined) return [{ ...base, job: id }];
  const [range = '', throttle] = list.split('%');
  if (range.includes('...')) note('arrays with more tasks than squeue lists (SLURM_BITSTR_LEN=0 lists all)');
  const tasks = arrayTasks(range.replace(/,?\.\.\.$/, ''));
  const runningMax = throttle === undefined ? null : Number(throttle);
  return tasks.map((task) => ({ ...base, job: `${id}_${task}`, array: { name: id, runningMax } }));
}

/** `afterok:7(unfulfilled),afterany:8_*(unfulfilled)`, `after:7+3(unfulfilled)?afterok:9(failed)`: those that are still to be waited for. */
function dependenciesOf(text: string, note: (what: string) => void): QueueRow['after'] {
  if (text === '') return [];
  return text.split(/[,?]/).flatMap((part) => {
    const [, condition = '', list = ''] = /^([a-z]+):?(.*)$/.exec(part) ?? [];
    if (condition !== 'afterok' && condition !== 'afterany' && condition !== 'afternotok' && condition !== 'after') {
      note(`dependencies of kind ${condition || part}: left out`);
      return [];
    }
    return list.split(':').flatMap((one) => {
      const [, job, minutes] = /^(\d+(?:_\d+)?)(?:_\*)?(?:\+(\d+))?/.exec(one) ?? [];
      const delay = minutes === undefined ? {} : { delayMs: Number(minutes) * 60_000 };
      return job === undefined ? [] : [{ condition, job, ...delay } as const];
    });
  });
}

/** Null for no limit. */
function limitOf(text: string): number | null {
  return /^(?:|UNLIMITED|INVALID|NOT_SET|Partition_Limit)$/i.test(text) ? null : (parseDurationMs(text) ?? null);
}

function idOf(job: string): number {
  return Number(/^\d+/.exec(job)?.[0] ?? 0);
}
