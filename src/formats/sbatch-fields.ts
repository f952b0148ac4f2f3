import { OrreryError } from '../contract/errors.ts';
import type { JobSpecInput } from '../contract/job.ts';
import { splitGres } from './gres-list.ts';
import { parseHostList } from './host-list.ts';
import type { AppliedOption } from './sbatch-options.ts';

/** An option as it stands in a script. */
export interface Option {
  name: string;
  value: string | undefined;
  /** `job.sh:3:9`. */
  place: string;
}

export type Applied = Option & { name: AppliedOption };

/** Puts one option into the job; returns the field it set. Values that are not numbers are left for the schema to refuse. */
export function applyOption(
  spec: JobSpecInput,
  option: Applied,
  options: ReadonlyMap<AppliedOption, Option>,
  warnings: string[],
): keyof JobSpecInput | undefined {
  const { value = '' } = option;
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
    case 'constraint':
      spec.constraint = value;
      return 'constraint';
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
    case 'gpus-per-task':
    case 'cpus-per-gpu':
    case 'ntasks-per-gpu':
      // Of the others, once all of them are read.
      return undefined;
    case 'ntasks':
      if (!options.has('ntasks-per-node') && !options.has('tasks-per-node'))
        spec.tasksPerNode = shareOfNode(option, options, warnings);
      return 'tasksPerNode';
    case 'gpus-per-node':
      spec.gpusPerNode = gpuCount(spec, option, value);
      return 'gpusPerNode';
    case 'gpus':
      spec.gpusPerNode = shareOfNode({ ...option, value: String(gpuCount(spec, option, value)) }, options, warnings);
      return 'gpusPerNode';
    case 'gres': {
      const { gpus, others } = splitGres(value);
      if (gpus !== undefined) spec.gpusPerNode = gpuCount(spec, option, gpus);
      if (others !== '') spec.gres = others;
      return 'gres';
    }
    case 'mem':
      spec.memory = value;
      return 'memory';
    case 'mem-per-cpu':
      spec.memoryPerCpu = value;
      return 'memoryPerCpu';
    case 'mem-per-gpu':
      spec.memoryPerGpu = value;
      return 'memoryPerGpu';
    case 'licenses':
      spec.licenses = value;
      return 'licenses';
    case 'switches':
      spec.switches = value;
      return 'switches';
    case 'comment':
      spec.comment = value;
      return 'comment';
    case 'time':
      spec.time = /^(?:0|UNLIMITED|INFINITE)$/i.test(value) ? 'UNLIMITED' : value;
      return 'time';
    case 'dependency':
      spec.after = value;
      return 'after';
    case 'signal':
      spec.signal = warningSignal(value);
      return 'signal';
    case 'exclude':
      spec.exclude = nodeNames(option);
      return 'exclude';
    case 'nodelist':
      spec.nodelist = nodeNames(option);
      spec.nodes ??= nodesOf(options);
      return 'nodelist';
    case 'exclusive':
      // Of a user's own, or of an MCS label: for Slurm to understand.
      if (option.value === undefined) spec.exclusive = true;
      return 'exclusive';
    case 'export':
      spec.env = exportedVariables(option, warnings);
      return 'env';
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

/** What is said for each GPU, or for each task, as what is meant for each node and each task by what else the script says. */
export function applyShares(spec: JobSpecInput, options: ReadonlyMap<AppliedOption, Option>): void {
  const perTask = options.get('gpus-per-task');
  if (perTask !== undefined) {
    const gpus = gpuCount(spec, perTask, perTask.value ?? '');
    const { gpusPerNode: onNode } = spec;
    spec.tasksPerNode ??= onNode === undefined ? 1 : quotient(perTask, onNode, gpus);
    spec.gpusPerNode ??= gpus * spec.tasksPerNode;
  }
  const tasks = options.get('ntasks-per-gpu');
  if (tasks !== undefined) spec.tasksPerNode ??= integer(tasks, tasks.value ?? '') * gpusFor(tasks, spec);
  const cpus = options.get('cpus-per-gpu');
  if (cpus === undefined) return;
  const gpus = gpusFor(cpus, spec);
  spec.cpus ??= quotient(cpus, integer(cpus, cpus.value ?? '') * gpus, spec.tasksPerNode ?? gpus);
}

function gpusFor({ name, place }: Option, { gpusPerNode = 0 }: JobSpecInput): number {
  if (gpusPerNode > 0) return gpusPerNode;
  throw badFile(`${place} --${name}: expected a job with GPUs`);
}

/** Of a node, for each of so many. */
function quotient({ name, place, value }: Option, total: number, count: number): number {
  if (count > 0 && total % count === 0) return total / count;
  throw badFile(`${place} --${name}=${value}: does not divide what a node has evenly, ${total} among ${count}`);
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

/** `4`, or `a100:4`, whose type the job has then. */
function gpuCount(spec: JobSpecInput, option: Option, text: string): number {
  const [, type, number] = /^(?:([A-Za-z][\w.-]*):)?(\d{1,15})$/.exec(text) ?? [];
  if (number === undefined) {
    throw badFile(`${option.place} --${option.name}: expected [TYPE:]NUMBER of GPUs, got "${text}"`);
  }
  if (type !== undefined) spec.gpuType = type;
  return Number(number);
}

function nodeNames({ name, place, value = '' }: Option): string[] {
  const names = parseHostList(value);
  if (names !== undefined) return names;
  throw badFile(`${place} --${name}: expected a host list such as "n1,n[3-5]", got "${value}"`);
}

/** As many as are asked for, else as are named, else one. */
function nodesOf(options: ReadonlyMap<AppliedOption, Option>): number {
  const [nodes, nodelist] = [options.get('nodes'), options.get('nodelist')];
  if (nodes !== undefined) return nodeCount(nodes, []);
  return nodelist === undefined ? 1 : new Set(nodeNames(nodelist)).size;
}

/** A total that must divide evenly over the nodes. */
function shareOfNode(option: Option, options: ReadonlyMap<AppliedOption, Option>, warnings: string[]): number {
  const total = integer(option, option.value ?? '');
  const nodes = nodesOf(options);
  if (total > 1 && !options.has('nodes') && !options.has('nodelist'))
    warnings.push(`${option.place} --${option.name}=${option.value}: all on one node, since --nodes says no more`);
  if (total % nodes === 0) return total / nodes;
  throw badFile(`${option.place} --${option.name}: expected a multiple of the ${nodes} nodes, got ${total}`);
}

/** Signals as numbers, on Linux. */
const SIGNAL_NAMES: Readonly<Record<string, string>> = {
  1: 'HUP',
  2: 'INT',
  3: 'QUIT',
  10: 'USR1',
  12: 'USR2',
  14: 'ALRM',
  15: 'TERM',
  18: 'CONT',
};

/** sbatch's `[R][B]:SIGNAL[@SECONDS]`: 60 s before the limit where nothing is said. */
function warningSignal(value: string): string {
  const [, flags = '', signal = '', seconds = '60'] = /^(?:([RB]{1,2}):)?([^@]*)(?:@(.*))?$/s.exec(value) ?? [];
  return `${flags.includes('B') ? 'B:' : ''}${SIGNAL_NAMES[signal] ?? signal.toUpperCase()}@${seconds}`;
}

/** `ALL,SEED=1`: what has a value. The rest of the environment goes along in any case. */
function exportedVariables({ value = '', place }: Option, warnings: string[]): Record<string, string> {
  const [first = '', ...others] = value.split(',');
  const isAll = first === 'ALL';
  if (!isAll) warnings.push(`${place} --export=${first}: the rest of the environment goes along too`);
  const assignments = (isAll ? others : [first, ...others]).filter((part) => part.includes('='));
  return Object.fromEntries(
    assignments.map((part) => [part.slice(0, part.indexOf('=')), part.slice(part.indexOf('=') + 1)]),
  );
}

export function badFile(message: string): OrreryError {
  return new OrreryError('ORR_BAD_FILE', message);
}
