import type { Resources } from '../cluster/node.ts';
import { definite } from '../lib/assert.ts';
import { empty } from '../lib/empty.ts';

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

/** What is free on a node. Jobs that are being ended already count as gone. */
export interface SpareNode {
  readonly spareGpus: number;
  readonly spareCpus: number;
  readonly spareMemoryBytes: number;
  /** How many jobs are on it. */
  readonly spareJobs: number;
  /** Whether it may be given out, were it empty. */
  readonly isGivable: boolean;
}

export interface GangNeed {
  /** Gang size, at least 1. */
  readonly nodes: number;
  readonly perNode: Readonly<Resources>;
  /** Only nodes without any other job. */
  readonly isExclusive: boolean;
  /** Whether the job must not be on a node, were it empty; absent where all usable nodes are alike to it. */
  readonly isKeptOff?: (node: number) => boolean;
}

export interface VictimChoice<T> {
  /** In the order of preference. */
  readonly victims: T[];
  /** Nodes on which the gang fits once the victims are gone, as many as it needs: those that need the least preferred victims last. */
  readonly nodeIndices: number[];
}

/** Candidates in the order of preference, as many as are asked for. */
export interface CandidateSource<T> {
  /** Undefined where there are no more. */
  take(): T | undefined;
}

/** Not even all candidates together make room: so many nodes more would have to fit. */
export interface NoChoice {
  readonly missingNodes: number;
}

/**
 * Whom to preempt so that a gang fits, as Slurm's `select/cons_tres` goes about it: candidates are taken in order (`isPreferredVictim`)
 * until the gang fits. They are then tried again with the last one first and the others by how many of the gang's nodes they hold
 * (`reorder_count=1`), which finds the one large job that is worth many small ones. Whoever turns out not to be needed is spared, the least
 * preferred first. No victim can be left out of the result, and none of it is less preferred than the least preferred that any choice
 * needs. Only so many candidates are asked for as are needed, and only their nodes are looked at.
 */
export class VictimSearch {
  readonly #space = new Space();

  /** `nodes` by index; `open`: those on which one rank fits as it is, ascending. */
  chooseInOrder<T extends VictimCandidate>(
    candidates: CandidateSource<T>,
    nodes: readonly SpareNode[],
    need: GangNeed,
    open: readonly number[],
  ): VictimChoice<T> | NoChoice {
    const space = this.#space;
    space.begin(nodes, need, open);
    const taken: T[] = [];
    if (!space.hasRoom()) {
      for (let candidate = candidates.take(); candidate !== undefined; candidate = candidates.take()) {
        space.vacate(candidate);
        taken.push(candidate);
        if (space.hasRoom()) break;
      }
      if (!space.hasRoom()) return { missingNodes: space.missingNodes };
    }
    // A single one is the last that was needed, and there is nobody to be spared.
    if (taken.length <= 1) return { victims: taken, nodeIndices: space.firstFitting() };

    const order = reordered(taken, space);
    const at = (position: number) => definite(taken[position], 'a position of one that was taken');
    space.reset();
    let count = 0;
    while (!space.hasRoom()) space.vacate(at(definite(order[count++], 'those taken before make room')));

    const positions = order.slice(0, count).sort((a, b) => a - b);
    for (let slot = positions.length - 1; slot >= 0; slot--) {
      const candidate = at(definite(positions[slot], 'in range'));
      space.occupy(candidate);
      if (space.hasRoom()) positions.splice(slot, 1);
      else space.vacate(candidate);
    }
    // Once more in order of preference, so that nodes that need no victim, or a preferred one, are named first.
    const victims = positions.map(at);
    space.reset();
    for (const victim of victims) space.vacate(victim);
    return { victims, nodeIndices: space.firstFitting() };
  }
}

/** Whether `a` is to go rather than `b`: the lower priority, then fewer nodes, then the lower id; or the younger. Total. */
export function isPreferredVictim(a: VictimCandidate, b: VictimCandidate, isYoungestFirst: boolean): boolean {
  if (isYoungestFirst) return a.startMs !== b.startMs ? a.startMs > b.startMs : a.jobId < b.jobId;
  if (a.preemptionPriority !== b.preemptionPriority) return a.preemptionPriority < b.preemptionPriority;
  if (a.nodeIndices.length !== b.nodeIndices.length) return a.nodeIndices.length < b.nodeIndices.length;
  return a.jobId < b.jobId;
}

/** Positions in `taken`: the last first, then by how many of the gang's nodes each holds. */
function reordered(taken: readonly VictimCandidate[], space: Space): number[] {
  const last = taken.length - 1;
  const gang = new Set(space.firstFitting());
  const overlaps: number[] = [];
  for (let position = 0; position < last; position++) {
    let overlap = 0;
    for (const node of taken[position]!.nodeIndices) if (gang.has(node)) overlap += 1;
    overlaps.push(overlap);
  }
  const positions = overlaps.map((_, position) => position);
  positions.sort((a, b) => overlaps[b]! - overlaps[a]! || a - b);
  positions.unshift(last);
  return positions;
}

/** Whether one rank of the gang fits on the node, which has this index, as it is. */
export function isOpen(node: SpareNode, need: GangNeed, index: number): boolean {
  if (!node.isGivable || need.isKeptOff?.(index) === true) return false;
  const { perNode, isExclusive } = need;
  if (isExclusive) return node.spareJobs === 0;
  return (
    node.spareGpus >= perNode.gpus && node.spareCpus >= perNode.cpus && node.spareMemoryBytes >= perNode.memoryBytes
  );
}

const NO_NEED: GangNeed = { nodes: 0, perNode: { gpus: 0, cpus: 0, memoryBytes: 0 }, isExclusive: false };

/**
 * The nodes as they would be if some jobs were gone, and how many of them one rank of the gang would fit on. Of all nodes only those that
 * the jobs hold are looked at: the columns are kept from one search to the next, and what a search has not touched is stale.
 */
class Space {
  #nodes: readonly SpareNode[] = [];
  #need = NO_NEED;
  #open: readonly number[] = [];
  #gpus = new Float64Array(0);
  #cpus = new Float64Array(0);
  #memoryBytes = new Float64Array(0);
  #jobs = new Float64Array(0);
  /** The step at which the node began to fit; 0: it did from the start; -1: it does not; -2: the job may not be there. */
  #fitsSince = new Int32Array(0);
  /** The number of the search that touched the node last. */
  #touchedBy = new Uint32Array(0);
  #search = 0;
  readonly #touched: number[] = [];
  #fitting = 0;
  #step = 0;

  begin(nodes: readonly SpareNode[], need: GangNeed, open: readonly number[]): void {
    if (nodes.length > this.#jobs.length) this.#grow(nodes.length);
    this.#nodes = nodes;
    this.#need = need;
    this.#open = open;
    this.#search = (this.#search + 1) >>> 0;
    empty(this.#touched);
    this.#step = 0;
    this.#fitting = open.length;
  }

  reset(): void {
    this.#step = 0;
    this.#fitting = this.#open.length;
    for (const node of this.#touched) this.#load(node);
  }

  get missingNodes(): number {
    return this.#need.nodes - this.#fitting;
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
    const later = this.#touched.filter((node) => this.#since(node) > 0);
    if (later.length > 1) later.sort((a, b) => this.#since(a) - this.#since(b) || a - b);
    return this.#open.concat(later).slice(0, this.#need.nodes);
  }

  #since(node: number): number {
    return this.#fitsSince[node] ?? -1;
  }

  #load(index: number): void {
    const node = this.#nodes[index]!;
    this.#jobs[index] = node.spareJobs;
    // Whoever takes whole nodes asks for no more.
    if (!this.#need.isExclusive) {
      this.#gpus[index] = node.spareGpus;
      this.#cpus[index] = node.spareCpus;
      this.#memoryBytes[index] = node.spareMemoryBytes;
    }
    const isBarred = !node.isGivable || this.#need.isKeptOff?.(index) === true;
    this.#fitsSince[index] = isBarred ? -2 : this.#fits(index) ? 0 : -1;
  }

  #fits(node: number): boolean {
    const { perNode, isExclusive } = this.#need;
    if (isExclusive) return this.#jobs[node] === 0;
    return (
      this.#gpus[node]! >= perNode.gpus &&
      this.#cpus[node]! >= perNode.cpus &&
      this.#memoryBytes[node]! >= perNode.memoryBytes
    );
  }

  #change({ nodeIndices, perNode }: VictimCandidate, sign: 1 | -1): void {
    const { isExclusive } = this.#need;
    const search = this.#search;
    const touchedBy = this.#touchedBy;
    const fitsSince = this.#fitsSince;
    const jobs = this.#jobs;
    for (let rank = 0; rank < nodeIndices.length; rank++) {
      const node = nodeIndices[rank]!;
      if (touchedBy[node] !== search) {
        touchedBy[node] = search;
        this.#touched.push(node);
        this.#load(node);
      }
      const since = fitsSince[node]!;
      if (since === -2) continue;
      jobs[node]! -= sign;
      if (!isExclusive) this.#give(node, perNode, sign);
      const fits = isExclusive ? jobs[node] === 0 : this.#fits(node);
      if (fits === since >= 0) continue;
      fitsSince[node] = fits ? this.#step : -1;
      this.#fitting += fits ? 1 : -1;
    }
  }

  /** With sign -1: takes it. */
  #give(node: number, { gpus, cpus, memoryBytes }: Readonly<Resources>, sign: 1 | -1): void {
    this.#gpus[node]! += sign * gpus;
    this.#cpus[node]! += sign * cpus;
    this.#memoryBytes[node]! += sign * memoryBytes;
  }

  #grow(size: number): void {
    this.#gpus = new Float64Array(size);
    this.#cpus = new Float64Array(size);
    this.#memoryBytes = new Float64Array(size);
    this.#jobs = new Float64Array(size);
    this.#fitsSince = new Int32Array(size);
    this.#touchedBy = new Uint32Array(size);
    this.#search = 1;
  }
}
