import { type Command, Option } from 'commander';
import { OrreryError } from '../contract/errors.ts';
import type { JobSpecInput } from '../contract/job.ts';
import { isHandedOn } from '../contract/slurm-options.ts';
import { NOT_APPLIED } from '../formats/sbatch-options.ts';
import { integer } from './command.ts';
import { gpuFields, type JobOptions } from './job-options.ts';

/** What is typed to sbatch and has another name here, or none: understood, and not in the help. */
export interface SlurmWords {
  jobName?: string;
  dependency?: string;
  ntasks?: number;
  gpus?: string;
  /** What is handed on, by the name that commander gives it. */
  [handedOn: string]: unknown;
}

/** `--batch` is a file of jobs here. */
const HANDED_ON = Object.entries(NOT_APPLIED).filter(([name]) => isHandedOn(name) && name !== 'batch');

export function addSlurmWords(command: Command): Command {
  const words = [
    new Option('--job-name <name>'),
    new Option('--dependency <condition>'),
    new Option('-n, --ntasks <n>').argParser(integer(1)),
    new Option('-G, --gpus <n>'),
    ...HANDED_ON.map(([name, arity]) => new Option(arity === 'none' ? `--${name}` : `--${name} <value>`)),
  ];
  for (const word of words) command.addOption(word.hideHelp());
  return command;
}

/** The options of the command line with those that only have another name here under that. */
export function inOurWords<Given extends JobOptions>(options: Given & SlurmWords): Given {
  const name = options.name ?? options.jobName;
  const after = options.after ?? options.dependency;
  return { ...options, ...(name !== undefined && { name }), ...(after !== undefined && { after }) };
}

/** The job with what is said in Slurm's words alone: totals as what each of its nodes has, and what is handed on beside what its script has. */
export function withSlurmWords(job: JobSpecInput, { ntasks, gpus, ...others }: SlurmWords): JobSpecInput {
  const handedOn = HANDED_ON.flatMap(([name]) => {
    const value = others[name.replace(/-(.)/g, (_, letter: string) => letter.toUpperCase())];
    if (value === undefined) return [];
    return [typeof value === 'string' ? `--${name}=${value}` : `--${name}`];
  });
  const onNode = gpuFields('--gpus', gpus);
  const share = (flag: string, total: number | undefined) => shareOfNode(flag, total, job.nodes ?? 1);
  return {
    ...job,
    ...onNode,
    ...(onNode.gpusPerNode !== undefined && { gpusPerNode: share('--gpus', onNode.gpusPerNode) }),
    ...(ntasks !== undefined && { tasksPerNode: share('--ntasks', ntasks) }),
    ...(handedOn.length > 0 && { slurmOptions: [...(job.slurmOptions ?? []), ...handedOn] }),
  };
}

function shareOfNode(flag: string, total: number | undefined, nodes: number): number | undefined {
  if (total === undefined || total % nodes === 0) return total === undefined ? undefined : total / nodes;
  throw new OrreryError('ORR_USAGE', `${flag}: expected a multiple of the ${nodes} nodes, got ${total}`);
}
