import { eachNamedRecord } from './delimited-rows.ts';
import { JOB_ENDS } from './sacct-job.ts';
import { numberOf, PLAIN_ROW, parseCivilMs, TraceCollector, type TraceReading } from './trace-row.ts';

const COLUMNS = [
  'job_id',
  'user',
  'vc',
  'gpu_num',
  'cpu_num',
  'node_num',
  'state',
  'submit_time',
  'start_time',
  'end_time',
  'duration',
] as const;

/** Of the header of such a file. */
export function isHelios(columns: ReadonlySet<string>): boolean {
  return ['job_id', 'gpu_num', 'state', 'submit_time'].every((name) => columns.has(name));
}

/**
 * The job logs of Helios (Hu et al., SC'21) and Acme (Hu et al., NSDI'24): `job_id,user,vc,gpu_num,cpu_num,node_num,state,submit_time,start_time,
 * end_time,duration,queue` in any order, among others. Virtual clusters become accounts; there are no time limits.
 */
export function readHeliosCsv(text: string): TraceReading {
  const collector = new TraceCollector();
  const seen = new Set<string>();
  eachNamedRecord(text, COLUMNS, collector, (of, line) => {
    const reject = (reason: string, found: string) => collector.reject(line, reason, found);
    const job = of('job_id');
    if (job === '') return reject('job_id is empty', '""');
    if (seen.has(job)) return reject('job_id is given twice', job);
    const submitMs = parseCivilMs(of('submit_time'));
    if (submitMs === undefined) {
      return reject('submit_time is not a date such as 2020-06-09 18:41:01', `"${of('submit_time')}"`);
    }
    const state = of('state').toUpperCase();
    const end = JOB_ENDS[state];
    if (end === undefined) return reject('it has not ended', state);
    const startMs = parseCivilMs(of('start_time')) ?? null;
    if (startMs === null && state === 'CANCELLED') return reject('cancelled before it ran', job);
    const runMs = runMsOf(startMs, parseCivilMs(of('end_time')), of('duration'));
    if (Number.isNaN(runMs)) return reject('run time is not known', job);
    if (runMs === 0) return reject('run time is zero', `${job}, ${state}`);
    if (runMs < 0) return reject('it ends before it starts', job);
    const nodes = numberOf(of('node_num'));
    if (!Number.isSafeInteger(nodes) || nodes < 1) {
      return reject('node_num is not an integer > 0', `"${of('node_num')}"`);
    }
    const gpus = numberOf(of('gpu_num'));
    if (!Number.isSafeInteger(gpus) || gpus < 0) {
      return reject('gpu_num is not an integer >= 0', `"${of('gpu_num')}"`);
    }
    const cpus = numberOf(of('cpu_num'));
    if (gpus % nodes > 0) collector.note('has a number of GPUs that is rounded up to the same on each node');
    if (end.isCutOff) collector.note(`${state}: its run time is as long as the cluster let it run`);
    seen.add(job);
    collector.add({
      ...PLAIN_ROW,
      line,
      job,
      submitMs,
      actualStartMs: startMs,
      nodes,
      gpusPerNode: Math.ceil(gpus / nodes),
      cpusPerNode: cpus > 0 ? Math.ceil(cpus / nodes) : null,
      runMs,
      user: of('user') || null,
      account: of('vc') || null,
      outcome: end.outcome,
    });
  });
  return collector.reading('helios', { isUnixTime: true });
}

/** By the two instants; by `duration`, in seconds, where one is missing: in Acme it has the wait in it. NaN for neither. */
function runMsOf(startMs: number | null, endMs: number | undefined, duration: string): number {
  return startMs !== null && endMs !== undefined ? endMs - startMs : Math.round(numberOf(duration) * 1000);
}
