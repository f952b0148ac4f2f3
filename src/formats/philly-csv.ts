import { eachNamedRecord } from './delimited-rows.ts';
import {
  GPUS_PER_NODE,
  numberOf,
  PLAIN_ROW,
  parseCivilMs,
  TraceCollector,
  type TraceReading,
  type TraceReadOptions,
} from './trace-row.ts';

const COLUMNS = ['timestamp', 'duration', 'num_gpus', 'cluster'] as const;

/**
 * The Philly trace (Jeon et al., ATC'19) as one CSV row a job: `timestamp,duration,num_gpus,gpu_time,cluster`. It has no ids, so jobs are named
 * by their line, and neither users nor time limits; its virtual clusters become accounts.
 */
export function readPhillyCsv(text: string, options: TraceReadOptions = {}): TraceReading {
  const gpusPerNode = options.gpusPerNode ?? GPUS_PER_NODE;
  const collector = new TraceCollector();
  eachNamedRecord(text, COLUMNS, collector, (of, line) => {
    const submitMs = parseCivilMs(of('timestamp'));
    const run = numberOf(of('duration'));
    const gpus = numberOf(of('num_gpus'));
    if (submitMs === undefined) {
      collector.reject(line, 'timestamp is not a date such as 2017-10-09 07:01:55', of('timestamp'));
    } else if (run === 0) collector.reject(line, 'duration is zero', of('duration'));
    else if (!(run > 0 && run < Number.POSITIVE_INFINITY)) {
      collector.reject(line, 'duration is not seconds > 0', of('duration'));
    } else if (!Number.isSafeInteger(gpus) || gpus < 1) {
      collector.reject(line, 'num_gpus is not an integer > 0', of('num_gpus'));
    } else {
      const size = collector.sizeFor(gpus, gpusPerNode);
      collector.add({
        ...PLAIN_ROW,
        ...size,
        line,
        job: String(line),
        submitMs,
        runMs: Math.max(1, Math.round(run * 1000)),
        account: of('cluster') || null,
      });
    }
  });
  return collector.reading('philly', { isUnixTime: true });
}
