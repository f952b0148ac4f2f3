import { assert, definite } from '../lib/assert.ts';
import { type CandidateSource, isPreferredVictim, type VictimCandidate } from './preemption.ts';
import type { PreemptionClass, PreemptionRules } from './preemption-rules.ts';

/** A running job, as far as preemption goes. All it says does not change between `started` and `ended`. */
export interface PreemptibleJob extends VictimCandidate {
  readonly preemption: PreemptionClass;
  /** Whether it has run long enough, as far as was looked. Kept by `PreemptibleJobs`. */
  isRipe: boolean;
  /** It has left before it had. Kept by `PreemptibleJobs`. */
  isGone: boolean;
}

/** Fewer are not worth tidying up. */
const TIDY_MIN = 64;

/** What jobs of a class can get from others. */
export interface Outlook {
  /** GPUs, on whatever nodes: if they are too few there is no need to look on. */
  readonly gpus: number;
  /** When the next job joins those that may be preempted; Infinity for never. */
  readonly nextMs: number;
}

/** One that was worked out. */
interface KnownOutlook extends Outlook {
  gpus: number;
  nextMs: number;
  /** Starts and ends up to then. */
  changes: number;
}

/** The jobs of one class that run. */
interface ClassJobs<T> {
  readonly exemptMs: number;
  /** Those that may be preempted, in the order of preference. */
  readonly ripe: T[];
  /** GPUs that these hold together. */
  ripeGpus: number;
  /** Those that have not run long enough, by start, some of which are gone; the first `passed` have left or are ripe. */
  readonly unripe: T[];
  passed: number;
  /** Of the others those that are gone. */
  gone: number;
}

/**
 * Who could be preempted now, kept up to date as jobs start and end, so that looking for victims costs what the victims cost and not what all
 * that runs costs. A class exempts all its jobs for the same time: they become candidates in the order in which they started.
 */
export class PreemptibleJobs<T extends PreemptibleJob> {
  /** Counts the nodes of jobs that became candidates. */
  ripenedNodes = 0;
  readonly #rules: PreemptionRules;
  readonly #isYoungestFirst: boolean;
  readonly #classes = new Map<PreemptionClass, ClassJobs<T>>();
  /** Whom each class may preempt, of the classes met so far. */
  readonly #victimsOf = new Map<PreemptionClass, readonly ClassJobs<T>[]>();
  readonly #outlooks = new Map<PreemptionClass, KnownOutlook>();
  /** Counts starts and ends. */
  #changes = 0;

  constructor(rules: PreemptionRules, isYoungestFirst: boolean) {
    this.#rules = rules;
    this.#isYoungestFirst = isYoungestFirst;
  }

  /** An attempt is on its nodes, as of `job.startMs`. */
  started(job: T): void {
    let jobs = this.#classes.get(job.preemption);
    if (jobs === undefined) {
      jobs = { exemptMs: job.preemption.exemptMs, ripe: [], ripeGpus: 0, unripe: [], passed: 0, gone: 0 };
      this.#classes.set(job.preemption, jobs);
      this.#victimsOf.clear();
    }
    this.#changes += 1;
    job.isRipe = false;
    job.isGone = false;
    // At the end, but for a clock that was set back.
    let slot = jobs.unripe.length;
    while (slot > jobs.passed && jobs.unripe[slot - 1]!.startMs > job.startMs) slot--;
    if (slot === jobs.unripe.length) jobs.unripe.push(job);
    else jobs.unripe.splice(slot, 0, job);
  }

  /** It is being ended, for whatever cause: no candidate any more. */
  ended(job: T): void {
    const jobs = definite(this.#classes.get(job.preemption), 'what ends has started');
    this.#changes += 1;
    if (!job.isRipe) {
      // It stays where it is until its time would have come, or too many are gone.
      assert(!job.isGone, 'what ends has not ended before');
      job.isGone = true;
      jobs.gone += 1;
      if (jobs.gone > TIDY_MIN && jobs.gone * 2 > jobs.unripe.length) tidy(jobs);
      return;
    }
    const slot = this.#placeIn(jobs.ripe, job);
    assert(jobs.ripe[slot] === job, 'what is ripe stands in its place');
    jobs.ripe.splice(slot, 1);
    jobs.ripeGpus -= gpusOf(job);
  }

  /** For jobs of this class at `nowMs`. It is asked for again and again, and changes only as jobs start, end and come to be candidates. */
  outlook(preemptor: PreemptionClass, nowMs: number): Outlook {
    let outlook = this.#outlooks.get(preemptor);
    if (outlook === undefined) {
      outlook = { gpus: 0, nextMs: Infinity, changes: -1 };
      this.#outlooks.set(preemptor, outlook);
    } else if (outlook.changes === this.#changes && nowMs < outlook.nextMs) return outlook;
    outlook.changes = this.#changes;
    outlook.gpus = 0;
    outlook.nextMs = Infinity;
    for (const jobs of this.#victims(preemptor)) {
      this.#ripen(jobs, nowMs);
      outlook.gpus += jobs.ripeGpus;
      const first = jobs.unripe[jobs.passed];
      if (first !== undefined) outlook.nextMs = Math.min(outlook.nextMs, first.startMs + jobs.exemptMs);
    }
    return outlook;
  }

  /** Whom a job of this class may preempt at `nowMs`. Nobody may start or end while they are taken. */
  candidates(preemptor: PreemptionClass, nowMs: number): Candidates<T> {
    const lists: T[][] = [];
    for (const jobs of this.#victims(preemptor)) {
      this.#ripen(jobs, nowMs);
      if (jobs.ripe.length > 0) lists.push(jobs.ripe);
    }
    return new Candidates(lists, this.#isYoungestFirst);
  }

  #victims(preemptor: PreemptionClass): readonly ClassJobs<T>[] {
    let victims = this.#victimsOf.get(preemptor);
    if (victims === undefined) {
      const classes = [...this.#classes].filter(([other]) => this.#rules.canPreempt(preemptor, other));
      victims = classes.map(([, jobs]) => jobs);
      this.#victimsOf.set(preemptor, victims);
    }
    return victims;
  }

  #ripen(jobs: ClassJobs<T>, nowMs: number): void {
    const { unripe, ripe } = jobs;
    for (let job = unripe[jobs.passed]; job !== undefined; job = unripe[jobs.passed]) {
      if (job.isGone) jobs.gone -= 1;
      else {
        if (job.startMs + jobs.exemptMs > nowMs) break;
        job.isRipe = true;
        this.ripenedNodes += job.nodeIndices.length;
        ripe.splice(this.#placeIn(ripe, job), 0, job);
        jobs.ripeGpus += gpusOf(job);
      }
      jobs.passed += 1;
    }
    if (jobs.passed > TIDY_MIN && jobs.passed * 2 > unripe.length) tidy(jobs);
  }

  /** How many come before it in the order of preference: its place, where it is in. */
  #placeIn(ripe: readonly T[], job: T): number {
    let low = 0;
    let high = ripe.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (isPreferredVictim(ripe[middle]!, job, this.#isYoungestFirst)) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}

/** Of several lists in the order of preference, all in this order. */
export class Candidates<T extends PreemptibleJob> implements CandidateSource<T> {
  readonly #lists: readonly (readonly T[])[];
  readonly #isYoungestFirst: boolean;
  /** By list. */
  readonly #next: number[];

  constructor(lists: readonly (readonly T[])[], isYoungestFirst: boolean) {
    this.#lists = lists;
    this.#isYoungestFirst = isYoungestFirst;
    this.#next = lists.map(() => 0);
  }

  take(): T | undefined {
    let best: T | undefined;
    let bestList = -1;
    for (let list = 0; list < this.#lists.length; list++) {
      const job = this.#lists[list]![this.#next[list]!];
      if (job === undefined || (best !== undefined && !isPreferredVictim(job, best, this.#isYoungestFirst))) continue;
      best = job;
      bestList = list;
    }
    if (best !== undefined) this.#next[bestList]! += 1;
    return best;
  }

  /** All that are left. */
  takeAll(): T[] {
    const jobs: T[] = [];
    for (let job = this.take(); job !== undefined; job = this.take()) jobs.push(job);
    return jobs;
  }
}

/** Drops those that have left. Not each time, so that a job costs the same however many wait with it. */
function tidy<T extends PreemptibleJob>(jobs: ClassJobs<T>): void {
  const { unripe, passed } = jobs;
  let kept = 0;
  for (let slot = passed; slot < unripe.length; slot++) {
    const job = unripe[slot]!;
    if (!job.isGone) unripe[kept++] = job;
  }
  unripe.length = kept;
  jobs.passed = 0;
  jobs.gone = 0;
}

function gpusOf({ nodeIndices, perNode }: VictimCandidate): number {
  return nodeIndices.length * perNode.gpus;
}
