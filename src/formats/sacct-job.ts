import { PLAIN_ROW, TraceCollector, type TraceReading, type TraceRow } from './trace-row.ts';

/** A record of accounting, from whichever output of `sacct`. Times are Unix times in ms; null stands for what it does not say. */
export interface SacctRecord {
  line: number;
  /** `123`, `12_3` for a task of an array, `12+0` for a part of a heterogeneous job. */
  jobId: string;
  /** Of Slurm, without what follows it (`CANCELLED by 1000`). */
  state: string;
  submitMs: number | null;
  eligibleMs: number | null;
  startMs: number | null;
  endMs: number | null;
  elapsedMs: number | null;
  limitMs: number | null;
  nodes: number | null;
  /** On all its nodes together. */
  cpus: number | null;
  memoryBytes: number | null;
  gpus: number;
  /** How many nodes it asked for, where it is known that it may have what it asks for on more of them. */
  nodesAsked: number | null;
  /** What it asked for on all its nodes together, where it is known that it held more. */
  asked: { cpus: number | null; memoryBytes: number | null; gpus: number } | null;
  /** The type of GPU it asked for. */
  gpuType: string | null;
  user: string | null;
  account: string | null;
  qos: string | null;
  partition: string | null;
  reservation: string | null;
}

/** How jobs end, by their state (squeue(1), job state codes). A job that the cluster ended ran no longer than it was let. */
export const JOB_ENDS: Readonly<Record<string, { outcome: TraceRow['outcome']; isCutOff: boolean }>> = {
  COMPLETED: { outcome: 'COMPLETED', isCutOff: false },
  FAILED: { outcome: 'FAILED', isCutOff: false },
  TIMEOUT: { outcome: 'TIMEOUT', isCutOff: false },
  OUT_OF_MEMORY: { outcome: 'OUT_OF_MEMORY', isCutOff: false },
  CANCELLED: { outcome: 'CANCELLED', isCutOff: false },
  DEADLINE: { outcome: 'CANCELLED', isCutOff: true },
  REVOKED: { outcome: 'CANCELLED', isCutOff: true },
  PREEMPTED: { outcome: 'CANCELLED', isCutOff: true },
  BOOT_FAIL: { outcome: 'FAILED', isCutOff: true },
  NODE_FAIL: { outcome: 'FAILED', isCutOff: true },
};

/** Turns records into rows. A job that was requeued has a record for each attempt (`sacct --duplicates`): its last one counts. */
export class SacctJobs {
  private readonly collector = new TraceCollector();
  private readonly last = new Map<string, SacctRecord>();

  skip(what: string): void {
    this.collector.skip(what);
  }

  reject(line: number, reason: string, found: string): void {
    this.collector.reject(line, reason, found);
  }

  note(what: string): void {
    this.collector.note(what);
  }

  add(record: SacctRecord): void {
    const before = this.last.get(record.jobId);
    if (before === undefined) {
      this.last.set(record.jobId, record);
      return;
    }
    const isLater = (record.submitMs ?? 0) >= (before.submitMs ?? 0);
    const [earlier, later] = isLater ? [before, record] : [record, before];
    this.reject(earlier.line, 'earlier attempt of a job that was requeued: its last one counts', earlier.state);
    // The job was submitted, and could start, when its first attempt did.
    const { submitMs, eligibleMs } = earlier;
    const startMs = earlier.startMs ?? later.startMs;
    this.last.set(record.jobId, { ...later, submitMs, eligibleMs, startMs, elapsedMs: elapsedOf(later) });
  }

  /** Tasks of an array that wait together, or were cancelled while they did, are one record. */
  addTasks(record: SacctRecord, tasks: readonly number[]): void {
    const isCancelled = record.state === 'CANCELLED';
    this.reject(
      record.line,
      isCancelled ? 'cancelled before it ran' : 'it has not ended',
      `${record.jobId} ${record.state}`,
    );
    const [id = ''] = record.jobId.split('_');
    for (const task of tasks) this.addOpen({ ...record, jobId: `${id}_${task}` });
  }

  reading(format: 'sacct' | 'sacct-json'): TraceReading {
    let hasGpus = false;
    for (const record of this.last.values()) {
      hasGpus ||= record.gpus > 0;
      this.addJob(record);
    }
    if (!hasGpus)
      this.collector.note('no record has GPUs: Slurm records them where AccountingStorageTRES has gres/gpu');
    return this.collector.reading(format, { isUnixTime: true });
  }

  private addJob(record: SacctRecord): void {
    const { collector } = this;
    const reject = (reason: string, found: string) => collector.reject(record.line, reason, found);
    const end = JOB_ENDS[record.state];
    if (end === undefined) {
      this.addOpen(record);
      return reject('it has not ended', record.state);
    }
    if (record.submitMs === null) return reject('submit time is not known', record.jobId);
    if (record.state === 'CANCELLED' && record.startMs === null) {
      this.addOpen(record);
      return reject('cancelled before it ran', record.jobId);
    }
    const runMs = elapsedOf(record);
    if (runMs === null) return reject('run time is not known', record.jobId);
    if (runMs === 0) return reject('run time is zero', `${record.jobId}, ${record.state}`);
    if (runMs < 0) return reject('it ends before it starts', record.jobId);
    const { nodes } = record;
    if (nodes === null || nodes < 1) return reject('number of nodes is not known', record.jobId);
    if (end.isCutOff) collector.note(`${record.state}: its run time is as long as the cluster let it run`);
    if (record.jobId.includes('+')) collector.note('part of a heterogeneous job: counted as a job of its own');
    if (record.gpus % nodes > 0) collector.note('has a number of GPUs that is rounded up to the same on each node');
    // Of a job that was requeued the start is that of its first attempt, and the run time that of its last.
    const isFirstAttempt =
      record.startMs !== null && (record.endMs ?? record.startMs + runMs) === record.startMs + runMs;
    const byUser = record.state === 'CANCELLED' && isFirstAttempt && { isCancelledByUser: true };
    collector.add({ ...rowOf(record, record.submitMs, nodes), runMs, outcome: end.outcome, ...byUser });
  }

  /** One that waits, runs, or was cancelled while it waited. */
  private addOpen(record: SacctRecord): void {
    const { state, submitMs, nodes, startMs, endMs } = record;
    const isRunning = state === 'RUNNING' || state === 'SUSPENDED' || state === 'COMPLETING';
    const cancelMs = state === 'CANCELLED' ? endMs : null;
    const isKnown = isRunning ? startMs !== null : state === 'PENDING' || cancelMs !== null;
    if (!isKnown || submitMs === null || nodes === null || nodes < 1) return;
    this.collector.addOpen({
      ...rowOf(record, submitMs, nodes),
      actualStartMs: isRunning ? startMs : null,
      runMs: isRunning ? Math.max(1, elapsedOf(record) ?? 1) : 0,
      outcome: 'COMPLETED',
      ...(cancelMs !== null && { cancelAfterMs: Math.max(0, cancelMs - submitMs) }),
    });
  }
}

/** `requested`, where `held` has more CPUs or GPUs. */
export function askedOf(
  held: ReadonlyMap<string, number>,
  requested: ReadonlyMap<string, number>,
): SacctRecord['asked'] {
  const [heldCpus, cpus] = [held.get('cpu') ?? 0, requested.get('cpu')];
  const { gpus } = gpusOf(requested);
  if (cpus === undefined || (heldCpus <= cpus && gpusOf(held).gpus <= gpus)) return null;
  return { cpus, gpus, memoryBytes: requested.get('mem') ?? null };
}

/**
 * Of what it `requested`. Memory that it `held` more of was asked for on each node, or is all of each: such a job does not take the same from
 * wherever it is.
 */
export function nodesAskedOf(
  held: ReadonlyMap<string, number>,
  requested: ReadonlyMap<string, number>,
): SacctRecord['nodesAsked'] {
  const bytes = requested.get('mem');
  return bytes !== undefined && (held.get('mem') ?? 0) > bytes ? null : (requested.get('node') ?? null);
}

function rowOf(record: SacctRecord, submitMs: number, held: number): Omit<TraceRow, 'runMs' | 'outcome'> {
  // Tasks without a number of nodes: Slurm takes their CPUs from wherever they are.
  const isSpread = record.gpus === 0 && record.asked === null && record.nodesAsked !== null && record.nodesAsked < held;
  const nodes = isSpread ? Math.max(1, record.nodesAsked ?? 1) : held;
  const onEach = ({ cpus, memoryBytes, gpus }: NonNullable<SacctRecord['asked']>) => ({
    gpusPerNode: Math.ceil(gpus / nodes),
    cpusPerNode: cpus === null ? null : Math.ceil(cpus / nodes),
    memoryBytesPerNode: memoryBytes === null ? null : Math.ceil(memoryBytes / nodes),
  });
  return {
    ...PLAIN_ROW,
    line: record.line,
    job: record.jobId,
    submitMs,
    eligibleMs: record.eligibleMs,
    actualStartMs: record.startMs,
    nodes,
    ...onEach(record),
    ...(isSpread && { isSpread }),
    ...(record.asked !== null && { asked: onEach(record.asked) }),
    gpuType: record.gpuType,
    limitMs: record.limitMs,
    user: record.user,
    account: record.account,
    qos: record.qos,
    partition: record.partition,
    ...(record.reservation !== null && { reservation: record.reservation }),
  };
}

function elapsedOf({ elapsedMs, startMs, endMs }: SacctRecord): number | null {
  return elapsedMs ?? (startMs === null || endMs === null ? null : endMs - startMs);
}

/** GPUs among trackable resources: typed ones (`gres/gpu:a100`) are parts of `gres/gpu` where that is there. */
export function gpusOf(tres: ReadonlyMap<string, number>): { gpus: number; gpuType: string | null } {
  const typed = [...tres].filter(([name, count]) => name.startsWith('gres/gpu:') && count > 0);
  const gpus = tres.get('gres/gpu') ?? typed.reduce((sum, [, count]) => sum + count, 0);
  const [only] = typed;
  return { gpus, gpuType: typed.length === 1 && only !== undefined ? only[0].slice('gres/gpu:'.length) : null };
}

/** The first word of a state: `CANCELLED by 1000` is CANCELLED. */
export function stateWord(text: string): string {
  return text.trim().split(/[\s+]/)[0]?.toUpperCase() ?? '';
}
