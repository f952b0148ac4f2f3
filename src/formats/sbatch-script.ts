import { type JobSpecInput, jobSpecSchema } from '../contract/job.ts';
import { isHandedOn } from '../contract/slurm-options.ts';
import { HETEROGENEOUS } from './heterogeneous.ts';
import { nearest } from './nearest.ts';
import { type Applied, applyOption, applyShares, badFile, type Option } from './sbatch-fields.ts';
import {
  APPLIED,
  type AppliedOption,
  arityOf,
  INSTEAD,
  isApplied,
  NOT_APPLIED,
  SHORT_OPTIONS,
} from './sbatch-options.ts';
import { schemaIssues } from './schema-issue.ts';

export interface SbatchScript {
  /** The job, with the script's whole text as its `script`; what no option says is left out. */
  spec: JobSpecInput;
  /** One line for each option that is known to sbatch and changes nothing here. */
  warnings: string[];
  /** The same for those that are handed on to Slurm, for where there is none. */
  slurmWarnings: string[];
}

/**
 * A batch script with its `#SBATCH` lines, read as sbatch reads them: up to the first line that is neither empty nor a comment, the last of
 * repeated options wins. With such lines and a launcher of ranks in it, or a signal for itself, it runs once, as by sbatch; else it is the program of
 * each rank. Throws ORR_BAD_FILE, one line with `file:line:column`, for an option sbatch does not have and a malformed value.
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
  const slurmWarnings: string[] = [];
  const handedOn = new Map<string, string>();
  for (const option of readOptions(text, fileName)) {
    const { name, place, value } = option;
    if (isApplied(name)) options.set(name, { ...option, name });
    if (isHandedOn(name) && (name !== 'exclusive' || value !== undefined)) {
      handedOn.set(name, value === undefined ? `--${name}` : `--${name}=${value}`);
      if (!isApplied(name)) slurmWarnings.push(`${place} --${name} is not applied on this machine${instead(name)}`);
    } else if (!isApplied(name) && `${name}=${value}` !== 'open-mode=append') {
      warnings.push(`${place} --${name} is not applied${instead(name)}`);
    }
  }
  const spec: JobSpecInput = { script: text };
  if (handedOn.size > 0) spec.slurmOptions = [...handedOn.values()];
  const sources = new Map<string, Option>();
  for (const option of options.values()) {
    const field = applyOption(spec, option, options, warnings);
    if (field !== undefined) sources.set(field, option);
  }
  applyShares(spec, options);
  if (IS_BATCH.test(text) && (startsRanks(text) || spec.signal?.startsWith('B:'))) spec.once = true;
  const ranks = rankWarning(spec);
  if (ranks !== null) warnings.push(`${fileName}: ${ranks}`);
  const [issue] = schemaIssues(jobSpecSchema, spec);
  if (issue === undefined) return { spec, warnings, slurmWarnings };
  const source = sources.get(String(issue.path[0]));
  throw badFile(
    source === undefined ? `${fileName}:1:1 ${issue.text}` : `${source.place} --${source.name}: ${issue.text}`,
  );
}

const IS_BATCH = /^#SBATCH\s/m;

/** What starts ranks from within a script. */
const LAUNCHERS =
  /\b(?:srun|mpirun|mpiexec|torchrun|deepspeed|horovodrun|colossalai|accelerate\s+launch|torch\.distributed\.(?:run|launch))\b/;

/** Outside of its comments. */
function startsRanks(script: string): boolean {
  return LAUNCHERS.test(script.replace(/^[ \t]*#.*$/gm, ''));
}

/** Null where it is plain which processes run the script. */
function rankWarning({
  script = '',
  once = false,
  nodes = 1,
  gpusPerNode = 1,
  tasksPerNode,
}: JobSpecInput): string | null {
  if (once) return null;
  if (callsSrun(script))
    return 'every rank runs the whole script, and srun in it would start more: --once runs it once, as sbatch does';
  if (IS_BATCH.test(script) && nodes * (tasksPerNode ?? gpusPerNode) > 1)
    return 'every rank runs the whole script, since nothing in it starts ranks: --once runs it once, as sbatch does';
  return null;
}

/** Whether a line of the script begins with a call of srun, or of mpirun, which under Slurm is much the same. */
export function callsSrun(script: string): boolean {
  return /^[ \t]*(?:exec[ \t]+|time[ \t]+)?(?:srun|mpirun)\b/m.test(script);
}

function instead(name: string): string {
  const words = Object.hasOwn(INSTEAD, name) ? INSTEAD[name] : undefined;
  return words === undefined ? '' : `: ${words}`;
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
  if (text === 'hetjob' || text === 'packjob') return `${text}: ${HETEROGENEOUS}`;
  const meant = name === undefined ? undefined : nearest(name, [...Object.keys(APPLIED), ...Object.keys(NOT_APPLIED)]);
  const hint = meant === undefined ? '' : `; did you mean --${meant}?`;
  return text.startsWith('-') ? `${text}: not an option of sbatch${hint}` : `${text}: expected an option of sbatch`;
}
