import { OrreryError } from '../contract/errors.ts';
import { parseDurationMs, parseMemoryBytes } from '../lib/units.ts';
import { arrayTasks } from './array-tasks.ts';
import { Columns, eachRecord, type Separator } from './delimited-rows.ts';
import { gresEntries } from './gres-list.ts';
import { askedOf, gpusOf, nodesAskedOf, SacctJobs, type SacctRecord, stateWord } from './sacct-job.ts';
import { parseCivilMs, type TraceReading } from './trace-row.ts';

type Field = (fields: readonly string[]) => string;

const MINUTE_MS = 60_000;

/** What separates the columns of a header of sacct, which has the job's id and when it was submitted; undefined for another text. */
export function sacctSeparator(header: string): Separator | undefined {
  const lower = header.toLowerCase();
  return (['|', ',', ';', '\t'] as const).find((separator) => {
    const columns = lower.split(separator).map((name) => name.trim());
    const hasId = columns.includes('jobid') || columns.includes('jobidraw');
    // A bar says it alone.
    return hasId && columns.length > 1 && (separator === '|' || columns.includes('submit'));
  });
}

/**
 * What `sacct -P` prints: a header and a record a line, separated by bars or by what `--delimiter` gave. It needs JobID, State, Submit, a
 * run time (ElapsedRaw, Elapsed or Start and End) and a number of nodes; Eligible, Timelimit, NCPUS, ReqMem, ReqTRES, AllocTRES, AllocGRES, User, Account,
 * QOS, Partition and Reservation are read where they are there. Steps are skipped. Throws ORR_BAD_FILE where a column is missing.
 */
export function readSacctDump(text: string, fileName: string): TraceReading {
  const jobs = new SacctJobs();
  let reader: DumpReader | null = null;
  const firstLine = /\S.*/.exec(text.replace(/^\uFEFF/, ''))?.[0] ?? '';
  const separator = sacctSeparator(firstLine) ?? '|';
  eachRecord(text, separator, (fields, line) => {
    if (reader === null) reader = new DumpReader(fields, separator, fileName, line);
    else reader.read(fields, line, jobs);
  });
  return jobs.reading('sacct');
}

/** Columns without which nothing can be made of a table of sacct; none where it has them all. */
function missingColumns(header: readonly string[]): string[] {
  const columns = new Set(header.map((name) => name.trim().toLowerCase()));
  const has = (...names: string[]) => names.some((name) => columns.has(name));
  return [
    has('jobid', 'jobidraw') ? '' : 'JobID',
    has('state') ? '' : 'State',
    has('submit') ? '' : 'Submit',
    has('elapsedraw', 'elapsed') || (has('start') && has('end')) ? '' : 'ElapsedRaw',
    has('nnodes', 'allocnodes', 'reqnodes', 'alloctres', 'reqtres') ? '' : 'NNodes',
  ].filter((name) => name !== '');
}

/** Why what `sacct` printed is no table that can be read, in a few words; null for one that is. */
export function sacctTrouble(text: string): string | null {
  const header = /\S.*/.exec(text.replace(/^\uFEFF/, ''))?.[0]?.trim() ?? '';
  const separator = (['|', ',', ';', '\t'] as const).find((one) => header.includes(one));
  if (separator === undefined) {
    return /^job\s*id/i.test(header) ? 'columns padded with blanks: expected sacct -P' : 'no table: expected sacct -P';
  }
  const missing = missingColumns(header.split(separator));
  if (missing.length === 0) return null;
  const isHeader = /(?:^|[|,;\t])\s*(?:job|state|user|start|end|elapsed)/i.test(header);
  return isHeader ? `without column ${missing.join(', ')}` : 'no header: expected sacct without -n';
}

class DumpReader {
  private readonly count: number;
  private readonly separator: Separator;
  /** The one column whose text is free, so that it may hold separators; null where there are none or several. */
  private readonly freeColumn: { place: number; name: string } | null;
  private readonly of: Record<
    | 'jobId'
    | 'state'
    | 'submit'
    | 'eligible'
    | 'start'
    | 'end'
    | 'elapsed'
    | 'elapsedRaw'
    | 'limit'
    | 'limitRaw'
    | 'nodes'
    | 'cpus'
    | 'memory'
    | 'requested'
    | 'allocated'
    | 'gres'
    | 'user'
    | 'account'
    | 'qos'
    | 'partition'
    | 'reservation',
    Field
  >;

  constructor(header: readonly string[], separator: Separator, fileName: string, line: number) {
    const columns = new Columns(header.map((name) => name.toLowerCase()));
    const missing = missingColumns(header);
    if (missing.length > 0) {
      const fields =
        'JobID,State,Submit,Eligible,Start,End,ElapsedRaw,Timelimit,NNodes,NCPUS,ReqTRES,AllocTRES,User,Account,QOS,Partition,Reservation';
      const text = `missing column ${missing.join(', ')}: expected the output of sacct -aXP -o ${fields}`;
      throw new OrreryError('ORR_BAD_FILE', `${fileName}:${line} ${text}`);
    }
    this.count = columns.count;
    this.separator = separator;
    const [free, ...otherFree] = header.flatMap((name, place) =>
      FREE_COLUMNS.has(name.trim().toLowerCase()) ? [{ place, name: name.trim() }] : [],
    );
    this.freeColumn = otherFree.length === 0 ? (free ?? null) : null;
    this.of = {
      jobId: columns.reader('jobid', 'jobidraw'),
      state: columns.reader('state'),
      submit: columns.reader('submit'),
      eligible: columns.reader('eligible'),
      start: columns.reader('start'),
      end: columns.reader('end'),
      elapsed: columns.reader('elapsed'),
      elapsedRaw: columns.reader('elapsedraw'),
      limit: columns.reader('timelimit'),
      limitRaw: columns.reader('timelimitraw'),
      nodes: columns.reader('nnodes', 'allocnodes', 'reqnodes'),
      cpus: columns.reader('alloccpus', 'ncpus', 'reqcpus'),
      memory: columns.reader('reqmem'),
      requested: columns.reader('reqtres'),
      allocated: columns.reader('alloctres'),
      gres: columns.reader('allocgres'),
      user: columns.reader('user'),
      account: columns.reader('account'),
      qos: columns.reader('qos'),
      partition: columns.reader('partition'),
      reservation: columns.reader('reservation'),
    };
  }

  read(given: readonly string[], line: number, jobs: SacctJobs): void {
    const { of, freeColumn, count, separator } = this;
    const surplus = given.length - count;
    const fields = surplus > 0 && freeColumn !== null ? joined(given, freeColumn.place, surplus, separator) : given;
    if (fields.length !== count) {
      return jobs.reject(line, 'not as many fields as the header', `${fields.length} of ${count}`);
    }
    if (fields !== given) jobs.note(`has what separates the columns in its ${freeColumn?.name}`);
    const jobId = of.jobId(fields);
    if (/^\d+(?:[_+]\d+)?\./.test(jobId)) return jobs.skip('step of a job');
    const tasks = /^\d+_\[([^\]]*)/.exec(jobId)?.[1];
    if (tasks === undefined && !/^\d+(?:[_+]\d+)?$/.test(jobId))
      return jobs.reject(line, 'JobID is not one of a job', `"${jobId}"`);
    const submitMs = timeOf(of.submit(fields));
    if (submitMs === undefined) {
      return jobs.reject(line, 'Submit is not a date such as 2026-01-31T12:00:00', `"${of.submit(fields)}"`);
    }
    const limitMs = limitOf(of.limit(fields), of.limitRaw(fields));
    if (limitMs === undefined) return jobs.reject(line, 'Timelimit is not a duration', `"${of.limit(fields)}"`);
    const allocated = parseTres(of.allocated(fields));
    const requested = parseTres(of.requested(fields));
    // What it held, and what it asked for where that is not known.
    const held = allocated.size > 0 ? allocated : requested;
    const nodes = allocated.get('node') ?? integerOf(of.nodes(fields)) ?? requested.get('node') ?? null;
    const cpus = held.get('cpu') ?? integerOf(of.cpus(fields));
    const record: SacctRecord = {
      line,
      jobId,
      state: stateWord(of.state(fields)),
      submitMs,
      eligibleMs: timeOf(of.eligible(fields)) ?? null,
      startMs: timeOf(of.start(fields)) ?? null,
      endMs: timeOf(of.end(fields)) ?? null,
      elapsedMs: elapsedOf(of.elapsedRaw(fields), of.elapsed(fields)),
      limitMs,
      nodes,
      cpus,
      memoryBytes: held.get('mem') ?? memoryOf(of.memory(fields), nodes, cpus),
      gpus: gpusOf(held).gpus || gresGpus(of.gres(fields)),
      nodesAsked: nodesAskedOf(held, requested),
      asked: askedOf(held, requested),
      gpuType: gpusOf(requested).gpuType,
      user: of.user(fields) || null,
      account: of.account(fields) || null,
      qos: of.qos(fields) || null,
      partition: of.partition(fields) || null,
      reservation: of.reservation(fields) || null,
    };
    if (tasks === undefined) jobs.add(record);
    else jobs.addTasks(record, arrayTasks(tasks.split('%')[0] ?? ''));
  }
}

/** Columns with what users wrote. */
const FREE_COLUMNS: ReadonlySet<string> = new Set([
  'jobname',
  'comment',
  'admincomment',
  'systemcomment',
  'workdir',
  'submitline',
  'container',
  'extra',
]);

/** With the fields from `place` on, of which there are `surplus` too many, as one. */
function joined(fields: readonly string[], place: number, surplus: number, separator: Separator): string[] {
  const end = place + surplus + 1;
  return [...fields.slice(0, place), fields.slice(place, end).join(separator), ...fields.slice(end)];
}

/** Dates as sacct prints them, or Unix seconds (`SLURM_TIME_FORMAT=%s`); undefined for `Unknown`, `None` and the like. */
function timeOf(text: string): number | undefined {
  return /^\d+$/.test(text) ? Number(text) * 1000 : parseCivilMs(text);
}

function elapsedOf(raw: string, text: string): number | null {
  if (/^-?\d+$/.test(raw)) return Number(raw) * 1000;
  return /^(?:\d+-)?(?:\d+:)?\d+:\d+$/.test(text) ? (parseDurationMs(text) ?? null) : null;
}

/** Null for no limit of its own, undefined for what is none. */
function limitOf(text: string, rawMinutes: string): number | null | undefined {
  if (/^\d+$/.test(rawMinutes)) return Number(rawMinutes) * MINUTE_MS;
  if (text === '' || /^(?:UNLIMITED|Partition_Limit|NOT_SET|INVALID)$/i.test(text)) return null;
  return parseDurationMs(text);
}

/** `ReqMem` in bytes of all nodes together: `4Gn` is of each node, `2Gc` of each CPU, and since 21.08 `4G` of all; null for 0, which is all there is. */
function memoryOf(text: string, nodes: number | null, cpus: number | null): number | null {
  const [, amount = '', of = ''] = /^([\d.]+[KMGT]?)([nc]?)$/i.exec(text) ?? [];
  const bytes = parseMemoryBytes(amount) ?? 0;
  const factor = of.toLowerCase() === 'n' ? nodes : of.toLowerCase() === 'c' ? cpus : 1;
  return factor === null || bytes === 0 ? null : bytes * factor;
}

/** GPUs of `AllocGRES`, which Slurm had until 20.11: `gpu:4`, of all nodes together. */
function gresGpus(text: string): number {
  return gresEntries(text).reduce((sum, { name, count }) => sum + (name === 'gpu' ? (count ?? 0) : 0), 0);
}

function integerOf(text: string): number | null {
  return /^\d+$/.test(text) ? Number(text) : null;
}

/** `cpu=64,gres/gpu:a100=8,mem=500G,node=1`: counts, and bytes of memory. What it can't read is left out. */
export function parseTres(text: string): Map<string, number> {
  const tres = new Map<string, number>();
  if (text === '') return tres;
  for (const part of text.split(',')) {
    const split = part.lastIndexOf('=');
    if (split < 1) continue;
    const name = part.slice(0, split).trim().toLowerCase();
    const value = part.slice(split + 1);
    const count = name === 'mem' ? parseMemoryBytes(value) : Number(value);
    if (count !== undefined && Number.isFinite(count)) tres.set(name, count);
  }
  return tres;
}
