import { Columns, eachRecord } from './delimited-rows.ts';
import { JOB_ENDS } from './sacct-job.ts';
import { PLAIN_ROW, parseCivilMs, TraceCollector, type TraceReading } from './trace-row.ts';

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
  let columns: Columns | null = null;
  let fieldOf = readers(new Columns([]));
  eachRecord(text, ',', (fields, line) => {
    if (columns === null) {
      columns = new Columns(fields.map((name) => name.toLowerCase()));
      fieldOf = readers(columns);
      return;
    }
    const reject = (reason: string, found: string) => collector.reject(line, reason, found);
    if (fields.length !== columns.count) {
      return reject('not as many fields as the header', `${fields.length} of ${columns.count}`);
    }
    const job = fieldOf.job(fields);
    if (job === '') return reject('job_id is empty', '""');
    if (seen.has(job)) return reject('job_id is given twice', job);
    const submitMs = parseCivilMs(fieldOf.submit(fields));
    if (submitMs === undefined) {
      return reject('submit_time is not a date such as 2020-06-09 18:41:01', `"${fieldOf.submit(fields)}"`);
    }
    const state = fieldOf.state(fields).toUpperCase();
    const end = JOB_ENDS[state];
    if (end === undefined) return reject('it has not ended', state);
    const startMs = parseCivilMs(fieldOf.start(fields)) ?? null;
    if (startMs === null && state === 'CANCELLED') return reject('cancelled before it ran', job);
    const runMs = runMsOf(startMs, parseCivilMs(fieldOf.end(fields)), fieldOf.duration(fields));
    if (Number.isNaN(runMs)) return reject('run time is not known', job);
    if (runMs === 0) return reject('run time is zero', `${job}, ${state}`);
    if (runMs < 0) return reject('it ends before it starts', job);
    const nodes = numberOf(fieldOf.nodes(fields));
    if (!Number.isSafeInteger(nodes) || nodes < 1) {
      return reject('node_num is not an integer > 0', `"${fieldOf.nodes(fields)}"`);
    }
    const gpus = numberOf(fieldOf.gpus(fields));
    if (!Number.isSafeInteger(gpus) || gpus < 0) {
      return reject('gpu_num is not an integer >= 0', `"${fieldOf.gpus(fields)}"`);
    }
    const cpus = numberOf(fieldOf.cpus(fields));
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
      user: fieldOf.user(fields) || null,
      account: fieldOf.account(fields) || null,
      outcome: end.outcome,
    });
  });
  return collector.reading('helios', { isUnixTime: true });
}

/** By the two instants; by `duration`, in seconds, where one is missing: in Acme it has the wait in it. NaN for neither. */
function runMsOf(startMs: number | null, endMs: number | undefined, duration: string): number {
  return startMs !== null && endMs !== undefined ? endMs - startMs : Math.round(numberOf(duration) * 1000);
}

function readers(columns: Columns) {
  return {
    job: columns.reader('job_id'),
    user: columns.reader('user'),
    account: columns.reader('vc'),
    gpus: columns.reader('gpu_num'),
    cpus: columns.reader('cpu_num'),
    nodes: columns.reader('node_num'),
    state: columns.reader('state'),
    submit: columns.reader('submit_time'),
    start: columns.reader('start_time'),
    end: columns.reader('end_time'),
    duration: columns.reader('duration'),
  };
}

function numberOf(text: string): number {
  return text === '' ? Number.NaN : Number(text);
}
