import { fieldsOf, linesOfList, parseJson, textOf } from './json-list.ts';
import {
  GPUS_PER_NODE,
  PLAIN_ROW,
  parseCivilMs,
  TraceCollector,
  type TraceReading,
  type TraceReadOptions,
  type TraceRow,
} from './trace-row.ts';

const OUTCOMES: Readonly<Record<string, TraceRow['outcome']>> = {
  Pass: 'COMPLETED',
  Failed: 'FAILED',
  Killed: 'CANCELLED',
};

/**
 * `cluster_job_log` of the Philly trace as published (Jeon et al., ATC'19): a list of jobs with `status`, `vc`, `jobid`, `attempts`,
 * `submitted_time` and `user`. Of a job that was tried again the last attempt counts, from when the job was submitted. Virtual clusters become
 * accounts; there are no time limits. Throws ORR_BAD_FILE where the text is no JSON.
 */
export function readPhillyJson(text: string, fileName: string, options: TraceReadOptions = {}): TraceReading {
  const list = parseJson(text, fileName);
  const collector = new TraceCollector();
  const lines = linesOfList(text, null);
  const jobs: readonly unknown[] = Array.isArray(list) ? list : [];
  for (const [index, entry] of jobs.entries()) {
    addJob(fieldsOf(entry), lines[index] ?? 1, collector, options.gpusPerNode ?? GPUS_PER_NODE);
  }
  return collector.reading('philly-json', { isUnixTime: true });
}

function addJob(
  fields: ReturnType<typeof fieldsOf>,
  line: number,
  collector: TraceCollector,
  gpusPerNode: number,
): void {
  const reject = (reason: string, found: string) => collector.reject(line, reason, found);
  const job = textOf(fields['jobid']) ?? String(line);
  const submitMs = timeOf(fields['submitted_time']);
  if (submitMs === null) {
    return reject(
      'submitted_time is not a date such as 2017-10-07 01:11:39',
      JSON.stringify(fields['submitted_time'] ?? null),
    );
  }
  const status = textOf(fields['status']) ?? '';
  const outcome = OUTCOMES[status];
  if (outcome === undefined) return reject('status is not Pass, Failed or Killed', `"${status}"`);
  const attempts = (Array.isArray(fields['attempts']) ? fields['attempts'] : []).map(fieldsOf);
  const last = attempts.at(-1);
  if (last === undefined) return reject('it was never scheduled', `${job}, ${status}`);
  const [startMs, endMs] = [timeOf(last['start_time']), timeOf(last['end_time'])];
  if (startMs === null) return reject('run time is not known', job);
  if (endMs === null) return reject('it has not ended', job);
  if (endMs === startMs) return reject('run time is zero', job);
  if (endMs < startMs) return reject('it ends before it starts', job);
  const gpus = gpusOf(last['detail']);
  if (gpus === 0) return reject('number of GPUs is not known', job);
  const size = collector.sizeFor(gpus, gpusPerNode);
  if (attempts.length > 1) collector.note('was tried again: its last attempt counts');
  collector.add({
    ...PLAIN_ROW,
    ...size,
    line,
    job,
    submitMs,
    actualStartMs: timeOf(attempts[0]?.['start_time']) ?? startMs,
    runMs: endMs - startMs,
    user: textOf(fields['user']),
    account: textOf(fields['vc']),
    outcome,
  });
}

/** Null for `None` and nothing. */
function timeOf(value: unknown): number | null {
  return typeof value === 'string' ? (parseCivilMs(value) ?? null) : null;
}

/** On all machines of an attempt. */
function gpusOf(detail: unknown): number {
  if (!Array.isArray(detail)) return 0;
  return detail.reduce<number>((sum, machine: unknown) => {
    const { gpus } = fieldsOf(machine);
    return sum + (Array.isArray(gpus) ? gpus.length : 0);
  }, 0);
}
