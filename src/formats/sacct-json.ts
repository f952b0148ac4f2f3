import { OrreryError } from '../contract/errors.ts';
import { type Fields, fieldsOf, linesOfList, parseJson, textOf } from './json-list.ts';
import { askedOf, gpusOf, nodesAskedOf, SacctJobs, stateWord } from './sacct-job.ts';
import type { TraceReading } from './trace-row.ts';

const MINUTE_MS = 60_000;
const MEBI = 1024 ** 2;
/** Slurm's NO_VAL and above: not set, or infinite. */
const NO_VALUE = 0xff_ff_ff_fe;

/**
 * What `sacct --json` prints, of Slurm 21.08 and later: numbers plain or as `{set, infinite, number}`, a state as a word or a list of them.
 * Throws ORR_BAD_FILE where the text is no JSON or has no `jobs`.
 */
export function readSacctJson(text: string, fileName: string): TraceReading {
  const list = fieldsOf(parseJson(text, fileName))['jobs'];
  if (!Array.isArray(list)) {
    throw new OrreryError(
      'ORR_BAD_FILE',
      `${fileName}:1 expected the output of sacct --json: an object with a list "jobs"`,
    );
  }
  const jobs = new SacctJobs();
  const lines = linesOfList(text, 'jobs');
  list.forEach((entry: unknown, index) => addJob(fieldsOf(entry), lines[index] ?? 1, jobs));
  return jobs.reading('sacct-json');
}

function addJob(job: Fields, line: number, jobs: SacctJobs): void {
  const jobId = idOf(job);
  if (jobId === null) return jobs.reject(line, 'job_id is not one of a job', JSON.stringify(job['job_id'] ?? null));
  const time = fieldsOf(job['time']);
  const submit = secondsOf(time['submission']);
  if (submit === null)
    return jobs.reject(line, 'time.submission is not a Unix time', JSON.stringify(time['submission'] ?? null));
  const tres = fieldsOf(job['tres']);
  const allocated = tresOf(tres['allocated']);
  const requested = tresOf(tres['requested']);
  const held = allocated.size > 0 ? allocated : requested;
  const limitMinutes = numberOf(time['limit']);
  const memoryMebi = held.get('mem');
  jobs.add({
    line,
    jobId,
    state: stateOf(job['state'] ?? job['job_state']),
    submitMs: submit * 1000,
    eligibleMs: milliseconds(secondsOf(time['eligible'])),
    startMs: milliseconds(secondsOf(time['start'])),
    endMs: milliseconds(secondsOf(time['end'])),
    elapsedMs: milliseconds(numberOf(time['elapsed'])),
    limitMs: limitMinutes === null ? null : limitMinutes * MINUTE_MS,
    nodes: held.get('node') ?? numberOf(job['allocation_nodes']),
    cpus: held.get('cpu') ?? null,
    memoryBytes: memoryMebi === undefined ? null : memoryMebi * MEBI,
    gpus: gpusOf(held).gpus,
    nodesAsked: nodesAskedOf(held, requested),
    asked: askedOf(held, mebiAsBytes(requested)),
    gpuType: gpusOf(requested).gpuType,
    user: textOf(job['user']) ?? textOf(fieldsOf(job['association'])['user']),
    account: textOf(job['account']),
    qos: textOf(job['qos']),
    partition: textOf(job['partition']),
    reservation: textOf(fieldsOf(job['reservation'])['name']),
  });
}

function idOf(job: Fields): string | null {
  const id = numberOf(job['job_id']);
  if (id === null || id < 1) return null;
  const array = fieldsOf(job['array']);
  const task = numberOf(array['task_id']);
  const arrayId = numberOf(array['job_id']) ?? 0;
  if (arrayId > 0 && task !== null) return `${arrayId}_${task}`;
  const het = fieldsOf(job['het']);
  const hetId = numberOf(het['job_id']) ?? 0;
  return hetId > 0 ? `${hetId}+${numberOf(het['job_offset']) ?? 0}` : String(id);
}

function stateOf(state: unknown): string {
  if (typeof state === 'string') return stateWord(state);
  // A list is the state and its flags.
  if (Array.isArray(state)) return stateOf(state[0]);
  return typeof state === 'object' && state !== null ? stateOf(fieldsOf(state)['current']) : '';
}

function tresOf(list: unknown): Map<string, number> {
  const tres = new Map<string, number>();
  if (!Array.isArray(list)) return tres;
  for (const entry of list) {
    const { type, name, count } = fieldsOf(entry);
    const number = numberOf(count);
    if (typeof type !== 'string' || number === null) continue;
    tres.set((typeof name === 'string' && name !== '' ? `${type}/${name}` : type).toLowerCase(), number);
  }
  return tres;
}

/** Memory is told in MiB. */
function mebiAsBytes(tres: ReadonlyMap<string, number>): Map<string, number> {
  return new Map([...tres].map(([name, count]) => [name, name === 'mem' ? count * MEBI : count]));
}

/** Null where it is not set, infinite, or no number. */
function numberOf(value: unknown): number | null {
  if (typeof value === 'number') return Number.isFinite(value) && value < NO_VALUE ? value : null;
  const { set, infinite, number } = fieldsOf(value);
  return set === true && infinite !== true && typeof number === 'number' ? number : null;
}

/** A Unix time; Slurm's 0 is none. */
function secondsOf(value: unknown): number | null {
  // Unix times pass Slurm's marker for 32 bits only after 2106.
  const seconds = numberOf(value);
  return seconds === null || seconds <= 0 ? null : seconds;
}

function milliseconds(seconds: number | null): number | null {
  return seconds === null ? null : seconds * 1000;
}
