import type { TraceRow } from './trace-row.ts';

/** A job that asked for one node with 8 GPUs at instant 0, ran for a minute and completed, unless `fields` say otherwise. */
export function traceRow(fields: Partial<TraceRow> = {}): TraceRow {
  return {
    line: 1,
    job: '1',
    submitMs: 0,
    eligibleMs: null,
    actualStartMs: null,
    nodes: 1,
    gpusPerNode: 8,
    cpusPerNode: null,
    memoryBytesPerNode: null,
    gpuType: null,
    isExclusive: false,
    runMs: 60_000,
    limitMs: null,
    user: null,
    account: null,
    qos: null,
    partition: null,
    priority: 0,
    after: [],
    outcome: 'COMPLETED',
    ...fields,
  };
}
