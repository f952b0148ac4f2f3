import type { Resources } from '../cluster/node.ts';
import { definite } from '../lib/assert.ts';
import { Heap } from '../lib/heap.ts';

/** A running job that may be preempted. A scheduler's own job record fits where it has these. */
export interface VictimCandidate {
  readonly jobId: number;
  /** Of its QOS or partition tier (`PreemptionClass.priority`): the lowest goes first. */
  readonly preemptionPriority: number;
  readonly startMs: number;
  /** Its nodes, each once. */
  readonly nodeIndices: readonly number[];
  /** What it holds on each of them. */
  readonly perNode: Readonly<Resources>;
}

/** What is free, by node index. Jobs that are being ended already count as gone. */
export interface SpareCapacity {
  readonly gpus: ArrayLike<number>;
  readonly cpus: ArrayLike<number>;
  readonly memoryBytes: ArrayLike<number>;
  /** How many jobs are on the node. */
  readonly jobs: ArrayLike<number>;
  /** 1 where the preempting job could run, were the node empty. */
  readonly isUsable: ArrayLike<number>;
}

export interface GangNeed {
  /** Gang size, at least 1. */
  readonly nodes: number;
  readonly perNode: Readonly<Resources>;
  /** Only nodes without any other job. */
  readonly isExclusive: boolean;
}

export interface VictimChoice {
  /** Indices into the candidates, in the order of preference. */
  readonly victims: number[];
  /** Nodes on which the gang fits once the victims are gone, as many as it needs: those that need the least preferred victims last. */
  readonly nodeIndices: number[];
}

/**
 * Whom to preempt so that a gang fits, as Slurm's `select/cons_tres` goes about it: candidates are taken in order (lowest priority, then
 * fewest nodes, then lowest id; or the youngest) until the gang fits. They are then tried again with the last one first and the others by
 * how many of the gang's nodes they hold (`reorder_count=1`), which finds the one large job that is worth many small ones. Whoever turns
 * out not to be needed is spared, the least preferred first. No victim can be left out of the result, and none of it is less preferred
 * than the least preferred that any choice needs. Null where the gang does not fit even if all candidates go.
 */
export function chooseVictims(
  candidates: readonly VictimCandidate[],
  spare: SpareCapacity,
  need: GangNeed,
  isYoungestFirst: boolean,
): VictimChoice | null {
  const space = new Space(spare, need);
  if (space.hasRoom()) return { victims: [], nodeIndices: space.firstFitting() };
  for (const candidate of candidates) space.vacate(candidate);
  if (!space.hasRoom()) return null;

  const at = (index: number) => definite(candidates[index], 'an index of a candidate');
  const isBefore = isYoungestFirst
    ? (a: number, b: number) => isYounger(at(a), at(b))
    : (a: number, b: number) => isLessImportant(at(a), at(b));
  const taken = takeInOrder(candidates, space, isBefore);
  const order = reordered(taken, space, at);
  space.reset();
  let count = 0;
  while (!space.hasRoom()) space.vacate(at(definite(order[count++], 'those taken before make room')));

  const victims = order.slice(0, count).sort((a, b) => (isBefore(a, b) ? -1 : 1));
  for (let slot = victims.length - 1; slot >= 0; slot--) {
    const candidate = at(definite(victims[slot], 'in range'));
    space.occupy(candidate);
    if (space.hasRoom()) victims.splice(slot, 1);
    else space.vacate(candidate);
  }
  // Once more in order of preference, so that nodes that need no victim, or a preferred one, are named first.
  space.reset();
  for (const index of victims) space.vacate(at(index));
  return { victims, nodeIndices: space.firstFitting() };
}

function isYounger(a: VictimCandidate, b: VictimCandidate): boolean {
  return a.startMs !== b.startMs ? a.startMs > b.startMs : a.jobId < b.jobId;
}

function isLessImportant(a: VictimCandidate, b: VictimCandidate): boolean {
  if (a.preemptionPriority !== b.preemptionPriority) return a.preemptionPriority < b.preemptionPriority;
  if (a.nodeIndices.length !== b.nodeIndices.length) return a.nodeIndices.length < b.nodeIndices.length;
  return a.jobId < b.jobId;
}

/** Indices of those that had to go until there was room, in order. A heap, since it is mostly a few of thousands. */
function takeInOrder(
  candidates: readonly VictimCandidate[],
  space: Space,
  isBefore: (a: number, b: number) => boolean,
): number[] {
  space.reset();
  const heap = new Heap<number>(isBefore, () => {});
  for (let index = 0; index < candidates.length; index++) heap.push(index);
  const taken: number[] = [];
  while (!space.hasRoom()) {
    const index = definite(heap.pop(), 'all of them together make room');
    const candidate = definite(candidates[index], 'in range');
    space.vacate(candidate);
    taken.push(index);
  }
  return taken;
}

function reordered(taken: readonly number[], space: Space, at: (index: number) => VictimCandidate): number[] {
  const gang = new Set(space.firstFitting());
  const last = taken.at(-1);
  const overlaps = new Map<number, number>();
  for (const index of taken) {
    let overlap = 0;
    for (const node of at(index).nodeIndices) if (gang.has(node)) overlap += 1;
    overlaps.set(index, index === last ? Infinity : overlap);
  }
  // Stable: equal overlaps stay in the order of preference.
  return [...taken].sort((a, b) => {
    const [overlapOfA = 0, overlapOfB = 0] = [overlaps.get(a), overlaps.get(b)];
    return overlapOfA === overlapOfB ? 0 : overlapOfB - overlapOfA;
  });
}

/** The nodes as they would be if some jobs were gone, and how many of them one rank of the gang would fit on. */
class Space {
  readonly #spare: SpareCapacity;
  readonly #need: GangNeed;
  readonly #gpus: Float64Array;
  readonly #cpus: Float64Array;
  readonly #memoryBytes: Float64Array;
  readonly #jobs: Float64Array;
  /** The step at which the node began to fit; 0: it did from the start; -1: it does not. */
  readonly #fitsSince: Int32Array;
  #fitting = 0;
  #step = 0;

  constructor(spare: SpareCapacity, need: GangNeed) {
    this.#spare = spare;
    this.#need = need;
    this.#gpus = Float64Array.from(spare.gpus);
    this.#cpus = Float64Array.from(spare.cpus);
    this.#memoryBytes = Float64Array.from(spare.memoryBytes);
    this.#jobs = Float64Array.from(spare.jobs);
    this.#fitsSince = new Int32Array(this.#jobs.length);
    this.#findFitting();
  }

  reset(): void {
    this.#gpus.set(this.#spare.gpus);
    this.#cpus.set(this.#spare.cpus);
    this.#memoryBytes.set(this.#spare.memoryBytes);
    this.#jobs.set(this.#spare.jobs);
    this.#findFitting();
  }

  hasRoom(): boolean {
    return this.#fitting >= this.#need.nodes;
  }

  /** The job is gone. */
  vacate(job: VictimCandidate): void {
    this.#step += 1;
    this.#change(job, 1);
  }

  /** The job is there after all. */
  occupy(job: VictimCandidate): void {
    this.#change(job, -1);
  }

  /** As many nodes as the gang needs: those that fitted earliest, then by index. */
  firstFitting(): number[] {
    const nodes: number[] = [];
    for (let node = 0; node < this.#fitsSince.length; node++) if (this.#since(node) >= 0) nodes.push(node);
    return nodes.sort((a, b) => this.#since(a) - this.#since(b) || a - b).slice(0, this.#need.nodes);
  }

  #since(node: number): number {
    return this.#fitsSince[node] ?? -1;
  }

  #findFitting(): void {
    this.#step = 0;
    this.#fitting = 0;
    for (let node = 0; node < this.#fitsSince.length; node++) {
      const fits = this.#fits(node);
      this.#fitsSince[node] = fits ? 0 : -1;
      if (fits) this.#fitting += 1;
    }
  }

  #fits(node: number): boolean {
    if (this.#spare.isUsable[node] !== 1) return false;
    const { perNode, isExclusive } = this.#need;
    if (isExclusive) return this.#jobs[node] === 0;
    return (
      (this.#gpus[node] ?? 0) >= perNode.gpus &&
      (this.#cpus[node] ?? 0) >= perNode.cpus &&
      (this.#memoryBytes[node] ?? 0) >= perNode.memoryBytes
    );
  }

  #change({ nodeIndices, perNode }: VictimCandidate, sign: 1 | -1): void {
    for (const node of nodeIndices) {
      if (this.#spare.isUsable[node] !== 1) continue;
      this.#gpus[node] = (this.#gpus[node] ?? 0) + sign * perNode.gpus;
      this.#cpus[node] = (this.#cpus[node] ?? 0) + sign * perNode.cpus;
      this.#memoryBytes[node] = (this.#memoryBytes[node] ?? 0) + sign * perNode.memoryBytes;
      this.#jobs[node] = (this.#jobs[node] ?? 0) - sign;
      const fits = this.#fits(node);
      if (fits === this.#since(node) >= 0) continue;
      this.#fitsSince[node] = fits ? this.#step : -1;
      this.#fitting += fits ? 1 : -1;
    }
  }
}
