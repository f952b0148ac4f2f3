import { expect, it } from 'vitest';
import { runTwin } from '../engine.ts';
import { INSTANT } from '../scenario.ts';
import { traceRow } from '../trace-row.test-support.ts';
import type { TraceRow } from '../trace-row.ts';
import { traceJobs } from '../trace-source.ts';
import { RecordedWaitWatch } from './recorded-waits.ts';

const NODES = [{ name: 'n1', resources: { cpus: 8, memoryBytes: 1e9, gpus: 8 }, gpuType: null, leaf: null }];

function row(job: string, submitMs: number, actualStartMs: number | null, partition: string): TraceRow {
  const asked = { cpusPerNode: 1, memoryBytesPerNode: 0, qos: 'normal', partition };
  return traceRow({ job, submitMs, actualStartMs, runMs: 100_000, ...asked });
}

it('puts the waits of a run beside those of the record, over the jobs of which both are known', () => {
  const policy = { partitions: [{ name: 'train', isDefault: true }, { name: 'debug' }] };
  const rows = [row('a', 500, 0, 'train'), row('b', 1500, 121_000, 'debug'), row('c', 2500, null, 'train')];
  const { source, rowOf } = traceJobs(rows, { nodes: NODES, policy });
  const watch = new RecordedWaitWatch(rowOf);
  const rest = { timing: INSTANT, incidents: null, operator: null, untilMs: null };
  runTwin({ ...rest, nodes: NODES, policy, jobs: source, observers: [watch] });
  // The first is at once in both; the second waits for the first for 99 s here, and waited for 120 s there.
  expect(watch.report()).toEqual({
    jobs: 2,
    recordedMeanSeconds: 60,
    meanSeconds: 49.5,
    difference: -0.175,
    byPartition: [
      { name: 'train', jobs: 1, recordedMeanSeconds: 0, meanSeconds: 0, difference: null },
      { name: 'debug', jobs: 1, recordedMeanSeconds: 120, meanSeconds: 99, difference: -0.175 },
    ],
    byQos: [{ name: 'normal', jobs: 2, recordedMeanSeconds: 60, meanSeconds: 49.5, difference: -0.175 }],
  });
});

it('says nothing where no start is recorded', () => {
  expect(new RecordedWaitWatch(() => undefined).report()).toBeNull();
});
