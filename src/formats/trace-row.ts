import { floorTo } from '../lib/floor-to.ts';
import type { TraceRow } from '../twin/trace-row.ts';

export type { TraceRow } from '../twin/trace-row.ts';

/** A record of a trace that is no row, and why. */
export interface BadRow {
  line: number;
  /** One of a few, so that they can be counted. */
  reason: string;
  /** What stands there instead. */
  found: string;
}

export const TRACE_FORMATS = ['swf', 'sacct', 'sacct-json', 'philly', 'philly-json', 'helios', 'openb', 'csv'] as const;
export type TraceFormat = (typeof TRACE_FORMATS)[number];

export interface TraceReading {
  format: TraceFormat;
  /** In the order of their submission. */
  rows: readonly TraceRow[];
  bad: readonly BadRow[];
  /**
   * Jobs that had not ended when the records were made, or that were cancelled before they ran (`cancelAfterMs`). They are among the bad ones too: how
   * long they run is not known, `runMs` is what they have run so far, 0 of those that have not started.
   */
  open: readonly TraceRow[];
  counts: {
    /** Records in the file: rows, bad ones and skipped ones together. */
    records: number;
    rows: number;
    bad: number;
    /** Bad ones by reason. */
    byReason: ReadonlyMap<string, number>;
    /** Records that are not jobs of their own (steps, parts), by what they are. */
    skipped: ReadonlyMap<string, number>;
    /** What rows say that was read differently or not at all, by what it is. */
    notes: ReadonlyMap<string, number>;
  };
  /** Unix time, in ms, of the trace's instant 0; null if not known. Dates without a zone are read as UTC. */
  originMs: number | null;
  /** What the file's own times are ahead of the rows': not 0 where it has Unix times in the place of seconds from its start. */
  aheadMs: number;
}

export interface TraceReadOptions {
  /** GPUs of a node, for traces that count GPUs and not nodes. Default 8. */
  gpusPerNode?: number;
  /** Processors of a node in SWF. Default: MaxProcs over MaxNodes of its header where that is an integer, else 1. */
  processorsPerNode?: number;
  /** SWF: a processor is a GPU, and a node has `gpusPerNode` of them. Default false. */
  isProcessorGpu?: boolean;
}

export const GPUS_PER_NODE = 8;

/** What a row is unless its format says otherwise. */
export const PLAIN_ROW = {
  eligibleMs: null,
  actualStartMs: null,
  gpusPerNode: 0,
  cpusPerNode: null,
  memoryBytesPerNode: null,
  gpuType: null,
  isExclusive: false,
  limitMs: null,
  user: null,
  account: null,
  qos: null,
  partition: null,
  priority: 0,
  after: [],
  outcome: 'COMPLETED',
} as const satisfies Partial<TraceRow>;

/** Takes what a reader finds, record by record, and counts it. */
export class TraceCollector {
  private readonly rows: TraceRow[] = [];
  private readonly bad: BadRow[] = [];
  private readonly open: TraceRow[] = [];
  private readonly byReason = new Map<string, number>();
  private readonly skipped = new Map<string, number>();
  private readonly notes = new Map<string, number>();
  private records = 0;
  private isSorted = true;
  private lastSubmitMs = Number.NEGATIVE_INFINITY;

  add(row: TraceRow): void {
    this.records += 1;
    this.isSorted &&= row.submitMs >= this.lastSubmitMs;
    this.lastSubmitMs = row.submitMs;
    this.rows.push(row);
  }

  reject(line: number, reason: string, found: string): void {
    this.records += 1;
    this.bad.push({ line, reason, found });
    increase(this.byReason, reason);
  }

  /** A job that is not over, of a record that was rejected for that. */
  addOpen(row: TraceRow): void {
    this.open.push(row);
  }

  skip(what: string): void {
    this.records += 1;
    increase(this.skipped, what);
  }

  /** A count of GPUs as nodes, by `nodesForGpus`; what is more than was asked for is noted. */
  sizeFor(gpus: number, gpusPerNode: number): { nodes: number; gpusPerNode: number } {
    const { isExact, ...size } = nodesForGpus(gpus, gpusPerNode);
    if (!isExact) this.note('asks for a number of GPUs that is rounded up to the same on each node');
    return size;
  }

  /** Something about a row that is kept. */
  note(what: string): void {
    increase(this.notes, what);
  }

  /**
   * What was taken so far. Where the rows' times are Unix times, `isUnixTime`, the first submission becomes instant 0; where they only look like
   * such, the begin of its second.
   */
  reading(
    format: TraceFormat,
    origin: { isUnixTime: true } | { originMs: number | null } = { originMs: null },
  ): TraceReading {
    // Records of the same instant stay in the order of the file.
    if (!this.isSorted) this.rows.sort((a, b) => a.submitMs - b.submitMs);
    const firstMs = this.rows[0]?.submitMs ?? null;
    const aheadMs = 'originMs' in origin && (firstMs ?? 0) >= UNIX_MS_LEAST ? floorTo(firstMs ?? 0, 1000) : 0;
    const isFromStart = 'originMs' in origin && aheadMs === 0;
    const originMs = isFromStart ? origin.originMs : aheadMs > 0 ? aheadMs : firstMs;
    const ofOrigin = (row: TraceRow) => (isFromStart ? row : shifted(row, originMs ?? 0));
    const rows = isFromStart ? this.rows : this.rows.map(ofOrigin);
    const open = this.open.map(ofOrigin).sort((a, b) => a.submitMs - b.submitMs);
    const { bad, records, byReason, skipped, notes } = this;
    bad.sort((a, b) => a.line - b.line);
    const counts = { records, rows: rows.length, bad: bad.length, byReason, skipped, notes };
    return { format, rows, bad, open, counts, originMs, aheadMs };
  }
}

/** Nobody simulates from three years after the start of a trace on: seconds beyond that are Unix times, of 1973 and later. */
const UNIX_MS_LEAST = 1e11;

function shifted(row: TraceRow, originMs: number): TraceRow {
  return {
    ...row,
    submitMs: row.submitMs - originMs,
    eligibleMs: row.eligibleMs === null ? null : row.eligibleMs - originMs,
    actualStartMs: row.actualStartMs === null ? null : row.actualStartMs - originMs,
  };
}

function increase(counts: Map<string, number>, key: string): void {
  counts.set(key, (counts.get(key) ?? 0) + 1);
}

/**
 * A count of GPUs as nodes: one node if they fit on it, else as few as hold them, the same number on each. `isExact` is false where that is
 * more GPUs than were asked for.
 */
export function nodesForGpus(
  gpus: number,
  gpusPerNode: number,
): { nodes: number; gpusPerNode: number; isExact: boolean } {
  const nodes = Math.max(1, Math.ceil(gpus / gpusPerNode));
  const each = Math.ceil(gpus / nodes);
  return { nodes, gpusPerNode: each, isExact: each * nodes === gpus };
}

/** NaN where nothing stands there. */
export function numberOf(text: string): number {
  return text === '' ? Number.NaN : Number(text);
}

/**
 * Unix time in ms of `2026-01-31T23:59:59` or `2026-01-31 23:59:59`, of the zone that follows (`Z`, `+01:00`, `+0100`), read as UTC without one;
 * undefined for anything else.
 */
export function parseCivilMs(text: string): number | undefined {
  const match = /^(\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d)(?:\.\d+)?(?:Z|([+-])(\d\d):?(\d\d))?$/.exec(text);
  if (match === null) return undefined;
  const [, civil = '', sign, zoneHours = '0', zoneMinutes = '0'] = match;
  const aheadMs = (Number(zoneHours) * 60 + Number(zoneMinutes)) * 60_000;
  const ms = utcMs(civil);
  return ms === undefined ? undefined : ms - (sign === '-' ? -aheadMs : aheadMs);
}

function utcMs(civil: string): number | undefined {
  const [year = 0, month = 0, day = 0, hours = 0, minutes = 0, seconds = 0] = civil.split(/[-T :]/).map(Number);
  const ms = Date.UTC(year, month - 1, day, hours, minutes, seconds);
  // The 31st of April is no day; a leap second is one of the next minute.
  const isDay = month >= 1 && month <= 12 && day >= 1 && new Date(Date.UTC(year, month - 1, day)).getUTCDate() === day;
  return isDay && hours < 24 && minutes < 60 && seconds <= 60 ? ms : undefined;
}
