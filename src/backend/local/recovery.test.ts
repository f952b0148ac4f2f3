import { describe, expect, it } from 'vitest';
import type { NodeSpec } from '../../cluster/node.ts';
import { jobSpecSchema } from '../../contract/job.ts';
import { toJobRequest } from '../../contract/job-request.ts';
import { createScheduler } from '../../scheduler/scheduler.ts';
import type { Placement, SchedulerEvent } from '../../scheduler/types.ts';
import { liveAttempts, reconcileNodes } from './recovery.ts';

const node = (name: string, cpus: number): NodeSpec => ({
  name,
  resources: { cpus, memoryBytes: 1024 ** 3, gpus: 0 },
  gpuType: null,
  leaf: null,
});
const request = toJobRequest(1, jobSpecSchema.parse({ command: ['true'] }), 0);
const on = (nodeName: string): Placement => [{ nodeName, resources: request.perNode, gpuIndices: [] }];

const added = (...nodes: NodeSpec[]): SchedulerEvent[] =>
  nodes.map((spec) => ({ kind: 'NodeAdded', atMs: 1, node: spec }));
const submitted: SchedulerEvent = { kind: 'JobSubmitted', atMs: 1, job: request };
const starting = (nodeName: string): SchedulerEvent => ({
  kind: 'AttemptStarting',
  atMs: 2,
  jobId: 1,
  attempt: 1,
  placement: on(nodeName),
});
const retried: SchedulerEvent[] = [
  { kind: 'LaunchFailed', atMs: 3, jobId: 1, attempt: 1, isRetryable: true, message: '' },
  { kind: 'JobRequeued', atMs: 3, jobId: 1, requeues: 0, isHeld: false },
];
const drained = (nodeName: string): SchedulerEvent => ({ kind: 'NodeDrained', atMs: 3, nodeName, reason: 'fan' });

/** A daemon's start: replays `journal`, then takes up the configuration. Returns what it journals and the nodes it ends with. */
function start(journal: readonly SchedulerEvent[], configured: readonly NodeSpec[]) {
  const scheduler = createScheduler();
  for (const event of journal) scheduler.apply(event);
  const changes = reconcileNodes(scheduler.nodes(), configured, 9);
  for (const event of changes) scheduler.apply(event);
  const nodes = scheduler.nodes().map(({ spec, state }) => `${spec.name}:${spec.resources.cpus}:${state}`);
  return { journalled: changes.map(({ kind }) => kind), nodes: nodes.toSorted() };
}

describe('the nodes a daemon starts with', () => {
  it('are journalled at the first start, and at the next only what changed', () => {
    const nodes = [node('n1', 2), node('n2', 2)];
    expect(start([], nodes)).toEqual({ journalled: ['NodeAdded', 'NodeAdded'], nodes: ['n1:2:idle', 'n2:2:idle'] });
    expect(start(added(...nodes), nodes)).toEqual({ journalled: [], nodes: ['n1:2:idle', 'n2:2:idle'] });
  });

  it('follow the configuration, and keep what an operator did to them', () => {
    const journal = [...added(node('n1', 2), node('n2', 2), node('n3', 2)), drained('n2')];
    expect(start(journal, [node('n1', 2), node('n2', 4)]).nodes).toEqual(['n1:2:idle', 'n2:4:drained']);
  });

  it('may lack one on which a pending job once ran', () => {
    const journal = [...added(node('n1', 2), node('n2', 2)), submitted, starting('n2'), ...retried];
    expect(start(journal, [node('n1', 2)]).nodes).toEqual(['n1:2:idle']);
  });

  it('stay while an attempt is alive on them', () => {
    const journal = [...added(node('n1', 2), node('n2', 2)), submitted, starting('n2')];
    expect(start(journal, [node('n1', 4)]).nodes).toEqual(['n1:4:idle', 'n2:2:mixed']);
  });
});

describe('liveAttempts', () => {
  it('finds what held nodes at the end, and how far each was', () => {
    const events: SchedulerEvent[] = [
      starting('n1'),
      { kind: 'AttemptStarted', atMs: 5, jobId: 1, attempt: 1 },
      { kind: 'AttemptEnding', atMs: 6, jobId: 1, attempt: 1, cause: 'TIMEOUT' },
      { kind: 'AttemptStarting', atMs: 6, jobId: 2, attempt: 3, placement: [] },
      { kind: 'AttemptEnded', atMs: 7, jobId: 2, attempt: 3, state: 'FAILED', exitCode: 1 },
    ];
    expect(liveAttempts(events.map((event) => ({ event })))).toEqual([
      {
        jobId: 1,
        attempt: 1,
        placement: on('n1'),
        isStarted: true,
        startedMs: 5,
        cause: 'TIMEOUT',
        preemptorJobId: null,
      },
    ]);
  });
});
