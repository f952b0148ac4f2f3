import { OrreryError } from '../contract/errors.ts';
import { parseMemoryBytes } from '../lib/units.ts';
import type { Dependency } from '../scheduler/types.ts';
import { Columns, csvSeparator, eachRecord, OPEN_QUOTE } from './delimited-rows.ts';
import type { RowDependency } from '../twin/trace-row.ts';
import { nearest } from './nearest.ts';
import { PLAIN_ROW, parseCivilMs, TraceCollector, type TraceReading, type TraceRow } from './trace-row.ts';

const REQUIRED = ['job', 'submit_s', 'nodes', 'gpus_per_node', 'runtime_s'] as const;
const OPTIONAL = [
  'limit_s',
  'user',
  'account',
  'qos',
  'priority',
  'after',
  'array',
  'partition',
  'reservation',
  'cpus_per_node',
  'memory_per_node',
  'gpu_type',
  'exclusive',
  'spread',
  'outcome',
  'begin_s',
  'start_s',
] as const;
type Column = (typeof REQUIRED)[number] | (typeof OPTIONAL)[number];

const OUTCOMES: Readonly<Record<string, TraceRow['outcome']>> = {
  '': 'COMPLETED',
  COMPLETED: 'COMPLETED',
  FAILED: 'FAILED',
  CANCELLED: 'CANCELLED',
  TIMEOUT: 'TIMEOUT',
  OUT_OF_MEMORY: 'OUT_OF_MEMORY',
};
const FLAGS: Readonly<Record<string, boolean>> = {
  '': false,
  '0': false,
  '1': true,
  false: false,
  true: true,
  no: false,
  yes: true,
};

/**
 * Orrery's own trace format: a file with a header, separated by commas, semicolons or tabs, columns in any order and any case. Where it is not
 * separated by commas, these may be decimal points. Throws ORR_BAD_FILE where a column is missing or misspelt; other columns are noted, bad records
 * are in the reading.
 */
export function readJobsCsv(text: string, fileName: string): TraceReading {
  const collector = new TraceCollector();
  let readRow: RowReader | null = null;
  const separator = csvSeparator(/\S.*/.exec(text.replace(/^\uFEFF/, ''))?.[0] ?? '');
  const visit = (fields: readonly string[], line: number) => {
    if (readRow === null) {
      const columns = new Columns(fields.map((name) => name.toLowerCase()));
      readRow = new RowReader(columns, fileName, line, collector, { hasDecimalCommas: separator !== ',' });
      return;
    }
    readRow.read(fields, line, collector);
  };
  const onOpen = (line: number, found: string) => {
    if (readRow !== null) collector.reject(line, OPEN_QUOTE, found);
    else throw new OrreryError('ORR_BAD_FILE', `${fileName}:${line} ${OPEN_QUOTE} in the header: ${found}`);
  };
  eachRecord(text, separator, visit, { hasQuotes: true, onOpen });
  return collector.reading('csv');
}

/** Reads the lines below a header. */
export class RowReader {
  private readonly columns: Columns;
  private readonly fieldOf: Record<Column, (fields: readonly string[]) => string>;
  private readonly seen = new Set<string>();
  /** Of `submit_s`. */
  private readonly least: number;
  private readonly hasDecimalCommas: boolean;

  constructor(
    columns: Columns,
    fileName: string,
    line: number,
    collector: TraceCollector,
    {
      least = 0,
      others = [],
      hasDecimalCommas = false,
    }: { least?: number; others?: readonly string[]; hasDecimalCommas?: boolean } = {},
  ) {
    this.least = least;
    this.hasDecimalCommas = hasDecimalCommas;
    const known: readonly string[] = [...REQUIRED, ...OPTIONAL, ...others];
    for (const [place, name] of columns.names.entries()) {
      if (columns.names.indexOf(name) < place) {
        throw new OrreryError('ORR_BAD_FILE', `${fileName}:${line} ${name}: expected one column of this name, got two`);
      }
      // A separator at the end of each line makes a column without a name.
      if (known.includes(name) || name === '') continue;
      const meant = nearest(name, known);
      if (meant === undefined) collector.note(`column "${name}" is not read`);
      else
        throw new OrreryError('ORR_BAD_FILE', `${fileName}:${line} ${name}: unknown column; did you mean "${meant}"?`);
    }
    const missing = REQUIRED.filter((name) => !columns.has(name));
    if (missing.length > 0) {
      const text = `missing column ${missing.join(', ')}: expected a header with ${REQUIRED.join(', ')}`;
      throw new OrreryError('ORR_BAD_FILE', `${fileName}:${line} ${text}`);
    }
    this.columns = columns;
    this.fieldOf = {
      job: columns.reader('job'),
      submit_s: columns.reader('submit_s'),
      nodes: columns.reader('nodes'),
      gpus_per_node: columns.reader('gpus_per_node'),
      runtime_s: columns.reader('runtime_s'),
      limit_s: columns.reader('limit_s'),
      user: columns.reader('user'),
      account: columns.reader('account'),
      qos: columns.reader('qos'),
      priority: columns.reader('priority'),
      after: columns.reader('after'),
      array: columns.reader('array'),
      partition: columns.reader('partition'),
      reservation: columns.reader('reservation'),
      cpus_per_node: columns.reader('cpus_per_node'),
      memory_per_node: columns.reader('memory_per_node'),
      gpu_type: columns.reader('gpu_type'),
      exclusive: columns.reader('exclusive'),
      spread: columns.reader('spread'),
      outcome: columns.reader('outcome'),
      begin_s: columns.reader('begin_s'),
      start_s: columns.reader('start_s'),
    };
  }

  read(fields: readonly string[], line: number, collector: TraceCollector): void {
    const row = this.row(fields, line, collector);
    if (row !== undefined) collector.add(row);
  }

  /** Undefined where it is a bad record, which the collector is told. */
  row(fields: readonly string[], line: number, collector: TraceCollector): TraceRow | undefined {
    const reject = (reason: string, found: string): undefined => {
      collector.reject(line, reason, found);
      return undefined;
    };
    if (fields.length !== this.columns.count) {
      return reject('not as many fields as the header', `${fields.length} of ${this.columns.count}`);
    }
    const { fieldOf } = this;
    const job = fieldOf.job(fields);
    if (job === '') return reject('job is empty', '""');
    if (this.seen.has(job)) return reject('job is given twice', job);
    const wrong = (column: Column, expected: string) =>
      reject(`${column} is not ${expected}`, `"${fieldOf[column](fields)}"`);
    const submit = this.timeOf(fieldOf.submit_s(fields), collector);
    if (!(submit >= this.least)) return wrong('submit_s', `${this.least === 0 ? 'seconds >= 0' : 'seconds'} or a date`);
    const [begin, start] = [fieldOf.begin_s(fields), fieldOf.start_s(fields)].map((time) =>
      time === '' ? null : Math.round(this.timeOf(time, collector) * 1000),
    );
    if (begin === undefined || Number.isNaN(begin)) return wrong('begin_s', 'seconds or a date, or empty');
    if (start === undefined || Number.isNaN(start)) return wrong('start_s', 'seconds or a date, or empty');
    if (submit > SECONDS_MAX) return reject('submit_s is milliseconds, not seconds', fieldOf.submit_s(fields));
    const nodes = numberOf(fieldOf.nodes(fields));
    if (!Number.isSafeInteger(nodes) || nodes < 1) return wrong('nodes', 'an integer > 0');
    const gpus = numberOf(fieldOf.gpus_per_node(fields));
    if (!Number.isSafeInteger(gpus) || gpus < 0) return wrong('gpus_per_node', 'an integer >= 0');
    const run = this.numberOf(fieldOf.runtime_s(fields), collector);
    if (run === 0) return reject('runtime_s is zero', job);
    if (!(run > 0)) return wrong('runtime_s', 'seconds > 0');
    const limitText = fieldOf.limit_s(fields);
    const limit = limitText === '' ? null : this.numberOf(limitText, collector);
    if (limit !== null && !(limit > 0)) return wrong('limit_s', 'seconds > 0, or empty for none');
    const priorityText = fieldOf.priority(fields);
    const priority = priorityText === '' ? 0 : this.numberOf(priorityText, collector);
    if (Number.isNaN(priority)) return wrong('priority', 'a number');
    const cpusText = fieldOf.cpus_per_node(fields);
    const cpus = cpusText === '' ? null : numberOf(cpusText);
    if (cpus !== null && !(Number.isSafeInteger(cpus) && cpus >= 0)) return wrong('cpus_per_node', 'an integer >= 0');
    const memoryText = fieldOf.memory_per_node(fields);
    const memory = memoryText === '' ? null : parseMemoryBytes(memoryText);
    if (memory === undefined) return wrong('memory_per_node', 'memory such as 2G');
    const exclusive = FLAGS[fieldOf.exclusive(fields).toLowerCase()];
    if (exclusive === undefined) return wrong('exclusive', 'true or false');
    const spread = FLAGS[fieldOf.spread(fields).toLowerCase()];
    if (spread === undefined) return wrong('spread', 'true or false');
    const outcome = OUTCOMES[fieldOf.outcome(fields).toUpperCase()];
    if (outcome === undefined) return wrong('outcome', 'COMPLETED, FAILED, CANCELLED, TIMEOUT or OUT_OF_MEMORY');
    const afterText = fieldOf.after(fields);
    if (OTHER_CONDITIONS.test(afterText))
      return reject('after is a dependency other than after, afterok, afterany and afternotok', `"${afterText}"`);
    const isAnyEnough = afterText.includes('?');
    if (isAnyEnough && /[;,\s]/.test(afterText)) return wrong('after', 'separated by "?" throughout, or nowhere');
    const after = parseAfter(afterText);
    if (after === undefined) return wrong('after', 'jobs such as "12 13", "afterok:12:13" or "after:12+5"');
    const array = parseArray(fieldOf.array(fields));
    if (array === undefined) return wrong('array', 'an array such as 12, or 12%4');
    this.seen.add(job);
    return {
      ...PLAIN_ROW,
      line,
      job,
      submitMs: Math.round(submit * 1000),
      eligibleMs: begin,
      actualStartMs: start,
      nodes,
      gpusPerNode: gpus,
      cpusPerNode: cpus,
      memoryBytesPerNode: memory,
      gpuType: orNull(fieldOf.gpu_type(fields)),
      isExclusive: exclusive,
      ...(spread && { isSpread: true }),
      runMs: Math.max(1, Math.round(run * 1000)),
      limitMs: limit === null ? null : Math.max(1, Math.round(limit * 1000)),
      user: orNull(fieldOf.user(fields)),
      account: orNull(fieldOf.account(fields)),
      qos: orNull(fieldOf.qos(fields)),
      partition: orNull(fieldOf.partition(fields)),
      ...(fieldOf.reservation(fields) !== '' && { reservation: fieldOf.reservation(fields) }),
      priority,
      ...(array !== null && { array }),
      after,
      ...(isAnyEnough && { isAnyEnough }),
      outcome,
    };
  }

  /** Seconds, as a number or as a date. NaN where it is neither. */
  private timeOf(text: string, collector: TraceCollector): number {
    const ms = parseCivilMs(text);
    return ms === undefined ? this.numberOf(text, collector) : ms / 1000;
  }

  /** NaN where it is none. */
  private numberOf(text: string, collector: TraceCollector): number {
    if (!this.hasDecimalCommas || !/^-?\d+,\d+$/.test(text)) return numberOf(text);
    collector.note('number with a decimal comma');
    return numberOf(text.replace(',', '.'));
  }
}

/** Of the year 5138: nobody means later ones, but Unix times in milliseconds look like them. */
const SECONDS_MAX = 1e11;

const CONDITIONS: readonly Dependency['condition'][] = ['afterok', 'afterany', 'afternotok', 'after'];

/** Slurm's other dependencies (sbatch(1)), of which the twin has none. */
const OTHER_CONDITIONS = /(?:^|[;,?\s])(?:(?:aftercorr|afterburstbuffer|expand):|singleton(?:$|[;,?\s]))/i;

/** `12`, `12 13`, `12;13`, `afterok:12:13`, `afterany:12;afterok:13`, `after:12+5?13`. Bare jobs need only have ended; of `after` a delay is minutes. */
function parseAfter(text: string): TraceRow['after'] | undefined {
  if (text === '') return [];
  const after: RowDependency[] = [];
  for (const part of text.split(/[;,?\s]+/).filter((one) => one !== '')) {
    const [first = '', ...others] = part.split(':');
    const condition = CONDITIONS.find((known) => known === first.toLowerCase());
    const jobs = condition === undefined ? [first, ...others] : others;
    if (jobs.length === 0 || jobs.includes('')) return undefined;
    for (const name of jobs) {
      const [, job = name, minutes] = (condition === 'after' && /^(.+)\+([1-9]\d{0,6})$/.exec(name)) || [];
      const delay = minutes === undefined ? {} : { delayMs: Number(minutes) * 60_000 };
      after.push({ condition: condition ?? 'afterany', job, ...delay });
    }
  }
  return after;
}

/** `12`, or `12%4` where no more than four tasks may run at once; null for none, undefined for anything else. */
function parseArray(text: string): TraceRow['array'] | null {
  if (text === '') return null;
  const [, name, throttle] = /^([^%]+)(?:%([1-9]\d{0,8}))?$/.exec(text) ?? [];
  return name === undefined ? undefined : { name, runningMax: throttle === undefined ? null : Number(throttle) };
}

/** NaN where it is none, or not a finite one. */
function numberOf(text: string): number {
  const value = text === '' ? Number.NaN : Number(text);
  return Number.isFinite(value) ? value : Number.NaN;
}

function orNull(text: string): string | null {
  return text === '' ? null : text;
}
