import { describe, expect, it } from 'vitest';
import { LEMON_REASON, LemonFacts } from './lemon-facts.ts';
import { LemonDetector } from './lemons.ts';
import type { EndState, SchedulerEvent } from './types.ts';

const DAY_MS = 86_400_000;
const resources = { cpus: 4, memoryBytes: 1, gpus: 0 };
let jobId = 0;

const added = (name: string): SchedulerEvent => ({
  kind: 'NodeAdded',
  atMs: 0,
  node: { name, resources, gpuType: null, leaf: null },
});

/** An attempt on some nodes, of which one fails under it or none. */
function attempt(atMs: number, nodeNames: string[], failed: string | null, state: EndState): SchedulerEvent[] {
  jobId += 1;
  const placement = nodeNames.map((nodeName) => ({ nodeName, resources, gpuIndices: [] }));
  return [
    { kind: 'AttemptStarting', atMs, jobId, attempt: 1, placement },
    ...(failed === null ? [] : [{ kind: 'NodeFailed' as const, atMs: atMs + 1, nodeName: failed, reason: 'drill' }]),
    { kind: 'AttemptEnded', atMs: atMs + 2, jobId, attempt: 1, state, exitCode: 1 },
    ...(failed === null ? [] : [{ kind: 'NodeResumed' as const, atMs: atMs + 3, nodeName: failed }]),
  ];
}

function watch(...events: SchedulerEvent[]): { detector: LemonDetector; facts: LemonFacts } {
  const detector = new LemonDetector();
  const facts = new LemonFacts(detector, 'health: ');
  for (const event of [added('n1'), added('n2'), added('n3'), ...events]) facts.apply(event);
  return { detector, facts };
}

/** Values of the signals of one node that are not 0. */
function signals(detector: LemonDetector, nodeName: string, nowMs: number): Record<string, number> {
  const { evidence = [] } = detector.survey(nowMs).find((node) => node.nodeName === nodeName) ?? {};
  return Object.fromEntries(evidence.flatMap(({ signal, value }) => (value === 0 ? [] : [[signal, value]])));
}

describe('what the facts of a scheduler say of its nodes', () => {
  it('is that a node ended a gang, or a job of its own, when it failed under it', () => {
    const { detector } = watch(
      ...attempt(10, ['n1', 'n2'], 'n2', 'NODE_FAIL'),
      ...attempt(20, ['n2'], 'n2', 'NODE_FAIL'),
      ...attempt(30, ['n2'], 'n2', 'NODE_FAIL'),
      ...attempt(40, ['n2'], null, 'FAILED'),
      ...attempt(50, ['n2'], null, 'COMPLETED'),
    );
    expect(signals(detector, 'n2', 60)).toEqual({
      out_count: 3,
      multi_node_node_fails: 1,
      single_node_node_fails: 2,
      single_node_node_failure_rate: 0.5,
    });
    expect(signals(detector, 'n1', 60)).toEqual({});
    expect(signals(detector, 'n2', 29 * DAY_MS)).toEqual({});
  });

  it('is that a gang was lost with a node that nobody called down', () => {
    const lost = attempt(10, ['n1', 'n2'], null, 'NODE_FAIL').map((event): SchedulerEvent => {
      return event.kind === 'AttemptEnded' ? { ...event, lostNodes: ['n2'] } : event;
    });
    const { detector } = watch(...lost);
    expect(signals(detector, 'n2', 60)).toEqual({ multi_node_node_fails: 1 });
    expect(signals(detector, 'n1', 60)).toEqual({});
  });

  it('is what its GPUs reported, and how often somebody was asked to look at it', () => {
    const { detector } = watch(
      { kind: 'XidSeen', atMs: 10, nodeName: 'n1', xid: 79 },
      { kind: 'XidSeen', atMs: 20, nodeName: 'n1', xid: 79 },
      { kind: 'XidSeen', atMs: 30, nodeName: 'n1', xid: 31 },
      { kind: 'TicketOpened', atMs: 40, nodeName: 'n1', reason: 'fan' },
    );
    expect(signals(detector, 'n1', 50)).toEqual({ xid_cnt: 2, tickets: 1 });
    expect(signals(detector, 'n2', 50)).toEqual({});
  });

  it('is nothing where no node of the job had failed: the machine itself was restarted', () => {
    const { detector } = watch(
      ...attempt(10, ['n1'], 'n1', 'NODE_FAIL'),
      ...attempt(20, ['n1', 'n2'], null, 'NODE_FAIL'),
    );
    expect(signals(detector, 'n1', 60)).toEqual({ out_count: 1, single_node_node_fails: 1 });
  });

  it('is that a node ended a job on which a health check found it unfit about then, unless somebody wanted the end', () => {
    const minute = 60_000;
    const drained = (atMs: number, nodeName: string, reason = 'health: gpu-xid: XID 79'): SchedulerEvent[] => [
      { kind: 'NodeDrained', atMs, nodeName, reason },
      { kind: 'NodeResumed', atMs: atMs + 1, nodeName },
    ];
    const run = (startMs: number, endMs: number, nodeNames: string[], state: EndState, during: SchedulerEvent[]) => {
      const [start, end] = attempt(startMs, nodeNames, null, state);
      return [start, ...during, end && { ...end, atMs: endMs }].filter((event) => event !== undefined);
    };
    const start = 100 * minute;
    const { detector } = watch(
      // Put back by the health check while it ran, on the node that is found unfit.
      ...run(start, start + 9 * minute, ['n1', 'n2'], 'CANCELLED', drained(start + minute, 'n2')),
      // It fails, and the epilog finds out why.
      ...run(start, start + 20 * minute, ['n2', 'n3'], 'FAILED', []),
      ...run(start, start + 20 * minute, ['n2'], 'FAILED', []),
      ...drained(start + 24 * minute, 'n2'),
      // Too late, too long before, drained for something else, and ends that have another cause.
      ...run(start, start + 40 * minute, ['n3'], 'FAILED', []),
      ...drained(start + 46 * minute, 'n3'),
      ...run(start + 50 * minute, start + 70 * minute, ['n1'], 'FAILED', drained(start + 52 * minute, 'n1')),
      ...run(start + 80 * minute, start + 81 * minute, ['n1'], 'FAILED', drained(start + 80 * minute, 'n1', 'new fan')),
      ...run(start + 90 * minute, start + 91 * minute, ['n1'], 'COMPLETED', drained(start + 90 * minute, 'n1')),
      ...run(start + 100 * minute, start + 101 * minute, ['n1'], 'CANCELLED', [
        { kind: 'JobCancelRequested', atMs: start + 100 * minute, jobId: jobId + 1 },
        ...drained(start + 100 * minute, 'n1'),
      ]),
    );
    const nowMs = start + 200 * minute;
    expect(signals(detector, 'n2', nowMs)).toEqual({
      out_count: 2,
      multi_node_node_fails: 2,
      single_node_node_fails: 1,
    });
    expect(signals(detector, 'n3', nowMs)).toEqual({ out_count: 1 });
    expect(signals(detector, 'n1', nowMs)).toEqual({ out_count: 4 });
  });

  it('knows a lemon again that jobs keep off because it may not be drained', () => {
    const avoided = { kind: 'NodeAvoided' as const, atMs: 5, nodeName: 'n3', reason: `${LEMON_REASON}: x` };
    const bad = Array.from({ length: 6 }, (_, index) => attempt(10 * index, ['n3'], 'n3', 'NODE_FAIL')).flat();
    const { detector, facts } = watch(...bad, avoided);
    expect(detector.isFlagged('n3')).toBe(true);
    expect(detector.review(100)).toEqual([]);
    // That it comes back after a check had taken it out mends nothing.
    facts.apply({ kind: 'NodeResumed', atMs: 103, nodeName: 'n3' });
    expect(detector.isFlagged('n3')).toBe(true);
    facts.apply({ ...avoided, atMs: 104, reason: null });
    expect([detector.isFlagged('n3'), signals(detector, 'n3', 105)]).toEqual([false, {}]);
  });

  it('counts a drain of a node that is out already once, and a job that excludes nodes once', () => {
    const job = {
      jobId: 500,
      submitMs: 0,
      priority: 0,
      nodes: 1,
      perNode: resources,
      gpuType: null,
      exclusive: false,
      timeLimitMs: null,
      excludedNodes: ['n1'],
      maxRequeues: 0,
      dependencies: [],
      isHeld: false,
    };
    const { detector } = watch(
      { kind: 'NodeDrained', atMs: 1, nodeName: 'n1', reason: 'fan' },
      { kind: 'NodeFailed', atMs: 2, nodeName: 'n1', reason: 'fan' },
      { kind: 'JobSubmitted', atMs: 3, job },
      { kind: 'JobSubmitted', atMs: 4, job },
    );
    expect(signals(detector, 'n1', 5)).toEqual({ out_count: 1, excl_jobid_count: 1 });
  });

  it('finds a lemon once; after it was drained for that and resumed it counts as another node', () => {
    const bad = Array.from({ length: 6 }, (_, index) => attempt(10 * index, ['n3'], 'n3', 'NODE_FAIL')).flat();
    const { detector, facts } = watch(...bad);
    expect(detector.review(100).map(({ nodeName }) => nodeName)).toEqual(['n3']);
    expect(detector.review(101)).toEqual([]);
    const drained: SchedulerEvent = { kind: 'NodeDrained', atMs: 101, nodeName: 'n3', reason: `${LEMON_REASON}: x` };
    facts.apply(drained);
    expect(detector.isFlagged('n3')).toBe(true);
    // A daemon that starts anew knows by the drain that the verdict was given.
    const again = watch(...bad, drained);
    expect(again.detector.review(102)).toEqual([]);
    again.facts.apply({ kind: 'NodeResumed', atMs: 103, nodeName: 'n3' });
    expect(again.detector.isFlagged('n3')).toBe(false);
    expect(signals(again.detector, 'n3', 104)).toEqual({});
  });
});
