import { floorTo } from '../lib/floor-to.ts';
import type { Start } from './easy-backfill.ts';
import { FreeSpace } from './free-space.ts';
import { FrontWalk } from './front-walk.ts';
import { GpuWeights } from './gpu-weights.ts';
import type { JobRecord } from './job-record.ts';
import type { Ledger } from './ledger.ts';
import type { NodeMask } from './node-mask.ts';
import { hasRoom, isAvailable } from './node-record.ts';
import { isBeyondLimit, isLimited, isWithoutReservation, MainLimits, PassLimits } from './pass-limits.ts';
import type { Policy } from './policy.ts';
import type { Candidate } from './preempting.ts';
import { ReservationTable } from './reservation-table.ts';
import { Spreads } from './spread.ts';
import { StartPrediction } from './start-prediction.ts';
import { openNodes, UsableNodes } from './usable-nodes.ts';
import { Vacancies } from './vacancies.ts';

const SECOND = 1000;
/** Preempts others for the job whose turn it is. */
export interface RoomMaker {
  /** Whom the job may preempt, in the order of preference. */
  candidates(job: JobRecord, nowMs: number): readonly Candidate[];
  /** Preempts some of them, so that the job fits into these nodes: returns those. It starts in a later pass. */
  makeRoom(job: JobRecord, usable: NodeMask, nowMs: number): readonly Candidate[];
}

const NOBODY: readonly Candidate[] = [];

/** When and on which nodes a job is to start. */
interface Plan {
  startMs: number;
  nodeIndices: readonly number[];
  /** Once others have been preempted for it. */
  isByPreemption: boolean;
}

/** A pass of backfill that has begun and is not over. */
interface BackfillPass {
  readonly beginMs: number;
  readonly horizonMs: number;
  readonly table: ReservationTable;
  readonly limits: PassLimits;
  /** The queue as it was when the pass began, and how far in it the pass has come. */
  readonly jobs: readonly JobRecord[];
  at: number;
  /** When it has done what it has done so far, and when it last began to hold up everybody else. */
  dueMs: number;
  sinceMs: number;
  isYielding: boolean;
  /** It ends then. */
  isCutOff: boolean;
  /** Less than a millisecond, and not in `dueMs` yet. */
  spentMicroseconds: number;
  /** A job that is to start then. */
  starting: { job: JobRecord; nodeIndices: readonly number[] } | null;
}

/**
 * Slurm's main scheduler and its `sched/backfill` (22.05), pass by pass: a reservation of whole nodes for every job that is looked at, in
 * steps of `bfResolutionSeconds`, predicted from the time limits of what runs. Times count in whole seconds, as Slurm's do. Where the policy
 * has a cadence, backfill takes the time that Slurm's takes: meanwhile nobody else starts jobs, and it may be cut off before it has looked at
 * all of them.
 */
export class ConservativePasses {
  /** Told what a pass of backfill makes of each job that it plans: when it is to start, null for not in sight, and on which nodes. */
  onPlanned: ((job: JobRecord, startMs: number | null, nodeIndices: readonly number[]) => void) | null = null;
  readonly #ledger: Ledger;
  readonly #policy: Policy;
  readonly #isAdmitted: (job: JobRecord, nowMs: number) => boolean;
  /** Null: nobody is preempted in a pass. */
  preempt: RoomMaker | null = null;
  /** How many nodes passes of backfill have looked at for jobs, each as often as it was. */
  testedNodes = 0;
  readonly #resolutionMs: number;
  /** What the clock showed at 0. */
  readonly #originMs: number;
  readonly #prediction: StartPrediction;
  readonly #usable: UsableNodes;
  readonly #spreads: Spreads;
  readonly #gpuWeights: GpuWeights;
  #pass: BackfillPass | null = null;

  constructor(ledger: Ledger, policy: Policy, isAdmitted: (job: JobRecord, nowMs: number) => boolean) {
    this.#ledger = ledger;
    this.#policy = policy;
    this.#isAdmitted = isAdmitted;
    this.#resolutionMs = policy.bfResolutionSeconds * SECOND;
    this.#originMs = (policy.cadence?.originSeconds ?? 0) * SECOND;
    this.#gpuWeights = new GpuWeights(ledger.pool);
    const times = {
      originMs: this.#originMs,
      killWaitMs: policy.killWaitSeconds * SECOND,
      isEachEndTried: policy.selectType === 'linear',
    };
    this.#prediction = new StartPrediction(ledger, times, this.#gpuWeights);
    this.#usable = new UsableNodes(ledger.pool);
    this.#spreads = new Spreads(ledger);
  }

  /** When the pass of backfill that has begun goes on; Infinity where none has. */
  get dueMs(): number {
    return this.#pass?.dueMs ?? Infinity;
  }

  /** Whether nothing else can be done until then. */
  get isLocked(): boolean {
    return this.#pass !== null && !this.#pass.isYielding;
  }

  /** It has come to the front of the queue: the first time as it is submitted, when Slurm looks whether it could ever run, on nodes as if they were empty. */
  arrived(job: JobRecord): void {
    // Of cons_tres alone.
    if (this.#policy.selectType === 'linear' || job.hasArrived) return;
    job.hasArrived = true;
    this.#gpuWeights.seen(job);
    if (this.#gpuWeights.areHeeded) this.#lookAfresh(job, this.#usable.of(job));
  }

  /** The nodes of the job's partition weigh what they weigh, and those that are looked at for its GPUs less. */
  #lookAfresh(job: JobRecord, looked: NodeMask): void {
    const { gpus } = job.request.perNode;
    this.#gpuWeights.forget(this.#usable.of(job));
    if (gpus > 0) this.#gpuWeights.note(looked, gpus);
  }

  /** Starts jobs in turn; the first of a partition that does not fit closes it and its nodes for this pass. */
  main(nowMs: number, isFull: boolean, start: Start): void {
    const vacancies = new Vacancies(new FreeSpace(this.#ledger.pool));
    const limits = new MainLimits(this.#policy, isFull);
    let closed = 0;
    this.#eachOfFront(nowMs, (job) => {
      if (!limits.admits(job)) return !limits.isReached;
      if ((job.partitionBit & closed) !== 0) return true;
      const holding = this.#usable.of(job, closed);
      const usable = holding.copy();
      this.#leaveOutCompleting(usable);
      if (this.#gpuWeights.areHeeded) this.#lookAfresh(job, vacancies.of(job).roomyNow(usable));
      const nodeIndices =
        vacancies.of(job).placeNow(usable, job) ??
        this.#spread(job, (spread) => vacancies.of(spread).placeNow(usable, spread));
      if (nodeIndices === null) {
        if (!this.#isBesideClosed(job, holding, closed) && !isWithoutReservation(this.#policy, job, nowMs))
          closed |= job.partitionBit;
        if (!isLimited(this.#ledger, job)) this.preempt?.makeRoom(job, usable, nowMs);
      } else if (isBeyondLimit(this.#ledger, job, nodeIndices)) {
        job.gather();
      } else {
        vacancies.occupy(job, nodeIndices);
        limits.started();
        start(job, nodeIndices);
      }
      return true;
    });
  }

  /**
   * Whether the open nodes could not hold the job if they were empty: it waits for those of closed partitions, and is in nobody's way
   * (`ESLURM_NODE_NOT_AVAIL`). Where the open ones of its partition are too few for any such gang it closes that too.
   */
  #isBesideClosed(job: JobRecord, holding: NodeMask, closed: number): boolean {
    const { nodes } = job.request;
    return holding.count() < nodes && openNodes(this.#ledger.pool, job, closed) >= nodes;
  }

  /** Nodes for a job whose tasks may be on more of them: it is spread over these from here on. */
  #spread(job: JobRecord, place: (spread: JobRecord) => number[] | null): number[] | null {
    const spread = this.#spreads.find(job, place);
    if (spread === null) return null;
    job.spreadAs(spread.as);
    return spread.found;
  }

  /** Begins to plan every job at the front of the queue, and to start those whose time is now: `resume` does it. */
  beginBackfill(nowMs: number): void {
    const secondMs = floorTo(nowMs, SECOND);
    const horizonMs = secondMs + this.#policy.bfWindowSeconds * SECOND;
    const table = new ReservationTable(
      this.#ledger.pool.nodes.length,
      this.#slotOf(secondMs),
      this.#slotOf(horizonMs),
      this.#resolutionMs,
    );
    const jobs = this.#ledger.queue.front().toArray();
    const progress = {
      at: 0,
      dueMs: nowMs,
      sinceMs: nowMs,
      isYielding: false,
      isCutOff: false,
      spentMicroseconds: 0,
      starting: null,
    };
    this.#pass = { beginMs: nowMs, horizonMs, table, limits: new PassLimits(this.#policy), jobs, ...progress };
    this.#prediction.look();
  }

  /** Goes on with the pass as far as it comes until now. Returns whether it is over. */
  resume(nowMs: number, hasChanged: (sinceMs: number) => boolean, start: Start): boolean {
    const pass = this.#pass;
    if (pass === null) return false;
    while (pass.dueMs <= nowMs) {
      if (pass.isYielding) {
        if (hasChanged(pass.sinceMs)) {
          if (this.#policy.cadence?.isBfContinued !== true) return this.#end();
          this.#prediction.look();
        }
        pass.isYielding = false;
        pass.sinceMs = nowMs;
      }
      if (pass.starting !== null) this.#startFound(pass, pass.starting, start);
      const job = pass.jobs[pass.at];
      if (job === undefined || pass.isCutOff || pass.limits.isReached || this.#isCutOff(pass, pass.dueMs))
        return this.#end();
      if (this.#yields(pass)) continue;
      pass.at += 1;
      // It may have been cancelled since the pass began, or another may have come before it.
      if (job.place !== 'front' || !this.#isAdmitted(job, nowMs)) continue;
      if (pass.limits.admits(job)) pass.isCutOff = !this.#consider(pass, job, nowMs);
      else this.onPlanned?.(job, null, []);
    }
    return false;
  }

  #end(): boolean {
    this.#pass = null;
    return true;
  }

  #isCutOff({ beginMs }: BackfillPass, atMs: number): boolean {
    const { cadence } = this.#policy;
    return cadence !== null && floorTo(atMs, SECOND) - floorTo(beginMs, SECOND) >= cadence.bfMaxTimeSeconds * SECOND;
  }

  /** Others have their turn where the pass has worked for long. */
  #yields(pass: BackfillPass): boolean {
    const { cadence } = this.#policy;
    if (cadence === null || pass.dueMs - pass.sinceMs < cadence.bfYieldIntervalSeconds * SECOND) return false;
    pass.isYielding = true;
    pass.sinceMs = pass.dueMs;
    pass.dueMs += cadence.bfYieldSleepSeconds * SECOND;
    return true;
  }

  /** Plans one job. Returns whether the pass can go on. */
  #consider(pass: BackfillPass, job: JobRecord, nowMs: number): boolean {
    const secondMs = floorTo(pass.dueMs, SECOND);
    const usable = this.#usable.of(job);
    if (job.request.isSpread === true && this.#startsSpread(pass, job, usable)) return true;
    const candidates = this.preempt?.candidates(job, nowMs) ?? NOBODY;
    const isNowOnly = pass.limits.isReserved(job) || isWithoutReservation(this.#policy, job, pass.dueMs);
    const plan = this.#plan(job, usable, candidates, pass, secondMs, isNowOnly);
    if (plan === 'cut off') return false;
    if (plan === null) return this.#goesOnWithout(job);
    const { nodeIndices } = plan;
    // Where somebody is still being ended nobody starts within the second, and nobody is preempted for it.
    const startMs = this.#isCompleting(nodeIndices) ? Math.max(plan.startMs, secondMs + SECOND) : plan.startMs;
    if (startMs <= secondMs && plan.isByPreemption) {
      if (isBeyondLimit(this.#ledger, job, nodeIndices)) return this.#goesOnWithout(job);
      this.#makeRoom(pass, job, usable, nodeIndices, nowMs);
      return true;
    }
    if (startMs <= secondMs) {
      // Slurm looks for its nodes once more, and leaves out those that are being cleaned up.
      const available = this.#left(pass, job, usable);
      this.#gpuWeights.forget(available);
      this.#prediction.noteLook(available, job);
      const chosen = this.#prediction.place(available, job) ?? nodeIndices;
      this.#spend(pass);
      if (isBeyondLimit(this.#ledger, job, chosen)) return this.#goesOnWithout(job);
      this.onPlanned?.(job, startMs, chosen);
      pass.starting = { job, nodeIndices: chosen };
      return true;
    }
    // Slurm reserves nothing for a job that could not start by the limits on nodes as they are, whichever nodes it were to have.
    if (isLimited(this.#ledger, job)) return this.#goesOnWithout(job);
    this.onPlanned?.(job, startMs, nodeIndices);
    if (startMs <= pass.horizonMs && !isNowOnly) {
      // Slurm's table of slots is as large as the number of jobs that a pass looks at.
      if (pass.table.size >= Math.max(2, this.#policy.bfMaxJobTest)) return false;
      pass.table.reserve(nodeIndices, this.#slotOf(startMs), this.#slotOf(startMs + job.limitMs));
      pass.limits.reserve(job);
    }
    return true;
  }

  /** The pass plans nothing for the job, and can go on. */
  #goesOnWithout(job: JobRecord): true {
    this.onPlanned?.(job, null, []);
    return true;
  }

  /** Where a job whose tasks may be anywhere has no room on as few nodes as it needs, but has on more of them. */
  #startsSpread(pass: BackfillPass, job: JobRecord, usable: NodeMask): boolean {
    const available = this.#left(pass, job, usable);
    if (this.#prediction.place(available, job) !== null) return false;
    const nodeIndices = this.#spread(job, (spread) => this.#prediction.place(available, spread));
    if (nodeIndices === null) return false;
    pass.limits.tested();
    this.#spend(pass);
    if (isBeyondLimit(this.#ledger, job, nodeIndices)) {
      job.gather();
      return this.#goesOnWithout(job);
    }
    this.onPlanned?.(job, floorTo(pass.dueMs, SECOND), nodeIndices);
    pass.starting = { job, nodeIndices };
    return true;
  }

  /** Preempts others for the job, and keeps nodes for it: those that it would have were all candidates gone. */
  #makeRoom(pass: BackfillPass, job: JobRecord, usable: NodeMask, nodeIndices: readonly number[], nowMs: number): void {
    const secondMs = floorTo(pass.dueMs, SECOND);
    const available = this.#left(pass, job, usable);
    for (const victim of this.preempt?.makeRoom(job, available, nowMs) ?? NOBODY) {
      this.#prediction.preempted(victim);
    }
    this.onPlanned?.(job, secondMs, nodeIndices);
    pass.table.reserve(nodeIndices, this.#slotOf(secondMs), this.#slotOf(secondMs + job.limitMs));
  }

  /** Of the usable nodes those that the job could have at once: nobody has reserved them, and none is being cleaned up. */
  #left(pass: BackfillPass, job: JobRecord, usable: NodeMask): NodeMask {
    const secondMs = floorTo(pass.dueMs, SECOND);
    const left = usable.copy();
    pass.table.narrow(left, usable, secondMs, secondMs + job.limitMs);
    this.#leaveOutCompleting(left);
    return left;
  }

  /** Nodes with somebody on them who is being ended: Slurm gives none of them out. */
  #leaveOutCompleting(usable: NodeMask): void {
    for (const { held } of this.#ledger.ending) for (const index of held?.nodeIndices ?? []) usable.delete(index);
  }

  #isCompleting(nodeIndices: readonly number[]): boolean {
    for (const { held } of this.#ledger.ending) {
      if (held?.nodeIndices.some((index) => nodeIndices.includes(index)) === true) return true;
    }
    return false;
  }

  #startFound(pass: BackfillPass, { job, nodeIndices }: NonNullable<BackfillPass['starting']>, start: Start): void {
    pass.starting = null;
    const { pool } = this.#ledger;
    const nodes = nodeIndices.map((index) => pool.at(index));
    if (job.place !== 'front' || !nodes.every(isAvailable)) {
      if (job.place !== null) job.gather();
      return;
    }
    if (!nodes.every((node) => hasRoom(node, job))) {
      // Of what others started in the very instant in which the pass stood back it knows nothing: it has to look again.
      job.gather();
      this.#prediction.look();
      pass.at -= 1;
      return;
    }
    pass.limits.started();
    const own = this.#ledger.choose(job);
    this.#prediction.started(own, nodeIndices, floorTo(pass.dueMs, SECOND));
    start(own, nodeIndices);
  }

  /** Takes the time that looking at nodes has cost. */
  #spend(pass: BackfillPass): void {
    const tests = this.#prediction.takeNodeTests();
    this.testedNodes += tests;
    pass.spentMicroseconds += tests * (this.#policy.cadence?.nodeTestMicroseconds ?? 0);
    pass.dueMs += Math.floor(pass.spentMicroseconds / 1000);
    pass.spentMicroseconds %= 1000;
  }

  /** The first instant and nodes that reservations leave the job; `isNowOnly`: at once or not at all. */
  #plan(
    job: JobRecord,
    usable: NodeMask,
    candidates: readonly Candidate[],
    pass: BackfillPass,
    secondMs: number,
    isNowOnly: boolean,
  ): Plan | 'cut off' | null {
    const { table } = pass;
    let isTested = false;
    for (let fromMs = secondMs; ; ) {
      if (this.#isCutOff(pass, pass.dueMs)) return 'cut off';
      const available = usable.copy();
      const laterMs = table.narrow(available, usable, fromMs, fromMs + job.limitMs);
      const isWorthwhile = available.count() >= job.request.nodes;
      if (isWorthwhile && !isTested) pass.limits.tested();
      isTested ||= isWorthwhile;
      const prospect = isWorthwhile ? this.#prediction.predict(job, available, candidates, secondMs, isNowOnly) : null;
      this.#spend(pass);
      if (prospect === null) {
        if (laterMs === null || isNowOnly) return null;
        fromMs = laterMs;
        continue;
      }
      const startMs = Math.max(prospect.startMs, fromMs);
      const { choose, isByPreemption } = prospect;
      if (startMs <= secondMs) return { startMs, nodeIndices: choose(), isByPreemption };
      if (laterMs !== null && startMs > laterMs) {
        fromMs = laterMs;
        continue;
      }
      const beginMs = this.#slotOf(startMs);
      const endMs = this.#slotOf(startMs + job.limitMs);
      const nodeIndices = choose();
      if (!table.isReserved(nodeIndices, beginMs, endMs)) return { startMs, nodeIndices, isByPreemption };
      fromMs = startMs;
    }
  }

  /** The last full slot of reservations, by the clock. */
  #slotOf(ms: number): number {
    return floorTo(ms, this.#resolutionMs, this.#originMs);
  }

  /** In order. */
  #eachOfFront(nowMs: number, visit: (job: JobRecord) => boolean): void {
    const front = this.#ledger.queue.front();
    const walk = new FrontWalk(front);
    while (walk.place < walk.end) {
      const job = front.at(walk.place);
      if (job === undefined) return;
      if (this.#isAdmitted(job, nowMs) && !visit(job)) return;
      walk.pass(job);
    }
  }
}
