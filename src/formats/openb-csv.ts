import type { Outcome } from '../twin/types.ts';
import { Columns, eachRecord } from './delimited-rows.ts';
import {
  GPUS_PER_NODE,
  nodesForGpus,
  PLAIN_ROW,
  TraceCollector,
  type TraceReading,
  type TraceReadOptions,
} from './trace-row.ts';

const MEBI = 1024 ** 2;
const MILLI_OF_WHOLE = 1000;

const OUTCOMES: Readonly<Record<string, Outcome>> = { Succeeded: 'COMPLETED', Running: 'COMPLETED', Failed: 'FAILED' };

/**
 * A pod list of Alibaba's GPU-sharing cluster, cluster-trace-gpu-v2023 (Weng et al., ATC'23): `name,cpu_milli,memory_mib,num_gpu,gpu_milli,
 * gpu_spec,qos,pod_phase,creation_time,deletion_time,scheduled_time`, times in seconds. A share of a GPU counts as a whole one.
 */
export function readOpenbCsv(text: string, options: TraceReadOptions = {}): TraceReading {
  const gpusPerNode = options.gpusPerNode ?? GPUS_PER_NODE;
  const collector = new TraceCollector();
  const seen = new Set<string>();
  let columns: Columns | null = null;
  let fieldOf = readers(new Columns([]));
  eachRecord(text, ',', (fields, line) => {
    if (columns === null) {
      columns = new Columns(fields);
      fieldOf = readers(columns);
      return;
    }
    const reject = (reason: string, found: string) => collector.reject(line, reason, found);
    if (fields.length !== columns.count) {
      return reject('not as many fields as the header', `${fields.length} of ${columns.count}`);
    }
    const job = fieldOf.name(fields);
    if (job === '') return reject('name is empty', '""');
    if (seen.has(job)) return reject('name is given twice', job);
    const cpuMilli = numberOf(fieldOf.cpuMilli(fields));
    const memoryMebi = numberOf(fieldOf.memoryMebi(fields));
    const gpus = numberOf(fieldOf.gpus(fields));
    if (!(cpuMilli >= 0)) return reject('cpu_milli is not a number >= 0', fieldOf.cpuMilli(fields));
    if (!(memoryMebi >= 0)) return reject('memory_mib is not a number >= 0', fieldOf.memoryMebi(fields));
    if (!Number.isSafeInteger(gpus) || gpus < 0) return reject('num_gpu is not an integer >= 0', fieldOf.gpus(fields));
    const submit = numberOf(fieldOf.created(fields));
    if (!(submit >= 0)) return reject('creation_time is not seconds >= 0', fieldOf.created(fields));
    if (fieldOf.scheduled(fields) === '') return reject('it was never scheduled', `pod_phase ${fieldOf.phase(fields)}`);
    const start = numberOf(fieldOf.scheduled(fields));
    if (!(start >= submit)) return reject('scheduled_time is before creation_time', fieldOf.scheduled(fields));
    if (fieldOf.deleted(fields) === '') return reject('it has not ended', `pod_phase ${fieldOf.phase(fields)}`);
    const run = numberOf(fieldOf.deleted(fields)) - start;
    if (run === 0) return reject('run time is zero', job);
    if (!(run > 0)) return reject('deletion_time is before scheduled_time', fieldOf.deleted(fields));
    const outcome = OUTCOMES[fieldOf.phase(fields)];
    if (outcome === undefined) return reject('pod_phase is not one of a pod that ran', fieldOf.phase(fields));
    const { isExact, ...size } = nodesForGpus(gpus, gpusPerNode);
    if (!isExact) collector.note('asks for a number of GPUs that is rounded up to the same on each node');
    const gpuMilli = numberOf(fieldOf.gpuMilli(fields));
    if (gpus > 0 && gpuMilli < MILLI_OF_WHOLE) collector.note('asks for a share of a GPU: counted as a whole one');
    if (fieldOf.phase(fields) === 'Running')
      collector.note('was deleted while it ran: its run time is as long as it was let');
    const types = [...new Set(fieldOf.gpuSpec(fields).split('|'))].filter((type) => type !== '');
    if (types.length > 1) collector.note('may run on several types of GPU: counted as any');
    seen.add(job);
    collector.add({
      ...PLAIN_ROW,
      ...size,
      line,
      job,
      submitMs: Math.round(submit * 1000),
      actualStartMs: Math.round(start * 1000),
      cpusPerNode: Math.ceil(cpuMilli / 1000 / size.nodes),
      memoryBytesPerNode: Math.ceil((memoryMebi * MEBI) / size.nodes),
      gpuType: types.length === 1 ? (types[0] ?? null) : null,
      runMs: Math.round(run * 1000),
      qos: fieldOf.qos(fields) || null,
      outcome,
    });
  });
  return collector.reading('openb');
}

function readers(columns: Columns) {
  return {
    name: columns.reader('name'),
    cpuMilli: columns.reader('cpu_milli'),
    memoryMebi: columns.reader('memory_mib'),
    gpus: columns.reader('num_gpu'),
    gpuMilli: columns.reader('gpu_milli'),
    gpuSpec: columns.reader('gpu_spec'),
    qos: columns.reader('qos'),
    phase: columns.reader('pod_phase'),
    created: columns.reader('creation_time'),
    deleted: columns.reader('deletion_time'),
    scheduled: columns.reader('scheduled_time'),
  };
}

/** NaN where it is none. */
function numberOf(text: string): number {
  return text === '' ? Number.NaN : Number(text);
}
