import { describe, expect, it } from 'vitest';
import type { NodeSpec } from '../cluster/node.ts';
import type { SchedulerOptions } from '../scheduler/policy.ts';
import { runTwin } from './engine.ts';
import { createMeasures } from './measures/measures.ts';
import { rowsAsAsked } from './rows-as-asked.ts';
import { INSTANT } from './scenario.ts';
import { traceRow } from './trace-row.test-support.ts';
import type { TraceOptions } from './trace-options.ts';
import type { TraceRow } from './trace-row.ts';
import { traceJobs } from './trace-source.ts';

const GIB = 1024 ** 3;
const SECOND = 1000;

function node(name: string, gpus: number, cpus: number): NodeSpec {
  return { name, resources: { cpus, memoryBytes: 64 * GIB, gpus }, gpuType: null, leaf: null };
}

/** Nodes with GPUs, and nodes with more CPUs. */
const NODES = [node('g1', 4, 32), node('g2', 4, 32), node('c1', 0, 48), node('c2', 0, 48)];
const ASK: Pick<TraceOptions, 'defaultAsk'> = { defaultAsk: () => ({ cpus: 1, memoryBytes: GIB }) };

/** When each starts, in seconds, and where. */
function starts(rows: readonly TraceRow[], policy: SchedulerOptions = {}, options: Partial<TraceOptions> = ASK) {
  const jobs = traceJobs(rows, { nodes: NODES, policy, ...options });
  const told = new Map<string, string>();
  const measures = createMeasures({
    nodes: NODES,
    horizonMs: null,
    warmupMs: 0,
    failuresPerNodeDay: null,
    powerPerNodeWatts: null,
  });
  const summary = runTwin({
    nodes: NODES,
    policy,
    timing: INSTANT,
    jobs: jobs.source,
    incidents: null,
    operator: null,
    observers: [
      ...measures.observers,
      {
        attemptStarted: ({ request: { jobId } }, _attempt, { nodeIndices }, _queuedMs, atMs) =>
          void told.set(
            jobs.nameOf(jobId),
            `${atMs / SECOND} ${nodeIndices.map((index) => NODES[index]?.name).join()}`,
          ),
      },
    ],
    untilMs: null,
  });
  return { told: Object.fromEntries(told), report: measures.report(summary), refused: jobs.refused };
}

const whole = (job: string, fields: Partial<TraceRow> = {}) =>
  traceRow({ job, gpusPerNode: 0, cpusPerNode: 2, isExclusive: true, runMs: 100 * SECOND, ...fields });

describe('a job with whole nodes', () => {
  it('may have nodes of every kind that has what it asks for, and holds all that is on them', () => {
    const { told, report } = starts([whole('1', { nodes: 4 }), whole('2')]);
    expect(told).toEqual({ '1': '0 g1,g2,c1,c2', '2': '100 c1' });
    // Eight GPUs for 100 s, in hours.
    expect(report.predictions.deviceTime.allocated * 3600).toBeCloseTo(800);
  });

  it('counts in priority by what it asked for', () => {
    const weights = { age: 0, fairshare: 0, jobSize: 1000, partition: 0, qos: 0 };
    const policy: SchedulerOptions = { priority: { type: 'multifactor', weights, isSmallFavored: true } };
    const rows = [
      whole('1', { nodes: 4 }),
      whole('wide', { submitMs: SECOND, nodes: 4, cpusPerNode: 30 }),
      whole('narrow', { submitMs: 2 * SECOND, nodes: 4, cpusPerNode: 2 }),
    ];
    expect(starts(rows, policy).told).toMatchObject({ narrow: '100 g1,g2,c1,c2', wide: '200 g1,g2,c1,c2' });
  });

  it('uses in fair-share, and of limits, what is on its nodes', () => {
    const weights = { age: 0, fairshare: 1000, jobSize: 0, partition: 0, qos: 0 };
    const priority = {
      type: 'multifactor' as const,
      weights,
      billingWeights: { cpu: 1, gpu: 0 },
      calcPeriodSeconds: 1,
    };
    const accounts = [{ name: 'a' }, { name: 'b' }];
    const users = [
      { name: 'ann', account: 'a' },
      { name: 'bob', account: 'b' },
    ];
    const ann = { user: 'ann', account: 'a' };
    const bob = { user: 'bob', account: 'b' };
    // Ann's job of 1 CPU has 32 of them; Bob's has 20 and no more.
    const rows = [
      whole('1', { ...ann, cpusPerNode: 1, gpusPerNode: 1 }),
      traceRow({ job: '2', ...bob, gpusPerNode: 1, cpusPerNode: 20, runMs: 100 * SECOND }),
      whole('3', { ...ann, submitMs: SECOND, nodes: 4 }),
      whole('4', { ...bob, submitMs: 2 * SECOND, nodes: 4 }),
    ];
    const shared = starts(rows, { priority, accounts, users }).told;
    expect([shared['4'], shared['3']]).toEqual(['100 g1,g2,c1,c2', '200 g1,g2,c1,c2']);
    const qos = [{ name: 'few', group: { cpus: 40 } }];
    const two = [whole('1', { qos: 'few' }), whole('2', { qos: 'few', submitMs: SECOND })];
    expect(starts(two, { qos }).told['2']).toMatch(/^100 /);
  });
});

describe('a record of what a job held', () => {
  const asked = { gpusPerNode: 0, cpusPerNode: 2, memoryBytesPerNode: GIB };
  const held = traceRow({ gpusPerNode: 4, cpusPerNode: 32, memoryBytesPerNode: 64 * GIB, partition: 'gpu', asked });
  const partitions = [{ name: 'gpu', nodes: ['g1', 'g2'] }, { name: 'all' }];
  const rowOf = (row: TraceRow, options: Partial<TraceOptions> = {}) =>
    rowsAsAsked({ nodes: NODES, policy: { partitions }, ...options })(row);

  it('is of whole nodes where it had all CPUs of a node and asked for fewer', () => {
    const { asked: _, ...rest } = held;
    expect(rowOf(held)).toEqual({ ...rest, ...asked, isExclusive: true });
    // No node of the partition has so many; or it had all that it asked for.
    expect(rowOf({ ...held, cpusPerNode: 16 })).toMatchObject({ isExclusive: false, cpusPerNode: 16 });
    expect(rowOf({ ...held, asked: { ...asked, cpusPerNode: 32 } })).toMatchObject({ isExclusive: false });
  });

  it('is of whole nodes where its partition gives no less', () => {
    const averaged = { ...held, partition: 'all', cpusPerNode: 40 };
    expect(rowOf(averaged).isExclusive).toBe(false);
    expect(rowOf(averaged, { exclusivePartitions: ['all'] })).toMatchObject({ isExclusive: true, cpusPerNode: 2 });
    expect(rowOf(averaged, { isExclusive: true })).toMatchObject({ isExclusive: true, gpusPerNode: 0 });
  });

  it('does not keep the job to nodes like those', () => {
    const rows = [
      traceRow({ job: '1', nodes: 2, gpusPerNode: 4, cpusPerNode: 32, runMs: 100 * SECOND }),
      { ...held, job: '2', partition: null, submitMs: SECOND },
    ];
    expect(starts(rows).told['2']).toBe('1 c1');
  });
});
