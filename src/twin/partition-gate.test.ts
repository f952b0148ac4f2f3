import { describe, expect, it } from 'vitest';
import { gangRequest } from '../scheduler/job-request.test-support.ts';
import type { SchedulerOptions } from '../scheduler/policy.ts';
import type { JobRequest } from '../scheduler/types.ts';
import { listedJobs } from './adjusted-jobs.ts';
import { PartitionGate } from './partition-gate.ts';

const HOUR_MS = 3_600_000;
const PARTITIONS = [
  { name: 'small', maxNodes: 2, isDefault: true },
  { name: 'large', minNodes: 4, maxTimeSeconds: 7200 },
];

function gateOf(requests: readonly JobRequest[], policy: SchedulerOptions): { gate: PartitionGate; ids: number[] } {
  const rest = { workMs: 1000, outcome: 'COMPLETED' as const, cancelAfterMs: null, checkpointing: null };
  const gate = new PartitionGate(listedJobs(requests.map((request) => ({ request, ...rest }))), policy);
  const ids: number[] = [];
  for (let job = gate.next(); job !== null; job = gate.next()) ids.push(job.request.jobId);
  return { gate, ids };
}

const after = (jobId: number) => ({ dependencies: [{ condition: 'afterany' as const, jobId }] });

describe('the jobs of a workload', () => {
  const REQUESTS = [
    gangRequest(1, 2, 8),
    gangRequest(2, 3, 8),
    gangRequest(3, 1, 8, after(2)),
    gangRequest(4, 1, 8, after(3)),
    gangRequest(5, 4, 8, { partition: 'large', timeLimitMs: 2 * HOUR_MS }),
    gangRequest(6, 4, 8, { partition: 'large', timeLimitMs: 3 * HOUR_MS }),
    gangRequest(7, 2, 8, { partition: 'large' }),
    gangRequest(8, 1, 8, after(1)),
  ];

  it('are refused beyond the limits of their partitions where these are enforced, with those that wait for them', () => {
    const { gate, ids } = gateOf(REQUESTS, { partitions: PARTITIONS, enforcePartLimits: true });
    expect(ids).toEqual([1, 5, 8]);
    expect(gate.beyondCount).toBe(5);
    expect(gate.beyond).toEqual([
      { jobId: 2, reason: 'it asks for 3 nodes, and jobs of partition small have 2 at most' },
      { jobId: 3, reason: 'it waits for a job that is refused' },
      { jobId: 4, reason: 'it waits for a job that is refused' },
      { jobId: 6, reason: 'it asks for 03:00:00, and partition large gives 02:00:00 at most' },
      { jobId: 7, reason: 'it asks for 2 nodes, and jobs of partition large have 4 at least' },
    ]);
  });

  it('are all submitted where these are not, and those beyond are counted', () => {
    const { gate, ids } = gateOf(REQUESTS, { partitions: PARTITIONS });
    expect(ids).toEqual([1, 2, 3, 4, 5, 6, 7, 8]);
    expect(gate.beyond.map(({ jobId }) => jobId)).toEqual([2, 6, 7]);
  });

  it('are let through where one of several partitions lets them run, or all of them have to', () => {
    const requests = [
      gangRequest(1, 2, 8, { partition: 'large,small' }),
      gangRequest(2, 3, 8, { partition: 'small,large' }),
    ];
    for (const [enforcePartLimits, taken] of [[false, [1, 2]] as const, ['any', [1]] as const, [true, []] as const])
      expect(gateOf(requests, { partitions: PARTITIONS, enforcePartLimits }).ids).toEqual(taken);
  });

  it('are all taken where there are no partitions', () => {
    const { gate, ids } = gateOf(REQUESTS, { enforcePartLimits: true });
    expect([ids.length, gate.beyondCount]).toEqual([8, 0]);
  });
});
