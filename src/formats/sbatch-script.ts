import { OrreryError } from '../contract/errors.ts';
import { type JobSpecInput, jobSpecSchema } from '../contract/job.ts';
import { parseHostList } from './host-list.ts';
import { nearest } from './nearest.ts';
import { APPLIED, type AppliedOption, arityOf, isApplied, NOT_APPLIED, SHORT_OPTIONS } from './sbatch-options.ts';
import { schemaIssues } from './schema-issue.ts';

/** An option as it stands in a script. */
interface Option {
  name: string;
  value: string | undefined;
  /** `job.sh:3:9`. */
  place: string;
}

type Applied = Option & { name: AppliedOption };

export interface SbatchScript {
  /** The job, with the script's whole text as its `script`; what no option says is left out. */
  spec: JobSpecInput;
  /** One line for each option that is known to sbatch and changes nothing here. */
  warnings: string[];
}

/**
 * A batch script with its `#SBATCH` lines, read as sbatch reads them: up to the first line that is neither empty nor a comment, the last of
 * repeated options wins. Throws ORR_BAD_FILE, one line with `file:line:column`, for an option sbatch does not have and a malformed value.
 */
export function parseSbatchScript(text: string, fileName: string): SbatchScript {
  if (!text.startsWith('#!')) {
    throw badFile(`${fileName}:1:1 expected a script whose first line starts with #!, such as #!/bin/bash`);
  }
  const dosBreak = text.indexOf('\r\n');
  if (dosBreak !== -1) {
    const line = text.slice(0, dosBreak).split('\n').length;
    throw badFile(`${fileName}:${line}: DOS line breaks (\\r\\n): convert with dos2unix or sed -i 's/\\r$//'`);
  }
  const warnings: string[] = [];
  const options = new Map<AppliedOption, Applied>();
  for (const option of readOptions(text, fileName)) {
    const { name, place } = option;
    if (isApplied(name)) options.set(name, { ...option, name });
    else warnings.push(`${place} --${name} is not applied`);
  }
  const spec: JobSpecInput = { script: text };
  const sources = new Map<string, Option>();
  for (const option of options.values()) {
    const field = applyOption(spec, option, options, warnings);
    if (field !== undefined) sources.set(field, option);
  }
  if (/^[ \t]*(?:exec[ \t]+)?(?:srun|mpirun)\b/m.test(text)) {
    warnings.push(`${fileName}: every task runs the whole script; srun and mpirun inside it start further copies`);
  }
  const [issue] = schemaIssues(jobSpecSchema, spec);
  if (issue === undefined) return { spec, warnings };
  const source = sources.get(String(issue.path[0]));
  throw badFile(
    source === undefined ? `${fileName}:1:1 ${issue.text}` : `${source.place} --${source.name}: ${issue.text}`,
  );
}

function* readOptions(text: string, fileName: string): Generator<Option> {
  for (const [index, line] of text.split('\n').entries()) {
    if (!line.startsWith('#') && line.trim() !== '') return;
    if (!/^#SBATCH(?:\s|$)/.test(line)) continue;
    const tokens = tokenize(line, (column) => `${fileName}:${index + 1}:${column}`);
    for (let token = tokens.shift(); token !== undefined; token = tokens.shift()) {
      yield readOption(token, tokens);
    }
  }
}

interface Token {
  text: string;
  place: string;
}

/** Words of a line after `#SBATCH`, with shell-like quotes; a word that starts with # begins a comment. */
function tokenize(line: string, placeOf: (column: number) => string): Token[] {
  const tokens: Token[] = [];
  const words = /\s*((?:"[^"]*"|'[^']*'|[^\s"'])+)/y;
  words.lastIndex = '#SBATCH'.length;
  for (let match = words.exec(line); match !== null; match = words.exec(line)) {
    const word = match[1] ?? '';
    if (word.startsWith('#')) return tokens;
    tokens.push({
      text: word.replace(/"([^"]*)"|'([^']*)'/g, '$1$2'),
      place: placeOf(words.lastIndex - word.length + 1),
    });
    if (/^\s*$/.test(line.slice(words.lastIndex))) return tokens;
  }
  if (/^#SBATCH\s*$/.test(line)) return tokens;
  throw badFile(`${placeOf(line.length)} a quote is not closed`);
}

function readOption({ text, place }: Token, rest: Token[]): Option {
  const long = /^--([a-z][a-z0-9-]*)(?:=(.*))?$/s.exec(text);
  const short = /^-([A-Za-z])(.*)$/s.exec(text);
  const name = long?.[1] ?? SHORT_OPTIONS[short?.[1] ?? ''];
  const arity = name === undefined ? undefined : arityOf(name);
  if (name === undefined || arity === undefined) throw badFile(`${place} ${unknownOption(text, name)}`);
  const attached = long ? long[2] : short?.[2] === '' ? undefined : short?.[2];
  if (arity === 'none' && attached !== undefined) throw badFile(`${place} --${name} takes no value`);
  if (arity !== 'required') return { name, value: attached, place };
  const value = attached ?? rest.shift()?.text;
  if (value === undefined || value === '') throw badFile(`${place} --${name} needs a value`);
  return { name, value, place };
}

function unknownOption(text: string, name: string | undefined): string {
  const meant = name === undefined ? undefined : nearest(name, [...Object.keys(APPLIED), ...Object.keys(NOT_APPLIED)]);
  const hint = meant === undefined ? '' : `; did you mean --${meant}?`;
  return text.startsWith('-') ? `${text}: not an option of sbatch${hint}` : `${text}: expected an option of sbatch`;
}

/** Puts one option into the job; returns the field it set. Values that are not numbers are left for the schema to refuse. */
function applyOption(
  spec: JobSpecInput,
  option: Applied,
  options: ReadonlyMap<AppliedOption, Option>,
  warnings: string[],
): keyof JobSpecInput | undefined {
  const { value = '', place } = option;
  switch (option.name) {
    case 'job-name':
      spec.name = value;
      return 'name';
    case 'account':
      spec.account = value;
      return 'account';
    case 'qos':
      spec.qos = value;
      return 'qos';
    case 'array':
      spec.array = value;
      return 'array';
    case 'begin':
      spec.begin = value;
      return 'begin';
    case 'partition':
      spec.partition = value;
      return 'partition';
    case 'reservation':
      spec.reservation = value;
      return 'reservation';
    case 'nice':
      // sbatch without a value: 100.
      spec.nice = integer(option, value === '' ? '100' : value);
      return 'nice';
    case 'nodes':
      spec.nodes = nodeCount(option, warnings);
      return 'nodes';
    case 'cpus-per-task':
      spec.cpus = integer(option, value);
      return 'cpus';
    case 'ntasks-per-node':
    case 'tasks-per-node':
      spec.tasksPerNode = integer(option, value);
      return 'tasksPerNode';
    case 'ntasks':
      if (!options.has('ntasks-per-node')) spec.tasksPerNode = shareOfNode(option, options);
      return 'tasksPerNode';
    case 'gpus-per-node':
      spec.gpusPerNode = gpuCount(option, value, warnings);
      return 'gpusPerNode';
    case 'gpus':
      spec.gpusPerNode = shareOfNode({ ...option, value: String(gpuCount(option, value, warnings)) }, options);
      return 'gpusPerNode';
    case 'gres':
      for (const gres of value.split(',')) {
        if (/^gpu(?::|$)/.test(gres)) spec.gpusPerNode = gpuCount(option, gres.slice(4) || '1', warnings);
        else warnings.push(`${place} --gres=${gres} is not applied`);
      }
      return 'gpusPerNode';
    case 'mem':
      if (value === '0') warnings.push(`${place} --mem=0 (all memory of a node) is not applied`);
      else spec.memory = value;
      return 'memory';
    case 'time':
      spec.time = /^(?:0|UNLIMITED|INFINITE)$/i.test(value) ? 'UNLIMITED' : value;
      return 'time';
    case 'dependency':
      spec.after = value;
      return 'after';
    case 'signal':
      spec.signal = warningSignal(value);
      return 'signal';
    case 'exclude': {
      const names = parseHostList(value);
      if (names === undefined)
        throw badFile(`${place} --exclude: expected a host list such as "n1,n[3-5]", got "${value}"`);
      spec.exclude = names;
      return 'exclude';
    }
    case 'exclusive':
      if (option.value === undefined) spec.exclusive = true;
      else warnings.push(`${place} --exclusive=${value} is not applied`);
      return 'exclusive';
    case 'hold':
      spec.hold = true;
      return 'hold';
    case 'no-requeue':
      spec.maxRequeues = 0;
      return 'maxRequeues';
    case 'requeue':
  }
  // The default here.
  return undefined;
}

function integer({ name, place }: Option, text: string): number {
  if (/^\d{1,15}$/.test(text)) return Number(text);
  throw badFile(`${place} --${name}: expected an integer > 0, got "${text}"`);
}

/** `4`, or `2-4`, of which a gang takes the smaller. */
function nodeCount(option: Option, warnings: string[]): number {
  const [, least, most] = /^(\d+)-(\d+)$/.exec(option.value ?? '') ?? [];
  if (least === undefined || most === undefined) return integer(option, option.value ?? '');
  if (least !== most) warnings.push(`${option.place} --nodes=${least}-${most}: ${least} are asked for`);
  return integer(option, least);
}

/** `4`, or `a100:4`. */
function gpuCount(option: Option, text: string, warnings: string[]): number {
  const [, type, number] = /^(?:([A-Za-z][\w.-]*):)?(\d{1,15})$/.exec(text) ?? [];
  if (number === undefined) {
    throw badFile(`${option.place} --${option.name}: expected [TYPE:]NUMBER of GPUs, got "${text}"`);
  }
  if (type !== undefined) warnings.push(`${option.place} --${option.name}: GPU type ${type} is not applied`);
  return Number(number);
}

/** A total that must divide evenly over the nodes. */
function shareOfNode(option: Option, options: ReadonlyMap<AppliedOption, Option>): number {
  const total = integer(option, option.value ?? '');
  const nodes = nodeCount(options.get('nodes') ?? { ...option, name: 'nodes', value: '1' }, []);
  if (total % nodes === 0) return total / nodes;
  throw badFile(`${option.place} --${option.name}: expected a multiple of the ${nodes} nodes, got ${total}`);
}

/** sbatch's `[R][B]:SIGNAL[@SECONDS]`: each task is signalled here, 60 s before the limit where nothing is said. */
function warningSignal(value: string): string {
  const signal = value.replace(/^[RB]{1,2}:/, '');
  return signal.includes('@') ? signal : `${signal}@60`;
}

function badFile(message: string): OrreryError {
  return new OrreryError('ORR_BAD_FILE', message);
}
