import type { Outcome } from '../twin/types.ts';
import { eachNamedRecord } from './delimited-rows.ts';
import {
  GPUS_PER_NODE,
  numberOf,
  PLAIN_ROW,
  TraceCollector,
  type TraceReading,
  type TraceReadOptions,
} from './trace-row.ts';

const COLUMNS = [
  'name',
  'cpu_milli',
  'memory_mib',
  'num_gpu',
  'gpu_milli',
  'gpu_spec',
  'qos',
  'pod_phase',
  'creation_time',
  'deletion_time',
  'scheduled_time',
] as const;

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
  eachNamedRecord(text, COLUMNS, collector, (of, line) => {
    const reject = (reason: string, found: string) => collector.reject(line, reason, found);
    const job = of('name');
    if (job === '') return reject('name is empty', '""');
    if (seen.has(job)) return reject('name is given twice', job);
    const cpuMilli = numberOf(of('cpu_milli'));
    const memoryMebi = numberOf(of('memory_mib'));
    const gpus = numberOf(of('num_gpu'));
    if (!(cpuMilli >= 0)) return reject('cpu_milli is not a number >= 0', of('cpu_milli'));
    if (!(memoryMebi >= 0)) return reject('memory_mib is not a number >= 0', of('memory_mib'));
    if (!Number.isSafeInteger(gpus) || gpus < 0) return reject('num_gpu is not an integer >= 0', of('num_gpu'));
    const submit = numberOf(of('creation_time'));
    if (!(submit >= 0)) return reject('creation_time is not seconds >= 0', of('creation_time'));
    if (of('scheduled_time') === '') return reject('it was never scheduled', `pod_phase ${of('pod_phase')}`);
    const start = numberOf(of('scheduled_time'));
    if (!(start >= submit)) return reject('scheduled_time is before creation_time', of('scheduled_time'));
    if (of('deletion_time') === '') return reject('it has not ended', `pod_phase ${of('pod_phase')}`);
    const run = numberOf(of('deletion_time')) - start;
    if (run === 0) return reject('run time is zero', job);
    if (!(run > 0)) return reject('deletion_time is before scheduled_time', of('deletion_time'));
    const outcome = OUTCOMES[of('pod_phase')];
    if (outcome === undefined) return reject('pod_phase is not one of a pod that ran', of('pod_phase'));
    const size = collector.sizeFor(gpus, gpusPerNode);
    const gpuMilli = numberOf(of('gpu_milli'));
    if (gpus > 0 && gpuMilli < MILLI_OF_WHOLE) collector.note('asks for a share of a GPU: counted as a whole one');
    if (of('pod_phase') === 'Running')
      collector.note('was deleted while it ran: its run time is as long as it was let');
    const types = [...new Set(of('gpu_spec').split('|'))].filter((type) => type !== '');
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
      qos: of('qos') || null,
      outcome,
    });
  });
  return collector.reading('openb');
}
