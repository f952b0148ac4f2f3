import { describe, expect, it } from 'vitest';
import { allReduceSeconds, allToAllSeconds, gatherSeconds, type Links, placeGroup, sendSeconds } from './collective.ts';

const links: Links = {
  nvlinkBytesPerSecond: 200e9,
  nvlinkLatencySeconds: 0,
  networkBytesPerSecond: 20e9,
  spineBytesPerSecond: 20e9,
  networkLatencySeconds: 0,
  nodesPerLeaf: 20,
};

describe('placeGroup', () => {
  it.each([
    [8, 1, { inNode: 8, nodes: 1 }],
    [16, 1, { inNode: 8, nodes: 2 }],
    [4, 2, { inNode: 4, nodes: 1 }],
    [32, 8, { inNode: 1, nodes: 32 }],
    [32, 4, { inNode: 2, nodes: 16 }],
    [6, 16, { inNode: 1, nodes: 6 }],
    [3, 1, { inNode: 1, nodes: 3 }],
    [12, 1, { inNode: 4, nodes: 3 }],
  ])('lays %i members %i GPUs apart on nodes of 8', (size, stride, group) => {
    expect(placeGroup(size, stride, 8)).toEqual(group);
  });
});

describe('collectives', () => {
  it('move (n - 1) / n of the bytes for a gather in a node, twice that for an all-reduce', () => {
    const group = { inNode: 8, nodes: 1 };
    expect(gatherSeconds(200e9, group, links)).toBeCloseTo(7 / 8, 12);
    expect(allReduceSeconds(200e9, group, links)).toBeCloseTo(14 / 8, 12);
  });

  it('cost nothing alone', () => {
    expect(gatherSeconds(1e9, { inNode: 1, nodes: 1 }, links)).toBe(0);
    expect(allToAllSeconds(1e9, { inNode: 1, nodes: 1 }, links)).toBe(0);
  });

  it('use the links of all members of a node between nodes', () => {
    const one = gatherSeconds(20e9, { inNode: 1, nodes: 4 }, links);
    const eight = gatherSeconds(20e9, { inNode: 8, nodes: 4 }, { ...links, nvlinkBytesPerSecond: Infinity });
    expect(one).toBeCloseTo(3 / 4, 12);
    expect(eight).toBeCloseTo(3 / 4 / 8, 12);
  });

  it('are held back by an oversubscribed spine only as far as they cross it', () => {
    const spine = { ...links, spineBytesPerSecond: 5e9 };
    const ring = { inNode: 1, nodes: 40 };
    // One node's traffic leaves a leaf of twenty: a ring does not feel four to one.
    expect(gatherSeconds(1e9, ring, spine)).toBe(gatherSeconds(1e9, ring, links));
    expect(gatherSeconds(1e9, ring, { ...spine, nodesPerLeaf: 2 })).toBeGreaterThan(gatherSeconds(1e9, ring, links));
    expect(allToAllSeconds(1e9, ring, spine)).toBeGreaterThan(3 * allToAllSeconds(1e9, ring, links));
    expect(sendSeconds(1e9, 160, 320, 8, spine)).toBeCloseTo(0.2, 12);
    expect(sendSeconds(1e9, 8, 16, 8, spine)).toBeCloseTo(0.05, 12);
    expect(sendSeconds(1e9, 4, 8, 8, spine)).toBeCloseTo(0.005, 12);
    // Every other hop of a chain over two nodes leaves a node.
    expect(sendSeconds(1e9, 4, 16, 8, spine)).toBeCloseTo(0.05, 12);
  });
});
