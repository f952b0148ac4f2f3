import type { Command } from 'commander';
import type { JobSpecInput } from '../contract/job.ts';
import { OrreryError } from '../contract/errors.ts';
import { HETEROGENEOUS } from '../formats/heterogeneous.ts';
import { splitGres } from '../formats/gres-list.ts';
import { parseHostList } from '../formats/host-list.ts';

/** As commander hands them over. */
export interface JobOptions {
  nodes?: number;
  gpusPerNode?: string;
  ntasksPerNode?: number;
  cpusPerTask?: number;
  mem?: string;
  memPerCpu?: string;
  memPerGpu?: string;
  time?: string;
  name?: string;
  account?: string;
  qos?: string;
  partition?: string;
  reservation?: string;
  array?: string;
  priority?: number;
  nice?: number;
  env?: string[];
  secret?: string[];
  after?: string;
  begin?: string;
  signal?: string;
  image?: string;
  hangAfter?: string;
  maxRequeues?: number;
  exclude?: string[];
  nodelist?: string[];
  constraint?: string;
  licenses?: string;
  gres?: string;
  switches?: string;
  comment?: string;
  exclusive?: boolean;
  hold?: boolean;
  once?: boolean;
}

/** The fields of a job that the flags set, as written: whether a job may have them is for the daemon to say. */
export function fieldsFromOptions(options: JobOptions): JobSpecInput {
  const fields: Record<string, unknown> = {
    nodes: options.nodes,
    ...gpuFields('--gpus-per-node', options.gpusPerNode),
    ...gresFields(options.gres),
    tasksPerNode: options.ntasksPerNode,
    cpus: options.cpusPerTask,
    memory: options.mem,
    memoryPerCpu: options.memPerCpu,
    memoryPerGpu: options.memPerGpu,
    time: options.time,
    name: options.name,
    account: options.account,
    qos: options.qos,
    partition: options.partition,
    reservation: options.reservation,
    array: options.array,
    priority: options.priority,
    nice: options.nice,
    env: options.env && Object.fromEntries(options.env.map(splitAssignment)),
    secrets: options.secret,
    after: options.after,
    begin: options.begin,
    signal: options.signal,
    image: options.image,
    hangAfter: options.hangAfter,
    maxRequeues: options.maxRequeues,
    exclude: options.exclude?.flatMap((text) => nodeNames('--exclude', text)),
    nodelist: options.nodelist?.flatMap((text) => nodeNames('--nodelist', text)),
    constraint: options.constraint,
    licenses: options.licenses,
    switches: options.switches,
    comment: options.comment,
    exclusive: options.exclusive,
    hold: options.hold,
    once: options.once,
  };
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined));
}

/** `8`, or `a100:8` for a type; anything else is left for the daemon to refuse. */
export function gpuFields(flag: string, text: string | undefined): Pick<JobSpecInput, 'gpusPerNode' | 'gpuType'> {
  const [, type, count] = /^(?:([A-Za-z][\w.-]*):)?(\d{1,6})$/.exec(text ?? '') ?? [];
  if (text === undefined) return {};
  if (count === undefined) {
    throw new OrreryError(
      'ORR_USAGE',
      `${flag}: expected an integer, or TYPE:N such as a100:8, got ${JSON.stringify(text)}`,
    );
  }
  return { gpusPerNode: Number(count), ...(type !== undefined && { gpuType: type }) };
}

/** `gpu:a100:8` is what `--gpus-per-node a100:8` is. */
function gresFields(text: string | undefined): Record<string, unknown> {
  if (text === undefined) return {};
  const { gpus, others } = splitGres(text);
  return { ...gpuFields('--gres', gpus), ...(others !== '' && { gres: others }) };
}

function splitAssignment(text: string): [string, string] {
  const equals = text.indexOf('=');
  if (equals > 0) return [text.slice(0, equals), text.slice(equals + 1)];
  throw new OrreryError('ORR_USAGE', `--env: expected NAME=VALUE, got ${JSON.stringify(text)}`);
}

function nodeNames(flag: string, text: string): string[] {
  const names = parseHostList(text);
  if (names !== undefined) return names;
  throw new OrreryError('ORR_USAGE', `${flag}: expected node names such as n1,n[3-5], got ${JSON.stringify(text)}`);
}

/**
 * A job as written in a file with the flags of the command line on top. `env` and `secrets` add up, the flag's value winning; nodes that are named
 * are as many as the job has at least, and memory is said in one way.
 */
export function withFields(job: JobSpecInput, fields: JobSpecInput): JobSpecInput {
  const isMemory = MEMORY_FIELDS.some((field) => fields[field] !== undefined);
  return {
    ...(isMemory ? Object.fromEntries(Object.entries(job).filter(([field]) => !isMemoryField(field))) : job),
    ...fields,
    ...(fields.nodelist && { nodes: fields.nodes ?? Math.max(job.nodes ?? 1, new Set(fields.nodelist).size) }),
    ...(fields.env ? { env: { ...job.env, ...fields.env } } : {}),
    ...(fields.secrets ? { secrets: [...new Set([...(job.secrets ?? []), ...fields.secrets])] } : {}),
  };
}

const MEMORY_FIELDS = ['memory', 'memoryPerCpu', 'memoryPerGpu'] as const;

function isMemoryField(field: string): boolean {
  return MEMORY_FIELDS.some((other) => other === field);
}

/** Words after the options of `orrery run`. */
export type RunTarget =
  | { kind: 'command'; argv: string[] }
  | { kind: 'job file'; path: string }
  | { kind: 'script'; path: string; arguments: string[] };

/** Endings of batch scripts. */
const SCRIPT = /\.(?:sh|bash|sbatch|slurm|batch|job)$/;

/**
 * What the words name: after `--` always a command; else a lone job file or a script by its ending, whose arguments stand behind a `--`; else a
 * command.
 */
export function runTarget(words: readonly string[], isAfterDashes: boolean): RunTarget {
  const [first = '', dashes, ...rest] = words;
  if (!isAfterDashes && (dashes === undefined || dashes === '--')) {
    if (/\.ya?ml$/.test(first) && rest.length === 0) return { kind: 'job file', path: first };
    if (SCRIPT.test(first)) return { kind: 'script', path: first, arguments: rest };
  }
  return { kind: 'command', argv: [...words] };
}

/**
 * Options end at the first word, so that those of the job's own command are left alone. Behind a job file or script there is no
 * command: what follows is read as options after all (`orrery run job.yaml --wait`), up to a `--`.
 */
export function absorbOptionsAfterFile(command: Command, words: readonly string[], isAfterDashes: boolean): string[] {
  const [first, ...rest] = words;
  if (first === undefined || isAfterDashes || rest.length === 0) return [...words];
  const { kind } = runTarget([first], false);
  if (kind === 'command') return [...words];
  const dashes = rest.indexOf('--');
  const options = dashes === -1 ? rest : rest.slice(0, dashes);
  const { operands, unknown } = command.parseOptions(options);
  const [extra] = [...operands, ...unknown, ...(kind === 'job file' && dashes !== -1 ? rest.slice(dashes) : [])];
  if (extra === ':') throw new OrreryError('ORR_USAGE', `${first} : ...: ${HETEROGENEOUS}`);
  if (extra !== undefined) {
    const takes = kind === 'script' ? `takes its arguments behind a --` : `takes no arguments`;
    const hint = kind === 'script' ? `orrery run ${first} -- ${extra}` : 'put -- in front of a command';
    throw new OrreryError('ORR_USAGE', `${first} ${takes}, got ${JSON.stringify(extra)}: ${hint}`);
  }
  return dashes === -1 ? [first] : [first, ...rest.slice(dashes)];
}
