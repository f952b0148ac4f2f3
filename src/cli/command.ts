import { type Command, InvalidArgumentError } from 'commander';
import { throwUsage } from './usage-words.ts';
import type { JobName } from '../contract/client.ts';
import { parseJobReference } from '../contract/job-array.ts';

export interface CommandHelp {
  summary: string;
  /** Lines that run as they stand, each with what it does. */
  examples: readonly (readonly [line: string, effect: string])[];
}

/** Every command has `--json`, `--debug` and runnable examples. */
export function defineCommand(parent: Command, usage: string, help: CommandHelp): Command {
  const width = Math.max(...help.examples.map(([line]) => line.length));
  const examples = help.examples.map(([line, effect]) => `  ${line.padEnd(width)}  # ${effect}`);
  const command = parent.command(usage);
  return command
    .exitOverride(throwUsage(command))
    .description(help.summary)
    .addHelpText('after', `\nExamples:\n${examples.join('\n')}`)
    .option('--json', 'print one JSON document on stdout')
    .option('--debug', 'show the stack of an error');
}

/** A group of commands that does nothing by itself. */
export function defineGroup(parent: Command, name: string, summary: string): Command {
  const group = parent.command(name).description(summary);
  return group.exitOverride(throwUsage(group));
}

/** Option parser for whole numbers within bounds. */
export function integer(min: number, max = Number.MAX_SAFE_INTEGER): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (/^-?\d+$/.test(text) && value >= min && value <= max) return value;
    const range = max === Number.MAX_SAFE_INTEGER ? `>= ${min}` : `between ${min} and ${max}`;
    throw new InvalidArgumentError(`Expected an integer ${range}.`);
  };
}

/** Option or argument parser for a job id, or a task of an array. */
export function jobName(text: string): JobName {
  const reference = parseJobReference(text);
  if (reference === null)
    throw new InvalidArgumentError('Expected a job id such as 12, or 12_3 for a task of an array.');
  return reference.taskId === null ? reference.jobId : text;
}

/** Argument parser for one or more of them. */
export function jobNames(text: string, previous: JobName[] | undefined): JobName[] {
  return [...(previous ?? []), jobName(text)];
}

/** Option parser for lists: `a,b` and repetition both add. */
export function list(text: string, previous: string[] | undefined): string[] {
  return [...(previous ?? []), ...text.split(',').filter((part) => part !== '')];
}

/** Option parser for an option that may be repeated. */
export function repeated(text: string, previous: string[] | undefined): string[] {
  return [...(previous ?? []), text];
}
