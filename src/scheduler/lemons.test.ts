import { describe, expect, it } from 'vitest';
import { LemonDetector, type LemonObservation, type LemonOptions } from './lemons.ts';

const DAY_MS = 86_400_000;

function names(count: number): string[] {
  return Array.from({ length: count }, (_, index) => `n${index + 1}`);
}

function detectorOf(count: number, options?: LemonOptions): LemonDetector {
  const detector = new LemonDetector(options);
  for (const name of names(count)) detector.addNode(name, 0);
  return detector;
}

/** A node fails: taken out with a ticket, a job of several nodes lost. */
function fail(detector: LemonDetector, nodeName: string, day: number): void {
  const atMs = day * DAY_MS;
  for (const kind of ['NodeTakenOut', 'TicketOpened', 'MultiNodeJobLost'] as const) {
    detector.observe({ kind, nodeName, atMs });
  }
}

const found = (detector: LemonDetector, day: number) => detector.review(day * DAY_MS).map(({ nodeName }) => nodeName);

describe('the lemon detector', () => {
  it('names a node that ends jobs again and again, with its evidence, once', () => {
    const detector = detectorOf(200);
    for (const day of [1, 3, 6]) fail(detector, 'n7', day);
    expect(found(detector, 7)).toEqual([]);
    fail(detector, 'n7', 8);
    const [verdict, ...others] = detector.review(9 * DAY_MS);
    expect(others).toEqual([]);
    expect(verdict?.nodeName).toBe('n7');
    expect(verdict?.evidence.map(({ signal }) => signal)).toHaveLength(7);
    expect(verdict?.evidence.filter(({ isExceeded }) => isExceeded)).toEqual([
      { signal: 'tickets', value: 4, threshold: 2, isExceeded: true },
      { signal: 'out_count', value: 4, threshold: 4, isExceeded: true },
      { signal: 'multi_node_node_fails', value: 4, threshold: 3, isExceeded: true },
    ]);
    expect(found(detector, 10)).toEqual([]);
  });

  it('forgets what is older than the window', () => {
    const detector = detectorOf(200);
    for (const day of [1, 2, 20, 40]) fail(detector, 'n7', day);
    expect(found(detector, 41)).toEqual([]);
    const late = detectorOf(200);
    for (const day of [13, 20, 30, 40]) fail(late, 'n7', day);
    expect(found(late, 41)).toEqual([]);
    const inTime = detectorOf(200);
    for (const day of [14, 20, 30, 40]) fail(inTime, 'n7', day);
    expect(found(inTime, 41)).toEqual(['n7']);
  });

  it('takes no verdict from what users exclude', () => {
    const detector = detectorOf(200, { signalsMin: 1 });
    for (let job = 0; job < 50; job++) detector.observe({ kind: 'NodeExcluded', nodeName: 'n7', atMs: DAY_MS });
    expect(found(detector, 2)).toEqual([]);
  });

  it('takes no verdict from checks alone, without a job that was lost', () => {
    const detector = detectorOf(200);
    for (const day of [1, 2, 3, 4, 5]) {
      const atMs = day * DAY_MS;
      detector.observe({ kind: 'NodeTakenOut', nodeName: 'n7', atMs });
      detector.observe({ kind: 'TicketOpened', nodeName: 'n7', atMs });
      detector.observe({ kind: 'XidSeen', nodeName: 'n7', atMs, xid: 48 + day });
    }
    expect(found(detector, 6)).toEqual([]);
    for (const day of [6, 7, 8]) detector.observe({ kind: 'MultiNodeJobLost', nodeName: 'n7', atMs: day * DAY_MS });
    expect(found(detector, 9)).toEqual(['n7']);
  });

  it('counts an XID error once, however often it comes', () => {
    const detector = detectorOf(200, { signalsMin: 2 });
    const see = (xid: number): LemonObservation => ({ kind: 'XidSeen', nodeName: 'n7', atMs: DAY_MS, xid });
    for (let each = 0; each < 3; each++) {
      detector.observe({ kind: 'MultiNodeJobLost', nodeName: 'n7', atMs: DAY_MS });
      detector.observe(see(79));
    }
    expect(found(detector, 2)).toEqual([]);
    detector.observe(see(48));
    expect(found(detector, 2)).toEqual(['n7']);
  });

  it('knows single-node jobs by share as well as by number', () => {
    const detector = detectorOf(200, { signalsMin: 2, minimums: { single_node_node_failure_rate: 0.5 } });
    const end = (nodeName: string, isNodeFailure: boolean) =>
      detector.observe({ kind: 'SingleNodeJobEnded', nodeName, atMs: DAY_MS, isNodeFailure });
    for (let job = 0; job < 4; job++) end('n7', job < 2);
    for (let job = 0; job < 40; job++) end('n8', job < 2);
    // One of one is no rate.
    end('n9', true);
    expect(found(detector, 2)).toEqual(['n7']);
  });

  it('judges a node against its fleet: what all have is nobody’s', () => {
    const detector = detectorOf(200);
    for (const name of names(200)) for (const day of [1, 2, 3, 4]) fail(detector, name, day);
    expect(found(detector, 5)).toEqual([]);
    for (const day of [5, 6]) fail(detector, 'n7', day);
    expect(found(detector, 7)).toEqual(['n7']);
  });

  it('names the worst first and no more than a share of the fleet at a time', () => {
    const detector = detectorOf(400, { quantile: 0.9 });
    for (let index = 1; index <= 10; index++) {
      for (let each = 0; each < 3 + index; each++) fail(detector, `n${index}`, 1);
    }
    expect(found(detector, 2)).toEqual(['n10', 'n9', 'n8', 'n7']);
    expect(found(detector, 3)).toEqual(['n6', 'n5', 'n4', 'n3']);
    expect(found(detector, 4)).toEqual(['n2', 'n1']);
  });

  it('works on a small cluster too', () => {
    const detector = detectorOf(16);
    for (const day of [1, 2, 3, 4]) fail(detector, 'n3', day);
    expect(found(detector, 5)).toEqual(['n3']);
  });

  it('begins anew with a node that was swapped, and keeps nothing of one that is gone', () => {
    const detector = detectorOf(200);
    for (const day of [1, 2, 3, 4]) fail(detector, 'n7', day);
    detector.addNode('n7', 4.5 * DAY_MS);
    expect(found(detector, 5)).toEqual([]);
    for (const day of [5, 6, 7, 8]) fail(detector, 'n7', day);
    expect(found(detector, 9)).toEqual(['n7']);
    detector.removeNode('n8');
    for (const day of [5, 6, 7, 8]) fail(detector, 'n8', day);
    expect(found(detector, 9)).toEqual([]);
  });
});
