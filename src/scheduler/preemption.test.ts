import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type GangNeed, type SpareNode, type VictimCandidate, VictimSearch } from './preemption.ts';
import { chooseVictims, naiveFitting, naiveOrder, naivePrefix } from './preemption.test-support.ts';

const GPUS = 8;

interface RunningShape {
  nodes: readonly number[];
  gpus: number;
  priority: number;
  startMs: number;
  isVictim: boolean;
}

/** Puts jobs on nodes as long as they fit; those not to be preempted only take room. */
function cluster(nodeCount: number, shapes: readonly RunningShape[], unusable: readonly number[] = []) {
  const gpus = Array.from({ length: nodeCount }, () => GPUS);
  const jobs = Array.from({ length: nodeCount }, () => 0);
  const candidates: VictimCandidate[] = [];
  for (const [index, shape] of shapes.entries()) {
    if (shape.nodes.some((node) => (gpus[node] ?? 0) < shape.gpus)) continue;
    for (const node of shape.nodes) {
      gpus[node] = (gpus[node] ?? 0) - shape.gpus;
      jobs[node] = (jobs[node] ?? 0) + 1;
    }
    if (!shape.isVictim) continue;
    candidates.push({
      jobId: index + 1,
      preemptionPriority: shape.priority,
      startMs: shape.startMs,
      nodeIndices: shape.nodes,
      perNode: { gpus: shape.gpus, cpus: 2 * shape.gpus, memoryBytes: 10 * shape.gpus },
    });
  }
  const spare = gpus.map(
    (free, node): SpareNode => ({
      spareGpus: free,
      spareCpus: 2 * free,
      spareMemoryBytes: 10 * free,
      spareJobs: jobs[node] ?? 0,
      isGivable: !unusable.includes(node),
    }),
  );
  return { candidates, spare };
}

function gang(nodes: number, gpus: number, isExclusive = false): GangNeed {
  return { nodes, perNode: { gpus, cpus: 2 * gpus, memoryBytes: 10 * gpus }, isExclusive };
}

function job(nodes: readonly number[], gpus: number, priority = 0, startMs = 0): RunningShape {
  return { nodes, gpus, priority, startMs, isVictim: true };
}

/** Ids of the victims. */
function victims(shapes: readonly RunningShape[], need: GangNeed, isYoungestFirst = false): number[] | null {
  const { candidates, spare } = cluster(4, shapes);
  const choice = chooseVictims(candidates, spare, need, isYoungestFirst);
  return choice === null ? null : choice.victims.map((index) => candidates[index]?.jobId ?? 0);
}

describe('the choice of victims', () => {
  it('is nobody where the gang fits', () => {
    expect(victims([job([0], 8)], gang(3, 8))).toEqual([]);
  });

  it('is null where the gang does not fit even if all go', () => {
    expect(victims([{ ...job([0], 1), isVictim: false }, job([1], 8)], gang(4, 8))).toBeNull();
  });

  it('takes the lowest priority, of those the one with fewest nodes, of those the first', () => {
    expect(victims([job([0], 8, 5), job([1], 8, 1), job([2], 8, 1), job([3], 8, 2)], gang(1, 8))).toEqual([2]);
    expect(victims([job([0, 1], 8, 1), job([2], 8, 1), job([3], 8, 1)], gang(1, 8))).toEqual([2]);
  });

  it('takes the youngest where it is asked to', () => {
    const shapes = [job([0], 8, 1, 10), job([1], 8, 5, 30), job([2], 8, 1, 20), job([3], 8, 1, 5)];
    expect(victims(shapes, gang(2, 8), true)).toEqual([2, 3]);
  });

  it('takes one large job rather than many small ones and the large one too', () => {
    expect(victims([job([0], 8, 1), job([1], 8, 1), job([2, 3], 8, 1)], gang(2, 8))).toEqual([1, 2]);
    expect(victims([job([0], 8, 1), job([1, 2, 3], 8, 1)], gang(3, 8))).toEqual([2]);
  });

  it('takes few jobs that hold much rather than many that hold little, once the last that is needed is known', () => {
    const { candidates, spare } = cluster(7, [job([0], 8, 1), job([1], 8, 1), job([2, 3], 8, 2), job([4, 5, 6], 8, 3)]);
    expect(chooseVictims(candidates, spare, gang(5, 8), false)?.victims).toEqual([2, 3]);
  });

  it('takes all the jobs of a node for a gang that wants nodes to itself', () => {
    const shapes = [job([0], 1), job([0], 1), job([1, 2, 3], 1)];
    expect(victims(shapes, gang(1, 1, true))).toEqual([1, 2]);
    expect(victims(shapes, gang(1, 1))).toEqual([]);
  });

  it('spares jobs on nodes that the gang cannot use', () => {
    const { candidates, spare } = cluster(4, [job([0], 8, 0), job([1], 8, 1), job([2], 8, 1), job([3], 8, 1)], [0, 1]);
    expect(chooseVictims(candidates, spare, gang(1, 8), false)).toEqual({ victims: [2], nodeIndices: [2] });
  });

  it('is enough, without anybody in vain, and no less preferred than it has to be', () => {
    const nodeCount = 6;
    const running = fc.record({
      nodes: fc.uniqueArray(fc.nat(nodeCount - 1), { minLength: 1, maxLength: 4 }),
      gpus: fc.constantFrom(1, 2, 4, 4, 8, 8),
      priority: fc.nat(2),
      startMs: fc.nat(5),
      isVictim: fc.constantFrom(true, true, true, false),
    });
    const needs = fc.record({
      nodes: fc.integer({ min: 1, max: 5 }),
      gpus: fc.constantFrom(1, 4, 8),
      isExclusive: fc.boolean(),
    });
    const used = new VictimSearch();
    const seen = { none: 0, null: 0, some: 0, several: 0 };
    fc.assert(
      fc.property(
        fc.array(running, { maxLength: 16 }),
        needs,
        fc.boolean(),
        fc.uniqueArray(fc.nat(nodeCount - 1), { maxLength: 2 }),
        (shapes, shape, isYoungestFirst, unusable) => {
          const { candidates, spare } = cluster(nodeCount, shapes, unusable);
          const need = gang(shape.nodes, shape.gpus, shape.isExclusive);
          const order = naiveOrder(candidates, isYoungestFirst);
          const prefix = naivePrefix(candidates, order, spare, need);
          const choice = chooseVictims(candidates, spare, need, isYoungestFirst);
          expect(chooseVictims(candidates, spare, need, isYoungestFirst, used)).toEqual(choice);
          if (prefix === null) seen.null += 1;
          else if (prefix === 0) seen.none += 1;
          else if ((choice?.victims.length ?? 0) > 1) seen.several += 1;
          else seen.some += 1;
          expect(choice === null).toBe(prefix === null);
          if (prefix === null || choice === null) return;
          const gone = choice.victims.flatMap((index) => candidates[index] ?? []);
          const fitting = naiveFitting(gone, spare, need);
          expect(new Set(choice.nodeIndices).size).toBe(need.nodes);
          expect(choice.nodeIndices.every((node) => fitting.includes(node))).toBe(true);
          const ranks = choice.victims.map((index) => order.indexOf(index));
          expect([...ranks].sort((a, b) => a - b)).toEqual(ranks);
          expect((ranks.at(-1) ?? -1) + 1).toBe(prefix);
          for (const spared of gone) {
            const others = gone.filter((other) => other !== spared);
            expect(naiveFitting(others, spare, need).length).toBeLessThan(need.nodes);
          }
          const reversed = chooseVictims([...candidates].reverse(), spare, need, isYoungestFirst);
          expect(reversed?.victims.map((index) => candidates.length - 1 - index)).toEqual(choice.victims);
        },
      ),
      { numRuns: 1000 },
    );
    for (const count of Object.values(seen)) expect(count).toBeGreaterThan(20);
  });
});
