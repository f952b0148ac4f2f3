import { OrreryError } from '../contract/errors.ts';
import { parseDurationMs } from '../lib/units.ts';

/** A text and what to call it in messages. */
export interface ConfText {
  name: string;
  text: string;
}

/** A line of one of Slurm's configuration files: its keys in lower case, with their values. */
export interface ConfLine {
  file: string;
  /** The first of them where a backslash joins several. */
  line: number;
  values: ReadonlyMap<string, string>;
  /** The key that comes first, as it is written: what the line is about. */
  subject: string;
}

/** Something of a configuration that changes nothing here, and why. */
export interface IgnoredSetting {
  file: string;
  line: number;
  key: string;
  reason: string;
}

const INCLUDE_DEPTH_MAX = 8;

/**
 * Lines of a configuration file in Slurm's syntax: `Key=Value` pairs with blanks between, keys in any case, values in double quotes where they
 * have blanks, `#` to the end of the line is a comment, a backslash at the end joins the next line, and `Include PATH` stands for another file, which
 * `include` gives; `%c` in it is the cluster's name, where it was given before. Throws ORR_BAD_FILE.
 */
export function confLines(
  source: ConfText,
  include: (path: string) => ConfText | undefined = () => undefined,
  depth = 0,
  outerName = '%c',
): ConfLine[] {
  let clusterName = outerName;
  const lines: ConfLine[] = [];
  const physical = source.text.split(/\r?\n/);
  for (let index = 0; index < physical.length; index++) {
    const line = index + 1;
    let text = withoutComment(physical[index] ?? '');
    while (text.endsWith('\\') && index + 1 < physical.length) {
      index += 1;
      text = text.slice(0, -1) + withoutComment(physical[index] ?? '');
    }
    text = text.trim();
    if (text === '') continue;
    const [, named] = /^include\s+(\S+)$/i.exec(text) ?? [];
    const path = named?.replaceAll('%c', clusterName);
    if (path === undefined) {
      const read = readLine(text, source.name, line);
      clusterName = read.values.get('clustername') ?? clusterName;
      lines.push(read);
      continue;
    }
    const included = include(path);
    if (included === undefined) throw badConf(source.name, line, `Include: there is no file "${path}" to read`);
    if (depth >= INCLUDE_DEPTH_MAX)
      throw badConf(source.name, line, `Include: more than ${INCLUDE_DEPTH_MAX} files deep`);
    const inner = confLines(included, include, depth + 1, clusterName);
    clusterName = inner.findLast(({ values }) => values.has('clustername'))?.values.get('clustername') ?? clusterName;
    for (const each of inner) lines.push(each);
  }
  return lines;
}

function withoutComment(text: string): string {
  return text.replace(/(^|[^\\])#.*$/, '$1').trimEnd();
}

function readLine(text: string, file: string, line: number): ConfLine {
  const values = new Map<string, string>();
  let subject = '';
  let rest = text;
  while (rest !== '') {
    const match = /^([A-Za-z][\w-]*)\s*[-+]?=\s*(?:"([^"]*)"|(\S*))\s*/.exec(rest);
    if (match === null) throw badConf(file, line, `expected Key=Value, got "${rest.slice(0, 40)}"`);
    const [whole, key = '', quoted, plain = ''] = match;
    if (subject === '') subject = key;
    values.set(key.toLowerCase(), quoted ?? plain);
    rest = rest.slice(whole.length);
  }
  return { file, line, values, subject };
}

export function badConf(file: string, line: number, what: string): OrreryError {
  return new OrreryError('ORR_BAD_FILE', `${file}:${line} ${what}`);
}

/** An integer >= `min`; undefined where the key is absent. Throws ORR_BAD_FILE. */
export function integerSetting(from: ConfLine, key: string, min = 0): number | undefined {
  const text = from.values.get(key.toLowerCase());
  if (text === undefined) return undefined;
  const value = Number(text);
  if (/^\d+$/.test(text) && Number.isSafeInteger(value) && value >= min) return value;
  throw badConf(from.file, from.line, `${key}: expected an integer >= ${min}, got "${text}"`);
}

/**
 * A time in Slurm's notation (a plain number is minutes) in seconds; null for UNLIMITED, INFINITE, NONE and -1; undefined where the key is absent.
 * Throws ORR_BAD_FILE.
 */
export function timeSetting(from: ConfLine, key: string): number | null | undefined {
  const text = from.values.get(key.toLowerCase());
  if (text === undefined) return undefined;
  if (/^(?:UNLIMITED|INFINITE|NONE|-1)$/i.test(text)) return null;
  const ms = parseDurationMs(text);
  if (ms === undefined)
    throw badConf(from.file, from.line, `${key}: expected a time such as 1-12:00:00, got "${text}"`);
  return ms / 1000;
}

/** The same, rounded up to whole minutes, as Slurm reads most of its times. */
export function minutesSetting(from: ConfLine, key: string): number | null | undefined {
  const seconds = timeSetting(from, key);
  return typeof seconds === 'number' ? Math.ceil(seconds / 60) * 60 : seconds;
}

/** `OverTimeLimit`, which is whole minutes, in seconds; null for UNLIMITED; undefined where it is absent. Throws ORR_BAD_FILE. */
export function overTimeSetting(from: ConfLine): number | null | undefined {
  const text = from.values.get('overtimelimit') ?? '';
  if (/^(?:UNLIMITED|INFINITE)/i.test(text)) return null;
  // As scontrol shows a partition that has none of its own.
  if (/^NONE$/i.test(text)) return undefined;
  const minutes = integerSetting(from, 'OverTimeLimit');
  return minutes === undefined ? undefined : minutes * 60;
}

/** YES or NO; undefined where the key is absent. Throws ORR_BAD_FILE. */
export function flagSetting(from: ConfLine, key: string): boolean | undefined {
  const text = from.values.get(key.toLowerCase());
  if (text === undefined) return undefined;
  if (/^(?:yes|true|1|up)$/i.test(text)) return true;
  if (/^(?:no|false|0)$/i.test(text)) return false;
  throw badConf(from.file, from.line, `${key}: expected YES or NO, got "${text}"`);
}
