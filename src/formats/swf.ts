import { GPUS_PER_NODE, nodesForGpus, TraceCollector, type TraceReading, type TraceReadOptions } from './trace-row.ts';

const FIELDS = 18;
const NEWLINE = 10;
const RETURN = 13;
const TAB = 9;
const SPACE = 32;
const SEMICOLON = 59;
const MINUS = 45;
const ZERO = 48;
const NINE = 57;

/** Job statuses that stand for a part of a job: its whole is on a line of its own. */
const PARTS = new Set([2, 3, 4]);
const CANCELLED = 5;
const FAILED = 0;

/**
 * A trace in the Standard Workload Format, version 2.2 (Parallel Workloads Archive): header lines begin with a semicolon, a job is 18 numbers
 * and -1 stands for what is not known. Processors asked for count; those that were given where the request is not known. They become
 * whole nodes, or GPUs where `isProcessorGpu` says so.
 */
export function readSwf(text: string, options: TraceReadOptions = {}): TraceReading {
  const collector = new TraceCollector();
  const header = new Map<string, string>();
  const seen = new Set<number>();
  const fields = new Float64Array(FIELDS);
  let toNodes: ((processors: number) => { nodes: number; gpusPerNode: number | null; isExact: boolean }) | null = null;
  let line = 0;
  for (let start = 0, end = 0; start < text.length; start = end + 1) {
    line += 1;
    end = text.indexOf('\n', start);
    if (end === -1) end = text.length;
    const first = firstCharacter(text, start, end);
    if (first === -1) continue;
    if (first === SEMICOLON) {
      readHeader(text.slice(start, end), header);
      continue;
    }
    const count = readNumbers(text, start, end, fields);
    if (count !== FIELDS) {
      const what = text.slice(start, end).trim();
      const found = count < 0 ? what : `${count > FIELDS ? 'more' : count} numbers: ${what}`;
      collector.reject(line, 'not 18 numbers', found.slice(0, 80));
      continue;
    }
    const job = fields[0] ?? 0;
    const submit = fields[1] ?? 0;
    const wait = fields[2] ?? 0;
    const limit = fields[8] ?? 0;
    const status = fields[10] ?? 0;
    const reason = fault(fields, seen);
    if (PARTS.has(status)) collector.skip('part of a job that is on a line of its own');
    else if (reason !== null) collector.reject(line, reason[0], reason[1]);
    else {
      toNodes ??= nodeRule(header, options);
      const size = toNodes(processorsOf(fields));
      if (!size.isExact) collector.note('asks for a number of GPUs that is rounded up to the same on each node');
      const preceding = fields[16] ?? -1;
      const isFollowing = seen.has(preceding);
      if (preceding > 0 && !isFollowing)
        collector.note('follows a job that is not there before it: does not wait for it');
      if (isFollowing && (fields[17] ?? -1) > 0) collector.note('think time after the preceding job: left out');
      seen.add(job);
      collector.add({
        line,
        job: String(job),
        submitMs: Math.round(submit * 1000),
        eligibleMs: null,
        actualStartMs: wait >= 0 ? Math.round((submit + wait) * 1000) : null,
        nodes: size.nodes,
        gpusPerNode: size.gpusPerNode,
        cpusPerNode: null,
        memoryBytesPerNode: null,
        gpuType: null,
        isExclusive: size.gpusPerNode === null,
        runMs: Math.round((fields[3] ?? 0) * 1000),
        limitMs: limit > 0 ? Math.round(limit * 1000) : null,
        user: nameOf('u', fields[11]),
        account: nameOf('g', fields[12]),
        qos: null,
        partition: null,
        priority: 0,
        after: isFollowing ? [{ condition: 'afterany', job: String(preceding) }] : NOTHING,
        outcome: status === CANCELLED ? 'CANCELLED' : status === FAILED ? 'FAILED' : 'COMPLETED',
      });
    }
  }
  const unixStart = Number(header.get('UnixStartTime') ?? Number.NaN);
  const originMs = Number.isFinite(unixStart) ? unixStart * 1000 : null;
  return collector.reading('swf', { originMs });
}

/**
 * The machine that a log's header tells, where a processor of its jobs is a CPU: nodes, and CPUs of each as `readSwf` reckons them. Without `MaxNodes`,
 * or where `MaxProcs` is no multiple of it, each processor is a node. Null where it tells neither.
 */
export function swfMachine(text: string): { nodes: number; cpusPerNode: number } | null {
  const header = new Map<string, string>();
  for (let start = 0, end = 0; start < text.length; start = end + 1) {
    end = text.indexOf('\n', start);
    if (end === -1) end = text.length;
    const first = firstCharacter(text, start, end);
    if (first === SEMICOLON) readHeader(text.slice(start, end), header);
    else if (first !== -1) break;
  }
  const cpusPerNode = headerProcessorsPerNode(header);
  const processors = headerCount(header, 'MaxProcs') ?? headerCount(header, 'MaxNodes');
  return processors === null ? null : { nodes: processors / cpusPerNode, cpusPerNode };
}

const NOTHING = [] as const;

/** Asked for, else given; not above zero where neither is known. */
function processorsOf(fields: Float64Array): number {
  const asked = fields[7] ?? 0;
  return asked > 0 ? asked : (fields[4] ?? 0);
}

function fault(fields: Float64Array, seen: ReadonlySet<number>): [reason: string, found: string] | null {
  const job = fields[0] ?? 0;
  const submit = fields[1] ?? 0;
  const run = fields[3] ?? 0;
  const status = fields[10] ?? 0;
  const processors = processorsOf(fields);
  if (!Number.isSafeInteger(job) || job < 0) return ['job number is not an integer >= 0', String(job)];
  if (seen.has(job)) return ['job number is given twice', String(job)];
  if (submit < 0) return ['submit time is not >= 0', String(submit)];
  if (run === 0) return ['run time is zero', `job ${job}, status ${status}`];
  if (run < 0)
    return [status === CANCELLED ? 'cancelled before it ran' : 'run time is not known', `job ${job}, ${run}`];
  if (processors <= 0) return ['number of processors is not known', `job ${job}, ${processors}`];
  if (!Number.isInteger(processors)) return ['number of processors is not an integer', `job ${job}, ${processors}`];
  return null;
}

function nodeRule(header: ReadonlyMap<string, string>, options: TraceReadOptions) {
  const { isProcessorGpu = false, gpusPerNode = GPUS_PER_NODE } = options;
  if (isProcessorGpu) return (processors: number) => nodesForGpus(processors, gpusPerNode);
  const perNode = options.processorsPerNode ?? headerProcessorsPerNode(header);
  return (processors: number) => ({ nodes: Math.ceil(processors / perNode), gpusPerNode: null, isExact: true });
}

function headerProcessorsPerNode(header: ReadonlyMap<string, string>): number {
  const ratio = (headerCount(header, 'MaxProcs') ?? 1) / (headerCount(header, 'MaxNodes') ?? Number.POSITIVE_INFINITY);
  return Number.isInteger(ratio) && ratio > 0 ? ratio : 1;
}

function headerCount(header: ReadonlyMap<string, string>, name: string): number | null {
  const count = Number.parseInt(header.get(name) ?? '', 10);
  return count > 0 ? count : null;
}

function readHeader(line: string, header: Map<string, string>): void {
  const match = /^\s*;\s*([A-Za-z]+)\s*:\s*(.*?)\s*$/.exec(line);
  if (match?.[1] !== undefined) header.set(match[1], match[2] ?? '');
}

function nameOf(prefix: string, id: number | undefined): string | null {
  return id === undefined || id < 0 ? null : `${prefix}${id}`;
}

/** Code of the first character of the line that is no blank; -1 if there is none. */
function firstCharacter(text: string, start: number, end: number): number {
  for (let offset = start; offset < end; offset++) {
    const code = text.charCodeAt(offset);
    if (code !== SPACE && code !== TAB && code !== RETURN) return code;
  }
  return -1;
}

/**
 * The numbers of a line: how many there are, one more than there is room for where there are more, -1 where something is none. Digits are
 * added up by hand: cutting the line into texts first takes several times as long.
 */
function readNumbers(text: string, start: number, end: number, fields: Float64Array): number {
  let count = 0;
  let offset = start;
  while (offset < end) {
    let code = text.charCodeAt(offset);
    if (code === SPACE || code === TAB || code === RETURN || code === NEWLINE) {
      offset += 1;
      continue;
    }
    if (count === fields.length) return count + 1;
    const from = offset;
    if (code === MINUS) offset += 1;
    let value = 0;
    for (; offset < end; offset++) {
      code = text.charCodeAt(offset);
      if (code < ZERO || code > NINE) break;
      value = value * 10 + (code - ZERO);
    }
    const isWhole = offset === end || code === SPACE || code === TAB || code === RETURN;
    if (isWhole && offset > from + (text.charCodeAt(from) === MINUS ? 1 : 0)) {
      fields[count] = text.charCodeAt(from) === MINUS ? -value : value;
    } else {
      while (offset < end && text.charCodeAt(offset) > SPACE) offset += 1;
      const number = Number(text.slice(from, offset));
      if (!Number.isFinite(number)) return -1;
      fields[count] = number;
    }
    count += 1;
  }
  return count;
}
