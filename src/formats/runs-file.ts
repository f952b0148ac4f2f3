import type { Precision } from '../cluster/cluster.ts';
import { OrreryError } from '../contract/errors.ts';
import type { Stack } from '../planner/efficiency.ts';
import type { FlopsConvention, Measure, MeasuredRun, RunShape } from '../planner/measured-run.ts';
import type { Recompute } from '../planner/parallelism.ts';
import { type CsvRecord, parseCsv } from './csv.ts';
import { nearest } from './nearest.ts';

/** Columns that a run cannot do without, and every other with what a blank in it means. */
const COLUMNS = [
  'name',
  'source',
  'gpu',
  'gpus_per_node',
  'gpus',
  'network_GBps_per_gpu',
  'nodes_per_leaf',
  'layers',
  'hidden',
  'heads',
  'kv_heads',
  'ffn',
  'gated',
  'positions',
  'vocab',
  'seq',
  'global_batch',
  'micro_batch',
  'tp',
  'pp',
  'dp',
  'cp',
  'interleave',
  'recompute',
  'sequence_parallel',
  'sharding',
  'stack',
  'precision',
  'flops_convention',
  'measured_iteration_s',
  'measured_tflops_per_gpu',
  'measured_tokens_per_s_per_gpu',
  'measured_peak_memory_GiB',
] as const;
type Column = (typeof COLUMNS)[number];
const REQUIRED: readonly Column[] = ['gpu', 'gpus', 'layers', 'hidden', 'heads', 'global_batch'];
const MEASURED: readonly Measure[] = ['iteration_s', 'tflops_per_gpu', 'tokens_per_s_per_gpu', 'peak_memory_GiB'];

const PRECISIONS: readonly Precision[] = ['bf16', 'fp16', 'tf32', 'fp32'];
const RECOMPUTES: readonly Recompute[] = ['none', 'selective', 'full'];
const SHARDINGS = ['none', 'zero1', 'zero2', 'zero3'] as const;
const ZERO_STAGES = { none: 0, zero1: 1, zero2: 2, zero3: 3 } as const;
const FLOPS_CONVENTIONS: readonly FlopsConvention[] = ['sc21', 'model', 'hardware'];
const POSITIONS: readonly RunShape['positions'][] = ['learned', 'rotary'];

/** What spreadsheets and scripts write for a flag. */
const TRUE: ReadonlySet<string> = new Set(['true', '1', 'yes', 'on']);
const FALSE: ReadonlySet<string> = new Set(['false', '0', 'no', 'off']);

/** Names a runs file may use. */
export interface KnownNames {
  gpus: readonly string[];
  stacks: readonly Stack[];
  /** Told of columns that are left unread, one line each. */
  onWarning?: (text: string) => void;
}

/**
 * Measured training runs from a CSV file, in the order of its rows. Throws ORR_BAD_FILE with one line for what is wrong first, such as
 * `runs.csv:12 heads: expected an integer > 0, got "x"`, and how many more there are.
 *
 * A blank or a column left out means: `name` the line, `source` the file; 8 GPUs a node with 25 GB/s each, all under one leaf switch; `kv_heads` as many
 * as heads, `ffn` 4 x hidden, `gated` true where `ffn` is given and is something else (LLaMA and its kin), `positions` rotary if gated, else learned;
 * vocabulary 51,200, sequence 2,048; `tp`, `pp`, `cp` and `interleave` 1, `dp` what the GPUs leave; `micro_batch` unknown; no recompute, no sequence
 * parallelism, no sharding, `megatron-2022` in bf16; the SC'21 convention for FLOP/s.
 */
export function parseRunsFile(text: string, fileName: string, known: KnownNames): MeasuredRun[] {
  const { header, records } = parseCsv(text, fileName);
  const columns = readHeader(header, fileName, known.onWarning ?? (() => {}));
  if (records.length === 0) throw badFile(`${fileName}:${header.line} expected runs below the header, got none`);
  const problems: string[] = [];
  const runs = records.map((record) => readRun(new Row(record, columns, fileName, problems), fileName, known));
  const [first] = problems;
  if (first === undefined) return runs;
  throw badFile(problems.length > 1 ? `${first} (and ${problems.length - 1} more)` : first);
}

/** Columns of the user's own are left unread; one that is nearly a known one is a slip. */
function readHeader(
  { line, fields }: CsvRecord,
  fileName: string,
  onWarning: (text: string) => void,
): ReadonlyMap<string, number> {
  const columns = new Map<string, number>();
  for (const [index, name] of fields.entries()) {
    if (COLUMNS.some((column) => column === name)) {
      if (columns.has(name)) throw badFile(`${fileName}:${line} column "${name}" twice`);
      columns.set(name, index);
      continue;
    }
    const meant = nearest(name, COLUMNS);
    if (meant !== undefined) {
      throw badFile(`${fileName}:${line} unknown column ${JSON.stringify(name)}; did you mean "${meant}"?`);
    }
    if (name !== '') onWarning(`${fileName}:${line} column ${JSON.stringify(name)} is not read`);
  }
  for (const column of REQUIRED)
    if (!columns.has(column)) throw badFile(`${fileName}:${line} column "${column}" missing`);
  if (MEASURED.some((measure) => columns.has(`measured_${measure}`))) return columns;
  const wanted = MEASURED.map((measure) => `measured_${measure}`).join(', ');
  throw badFile(`${fileName}:${line} expected a column of measurements: one of ${wanted}`);
}

/** The cells of a record by column. What is wrong goes on the list, and some valid value stands in for it. */
class Row {
  readonly line: number;
  isSound = true;
  readonly #fields: readonly string[];
  readonly #columns: ReadonlyMap<string, number>;
  readonly #fileName: string;
  readonly #problems: string[];

  constructor({ line, fields }: CsvRecord, columns: ReadonlyMap<string, number>, fileName: string, problems: string[]) {
    this.line = line;
    this.#fields = fields;
    this.#columns = columns;
    this.#fileName = fileName;
    this.#problems = problems;
  }

  /** Empty where the cell is blank or the file has no such column. */
  cell(column: Column): string {
    return this.#fields[this.#columns.get(column) ?? -1]?.trim() ?? '';
  }

  refuse(column: string, what: string): void {
    this.isSound = false;
    this.#problems.push(`${this.#fileName}:${this.line} ${column}: ${what}`);
  }

  /** `fallback` null: must be given. */
  integer(column: Column, fallback: number | null): number {
    return this.#number(column, fallback, 'an integer > 0', (given) => Number.isSafeInteger(given) && given > 0);
  }

  positive(column: Column, fallback: number | null): number {
    return this.#number(column, fallback, 'a number > 0', (given) => given > 0);
  }

  #number(column: Column, fallback: number | null, expected: string, isValid: (value: number) => boolean): number {
    const text = this.cell(column);
    if (text === '' && fallback !== null) return fallback;
    const value = /^[+-]?(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?$/i.test(text) ? Number(text) : Number.NaN;
    if (Number.isFinite(value) && isValid(value)) return value;
    this.refuse(column, text === '' ? `missing: expected ${expected}` : `expected ${expected}, got ${quoted(text)}`);
    return 1;
  }

  choice<Choice extends string>(column: Column, choices: readonly Choice[], fallback: Choice): Choice {
    const text = this.cell(column);
    if (text === '') return fallback;
    const chosen = choices.find((choice) => choice === text.toLowerCase());
    if (chosen === undefined) this.refuse(column, `expected one of ${choices.join(', ')}, got ${quoted(text)}`);
    return chosen ?? fallback;
  }

  flag(column: Column, fallback: boolean): boolean {
    const text = this.cell(column).toLowerCase();
    if (text === '') return fallback;
    if (TRUE.has(text) || FALSE.has(text)) return TRUE.has(text);
    this.refuse(column, `expected true or false, got ${quoted(text)}`);
    return fallback;
  }
}

function readRun(row: Row, fileName: string, known: KnownNames): MeasuredRun {
  const gpus = row.integer('gpus', null);
  const heads = row.integer('heads', null);
  const hidden = row.integer('hidden', null);
  const ffn = row.integer('ffn', 4 * hidden);
  const isGated = row.flag('gated', ffn !== 4 * hidden);
  const microBatch = row.cell('micro_batch') === '' ? null : row.integer('micro_batch', null);
  const [tp, pp, cp] = [row.integer('tp', 1), row.integer('pp', 1), row.integer('cp', 1)];
  const measured: Partial<Record<Measure, number>> = {};
  for (const measure of MEASURED) {
    if (row.cell(`measured_${measure}`) !== '') measured[measure] = row.positive(`measured_${measure}`, null);
  }
  if (row.cell('gpu') === '') row.refuse('gpu', `missing: expected one of ${known.gpus.join(', ')}`);
  const run: MeasuredRun = {
    line: row.line,
    name: row.cell('name') || `line ${row.line}`,
    source: row.cell('source') || fileName,
    gpu: row.choice('gpu', known.gpus, known.gpus[0] ?? ''),
    gpus,
    gpusPerNode: row.integer('gpus_per_node', 8),
    networkBytesPerSecondPerGpu: row.positive('network_GBps_per_gpu', 25) * 1e9,
    nodesPerLeaf: row.integer('nodes_per_leaf', Number.POSITIVE_INFINITY),
    shape: {
      layers: row.integer('layers', null),
      hidden,
      heads,
      kvHeads: row.integer('kv_heads', heads),
      ffn,
      isGated,
      vocab: row.integer('vocab', 51_200),
      positions: row.choice('positions', POSITIONS, isGated ? 'rotary' : 'learned'),
    },
    workload: { sequenceLength: row.integer('seq', 2048), globalBatch: row.integer('global_batch', null) },
    microBatch,
    layout: {
      tp,
      pp,
      cp,
      dp: row.integer('dp', Math.max(1, Math.floor(gpus / (tp * pp * cp)))),
      ep: 1,
      interleave: row.integer('interleave', 1),
      recompute: row.choice('recompute', RECOMPUTES, 'none'),
      sequenceParallel: row.flag('sequence_parallel', false),
      zero: ZERO_STAGES[row.choice('sharding', SHARDINGS, 'none')],
      offload: false,
    },
    stack: row.choice('stack', known.stacks, 'megatron-2022'),
    precision: row.choice('precision', PRECISIONS, 'bf16'),
    flopsConvention: row.choice('flops_convention', FLOPS_CONVENTIONS, 'sc21'),
    measured,
  };
  if (row.isSound) refuseContradictions(row, run);
  return run;
}

/** What no run can have been. Layouts that training software would merely refuse are let through: somebody measured them. */
function refuseContradictions(row: Row, { gpus, shape, workload, microBatch, layout, measured }: MeasuredRun): void {
  const { tp, pp, dp, cp } = layout;
  const { hidden, heads, kvHeads } = shape;
  if (tp * pp * dp * cp !== gpus) {
    row.refuse(
      'gpus',
      `expected tp x pp x dp x cp = ${tp} x ${pp} x ${dp} x ${cp} = ${tp * pp * dp * cp}, got ${gpus}`,
    );
  }
  if (hidden % heads !== 0) row.refuse('heads', `expected a divisor of hidden ${hidden}, got ${heads}`);
  if (heads % kvHeads !== 0) row.refuse('kv_heads', `expected a divisor of heads ${heads}, got ${kvHeads}`);
  if (heads % tp !== 0) row.refuse('tp', `expected a divisor of heads ${heads}, got ${tp}`);
  if (pp > shape.layers) row.refuse('pp', `expected at most layers ${shape.layers}, got ${pp}`);
  if (workload.globalBatch < dp * (microBatch ?? 1)) {
    const least = microBatch === null ? `dp = ${dp}` : `dp x micro_batch = ${dp * microBatch}`;
    row.refuse('global_batch', `expected at least ${least}, got ${workload.globalBatch}`);
  }
  if (Object.keys(measured).length === 0)
    row.refuse('measured_iteration_s', 'expected at least one measurement in the row');
}

function quoted(text: string): string {
  return JSON.stringify(text.length > 60 ? `${text.slice(0, 57)}...` : text);
}

function badFile(message: string): OrreryError {
  return new OrreryError('ORR_BAD_FILE', message);
}
