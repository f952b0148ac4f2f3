import { describe, expect, it } from 'vitest';
import type { NodeSpec } from '../cluster/node.ts';
import { Random } from '../lib/random.ts';
import type { SchedulerOptions } from '../scheduler/policy.ts';
import { runTwin } from './engine.ts';
import { createMeasures } from './measures/measures.ts';
import { rowsAsAsked } from './rows-as-asked.ts';
import { INSTANT } from './scenario.ts';
import { traceRow } from './trace-row.test-support.ts';
import type { TraceRow } from './trace-row.ts';
import { traceJobs } from './trace-source.ts';

const SECOND = 1000;
const CPUS = 8;
const NODES: readonly NodeSpec[] = Array.from({ length: 4 }, (_, index) => ({
  name: `n${index + 1}`,
  resources: { cpus: CPUS, memoryBytes: 2 ** 33, gpus: 0 },
  gpuType: null,
  leaf: null,
}));
const POLICY: SchedulerOptions = { backfillType: 'conservative', bfIntervalSeconds: 1, bfResolutionSeconds: 1 };

function row(fields: Partial<TraceRow>): TraceRow {
  const asked = { gpusPerNode: 0, cpusPerNode: 1, memoryBytesPerNode: 2 ** 20, limitMs: 100 * SECOND };
  return traceRow({ ...asked, runMs: 100 * SECOND, ...fields });
}

/** Starts in seconds with the nodes; throws where a node is given more CPUs than it has. */
function starts(rows: readonly TraceRow[], policy: SchedulerOptions = POLICY): Record<string, string> {
  const jobs = traceJobs(rows, { nodes: NODES, policy });
  const told: Record<string, string> = {};
  const held = NODES.map(() => 0);
  const hold = (nodeIndices: readonly number[], cpus: number) => {
    for (const index of nodeIndices) {
      held[index] = (held[index] ?? 0) + cpus;
      if ((held[index] ?? 0) > CPUS || (held[index] ?? 0) < 0) throw new Error(`n${index + 1} has ${held[index]}`);
    }
  };
  const options = { nodes: NODES, horizonMs: null, warmupMs: 0, failuresPerNodeDay: null, powerPerNodeWatts: null };
  const summary = runTwin({
    nodes: NODES,
    policy,
    timing: INSTANT,
    jobs: jobs.source,
    incidents: null,
    operator: null,
    observers: [
      ...createMeasures(options).observers,
      {
        attemptStarted: ({ request }, attempt, { nodeIndices, cpusPerNode = 0 }, _queuedMs, atMs) => {
          hold(nodeIndices, cpusPerNode);
          const names = nodeIndices.map((index) => NODES[index]?.name).join();
          if (attempt === 1) told[jobs.nameOf(request.jobId)] = `${atMs / SECOND} ${names} ${cpusPerNode}`;
        },
        attemptEnded: ({ allocation: { nodeIndices, cpusPerNode = 0 } }) => hold(nodeIndices, -cpusPerNode),
      },
    ],
    untilMs: null,
  });
  expect(summary.jobsEnded).toBe(rows.length);
  return told;
}

describe('a job whose tasks may be anywhere', () => {
  const busy = row({ job: 'busy', nodes: 4, cpusPerNode: 6 });
  const tasks = { submitMs: SECOND, nodes: 1, cpusPerNode: 8 };

  it('starts on as few more nodes as have room, and one that has to have its node waits', () => {
    expect(starts([busy, row({ job: 'two', ...tasks, cpusPerNode: 4, isSpread: true })])['two']).toBe('1 n1,n2 2');
    expect(starts([busy, row({ job: 'all', ...tasks, isSpread: true })])['all']).toBe('1 n1,n2,n3,n4 2');
    expect(starts([busy, row({ job: 'one', ...tasks })])['one']).toMatch(/^100 n\d 8$/);
  });

  it('is spread by backfill too, and no more than what is reserved lets it', () => {
    const wide = row({ job: 'wide', submitMs: SECOND, nodes: 4, cpusPerNode: 8 });
    const later = { ...tasks, submitMs: 2 * SECOND, isSpread: true };
    const brief = { runMs: 10 * SECOND, limitMs: 10 * SECOND };
    expect(starts([busy, wide, row({ job: 'brief', ...later, ...brief })])['brief']).toMatch(/^[23] n1,n2,n3,n4 2$/);
    expect(starts([busy, wide, row({ job: 'long', ...later })])['long']).toMatch(/^20\d /);
  });

  it('has no more CPUs than there are, whatever comes and goes', () => {
    const qos = [{ name: 'low' }, { name: 'high', priority: 10, preempts: ['low'] }];
    const preempt = { type: 'qos' as const, mode: 'requeue' as const };
    const weights = { age: 0, fairshare: 0, jobSize: 0, partition: 0, qos: 100 };
    const policy = { ...POLICY, qos, preempt, priority: { type: 'multifactor' as const, weights } };
    let spread = 0;
    for (let seed = 1; seed <= 40; seed += 1) {
      const random = new Random(seed);
      const upTo = (most: number) => 1 + Math.floor(random.nextUniform() * most);
      const rows = Array.from({ length: 60 }, (_, index) => {
        const isSpread = random.nextUniform() < 0.5;
        const runMs = upTo(60) * SECOND;
        return row({
          job: String(index),
          submitMs: index * 1500,
          nodes: isSpread ? 1 : upTo(4),
          cpusPerNode: upTo(8),
          runMs,
          limitMs: runMs + upTo(100) * SECOND,
          qos: random.nextUniform() < 0.3 ? 'high' : 'low',
          ...(isSpread && { isSpread }),
        });
      });
      const told = starts(rows, seed % 2 === 0 ? policy : POLICY);
      spread += rows.filter(({ job, nodes }) => told[job]?.split(' ')[1]?.split(',').length !== nodes).length;
    }
    expect(spread).toBeGreaterThan(100);
  });

  it('needs as many nodes as have all its CPUs', () => {
    const asAsked = rowsAsAsked({ nodes: NODES, policy: {} });
    const given = row({ nodes: 1, cpusPerNode: 20, memoryBytesPerNode: 3000, isSpread: true });
    expect(asAsked(given)).toMatchObject({ nodes: 3, cpusPerNode: 7, memoryBytesPerNode: 1000, isSpread: true });
    expect(asAsked({ ...given, cpusPerNode: 8 })).toMatchObject({ nodes: 1, cpusPerNode: 8 });
  });
});
