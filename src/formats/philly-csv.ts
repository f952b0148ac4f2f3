import { Columns, eachRecord } from './delimited-rows.ts';
import {
  GPUS_PER_NODE,
  nodesForGpus,
  PLAIN_ROW,
  parseCivilMs,
  TraceCollector,
  type TraceReading,
  type TraceReadOptions,
} from './trace-row.ts';

/**
 * The Philly trace (Jeon et al., ATC'19) as one CSV row a job: `timestamp,duration,num_gpus,gpu_time,cluster`. It has no ids, so jobs are named
 * by their line, and neither users nor time limits; its virtual clusters become accounts.
 */
export function readPhillyCsv(text: string, options: TraceReadOptions = {}): TraceReading {
  const gpusPerNode = options.gpusPerNode ?? GPUS_PER_NODE;
  const collector = new TraceCollector();
  let columns: Columns | null = null;
  let fieldOf = readers(new Columns([]));
  eachRecord(text, ',', (fields, line) => {
    if (columns === null) {
      columns = new Columns(fields);
      fieldOf = readers(columns);
      return;
    }
    if (fields.length !== columns.count) {
      collector.reject(line, 'not as many fields as the header', `${fields.length} of ${columns.count}`);
      return;
    }
    const submitMs = parseCivilMs(fieldOf.timestamp(fields));
    const run = Number(fieldOf.duration(fields) || Number.NaN);
    const gpus = Number(fieldOf.gpus(fields) || Number.NaN);
    if (submitMs === undefined) {
      collector.reject(line, 'timestamp is not a date such as 2017-10-09 07:01:55', fieldOf.timestamp(fields));
    } else if (run === 0) collector.reject(line, 'duration is zero', fieldOf.duration(fields));
    else if (!(run > 0 && run < Number.POSITIVE_INFINITY)) {
      collector.reject(line, 'duration is not seconds > 0', fieldOf.duration(fields));
    } else if (!Number.isSafeInteger(gpus) || gpus < 1) {
      collector.reject(line, 'num_gpus is not an integer > 0', fieldOf.gpus(fields));
    } else {
      const { isExact, ...size } = nodesForGpus(gpus, gpusPerNode);
      if (!isExact) collector.note('asks for a number of GPUs that is rounded up to the same on each node');
      collector.add({
        ...PLAIN_ROW,
        ...size,
        line,
        job: String(line),
        submitMs,
        runMs: Math.max(1, Math.round(run * 1000)),
        account: fieldOf.cluster(fields) || null,
      });
    }
  });
  return collector.reading('philly', { isUnixTime: true });
}

function readers(columns: Columns) {
  return {
    timestamp: columns.reader('timestamp'),
    duration: columns.reader('duration'),
    gpus: columns.reader('num_gpus'),
    cluster: columns.reader('cluster'),
  };
}
