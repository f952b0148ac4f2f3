import { OrreryError } from '../contract/errors.ts';
import { csvSeparator } from './delimited-rows.ts';
import { isHelios, readHeliosCsv } from './helios-csv.ts';
import { readJobsCsv } from './jobs-csv.ts';
import { readOpenbCsv } from './openb-csv.ts';
import { readPhillyCsv } from './philly-csv.ts';
import { readPhillyJson } from './philly-json.ts';
import { readSacctDump, sacctSeparator } from './sacct-dump.ts';
import { readSacctJson } from './sacct-json.ts';
import { readSwf } from './swf.ts';
import type { TraceFormat, TraceReading, TraceReadOptions } from './trace-row.ts';

/** A trace of whichever format its first line shows. Throws ORR_BAD_FILE where it shows none; bad records are in the reading. */
export function readTrace(given: string, fileName: string, options: TraceReadOptions = {}): TraceReading {
  const text = plainText(given);
  switch (traceFormat(text)) {
    case 'swf':
      return readSwf(text, options);
    case 'sacct':
      return readSacctDump(text, fileName);
    case 'sacct-json':
      return readSacctJson(text, fileName);
    case 'philly':
      return readPhillyCsv(text, options);
    case 'philly-json':
      return readPhillyJson(text, fileName, options);
    case 'helios':
      return readHeliosCsv(text);
    case 'openb':
      return readOpenbCsv(text, options);
    case 'csv':
      return readJobsCsv(text, fileName);
    default:
      throw unknownFormat(text, fileName);
  }
}

function unknownFormat(text: string, fileName: string): OrreryError {
  const csv = 'a CSV with the columns job,submit_s,nodes,gpus_per_node,runtime_s';
  const known = `SWF, the output of sacct -P or sacct --json, a CSV of Philly, Helios, Acme or openb, the JSON of Philly, or ${csv}`;
  const first = firstLine(text);
  const hint = HINTS.find(([pattern]) => pattern.test(first))?.[1];
  if (hint !== undefined) return new OrreryError('ORR_BAD_FILE', `${fileName}:1 ${hint}`);
  const found = first === '' ? 'an empty file' : `a first line ${JSON.stringify(first.slice(0, 60))}`;
  return new OrreryError('ORR_BAD_FILE', `${fileName}:1 expected a trace (${known}), got ${found}`);
}

/** The format that the first line that is not blank shows; undefined for none. */
export function traceFormat(text: string): TraceFormat | undefined {
  const first = firstLine(text);
  if (first.startsWith(';') || /^-?\d+(?:\s+-?[\d.]+){4,}$/.test(first)) return 'swf';
  if (first.startsWith('{')) return 'sacct-json';
  if (first.startsWith('[')) return /"submitted_time"/.test(text.slice(0, PHILLY_BEGIN)) ? 'philly-json' : undefined;
  const lower = first.toLowerCase();
  if (sacctSeparator(lower) !== undefined) return 'sacct';
  const separator = csvSeparator(lower);
  const columns = new Set(lower.split(separator).map((name) => name.trim().replace(/^"(.*)"$/, '$1')));
  if (isHelios(columns)) return separator === ',' ? 'helios' : undefined;
  const isOwn = ['job', 'submit_s', 'runtime_s'].some((name) => columns.has(name));
  if (separator !== ',') return isOwn ? 'csv' : undefined;
  if (columns.has('pod_phase') && columns.has('creation_time')) return 'openb';
  if (columns.has('timestamp') && columns.has('num_gpus') && columns.has('duration')) return 'philly';
  return isOwn ? 'csv' : undefined;
}

/** Within so many characters of its begin a list of Philly's jobs shows the first one's time, after all of its attempts. */
const PHILLY_BEGIN = 1_000_000;

/** What is near to a trace, and how to make one of it. */
const HINTS: readonly (readonly [RegExp, string])[] = [
  [/^jobid(?:raw)?\s+\w/i, 'expected the output of sacct with -P (--parsable2), got its table for people'],
  [/^\d+(?:_\d+)?\|/, 'expected a header as the first line, got a record of sacct: print it without -n (--noheader)'],
];

/** Without a byte order mark, and with the line ends of today where it has those of old Macs alone. */
function plainText(text: string): string {
  const whole = text.startsWith('\uFEFF') ? text.slice(1) : text;
  return whole.includes('\n') ? whole : whole.replaceAll('\r', '\n');
}

function firstLine(text: string): string {
  return /\S.*/.exec(text.startsWith('\uFEFF') ? text.slice(1) : text)?.[0].trim() ?? '';
}
