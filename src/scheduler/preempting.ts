import type { Resources } from '../cluster/node.ts';
import { empty } from '../lib/empty.ts';
import { floorTo } from '../lib/floor-to.ts';
import { ZERO_MS } from '../lib/zero-ms.ts';
import type { DecisionSink } from './core-types.ts';
import { isWithinCap } from './cpu-cap.ts';
import type { Held, JobRecord } from './job-record.ts';
import type { Ledger } from './ledger.ts';
import { FreeSpace, placeInRuns } from './free-space.ts';
import type { NodeMask } from './node-mask.ts';
import { cappedCpusToStay, couldHold, isKeptOff } from './node-record.ts';
import { hasRoomForGang, nodesWithRoom } from './placement.ts';
import type { Policy } from './policy.ts';
import type { PreemptibleJob } from './preemptible-jobs.ts';
import { type GangNeed, isOpen, type NoChoice, type VictimChoice, VictimSearch } from './preemption.ts';
import type { PreemptionClass } from './preemption-rules.ts';
import { isAhead } from './queue-front.ts';
import type { Retries } from './retries.ts';
import { chooseInRuns } from './victims-in-runs.ts';
import { usableNodes } from './usable-nodes.ts';

/** A cycle looks for victims for this many jobs at most: each look is at all that runs. */
const PREEMPTORS_PER_CYCLE = 8;

/** So long and `KillWait` after it has preempted others Slurm preempts nobody else for a job: `MessageTimeout`, by default. */
const MESSAGE_TIMEOUT_MS = 10_000;

/** A running attempt as one that could be preempted. */
export class Candidate implements PreemptibleJob {
  readonly job: JobRecord;
  readonly jobId: number;
  readonly preemption: PreemptionClass;
  readonly preemptionPriority: number;
  readonly startMs: number = ZERO_MS;
  readonly nodeIndices: readonly number[];
  readonly perNode: Resources;
  isRipe = false;
  isGone = false;

  /** `wholeNode`: what a node offers, for a job that takes all of it. */
  constructor(job: JobRecord, { nodeIndices }: Held, wholeNode: Resources) {
    this.job = job;
    this.jobId = job.request.jobId;
    this.preemption = job.kind.preemption;
    this.preemptionPriority = job.kind.preemption.priority;
    this.startMs = job.startMs;
    this.nodeIndices = nodeIndices;
    this.perNode = job.request.exclusive ? wholeNode : job.request.perNode;
  }
}

/**
 * More nodes than there are. Not Infinity, which is a double: what is reckoned from it would be one too, and V8 throws away all code that has to do
 * with jobs where a field of theirs that held small integers has to hold a double.
 */
const NEVER_REFUSED = 2 ** 30;

/**
 * The last search that came to nothing: on how many nodes a part of such a job would have fitted with all candidates gone, and how many nodes
 * had been freed or could be by then. Each node that is freed since adds one at most: with too few there is no need to search again.
 */
interface Refused {
  fitting: number;
  obtainableNodes: number;
}

/**
 * For jobs at the front of the queue that found no room and may preempt: whom to preempt so that they fit. The nodes they get are kept for
 * them until the others are gone.
 */
export class Preemption {
  /** Somebody who may not be preempted yet may be from then on; Infinity for nobody. */
  wakeMs = Infinity;
  readonly #ledger: Ledger;
  readonly #policy: Policy;
  readonly #admit: (job: JobRecord, nowMs: number) => boolean;
  readonly #search = new VictimSearch();
  /** When others were last preempted for a job in its turn. */
  readonly #beganMs = new WeakMap<JobRecord, number>();
  /** Nodes are taken in runs of neighbours, as Slurm takes them. */
  readonly #isInRuns: boolean;
  /** Those that have their turn in this cycle. */
  readonly #due: JobRecord[] = [];
  /** By shape, for each class of preemptors. */
  readonly #refused = new Map<PreemptionClass, Refused[]>();

  constructor(ledger: Ledger, policy: Policy, admit: (job: JobRecord, nowMs: number) => boolean) {
    this.#ledger = ledger;
    this.#policy = policy;
    this.#isInRuns = policy.backfillType === 'conservative';
    this.#admit = admit;
  }

  run(nowMs: number, sink: DecisionSink): void {
    const { queue } = this.#ledger;
    const { retries } = queue.lastFront;
    this.wakeMs = retries.first()?.preemptRetryMs ?? Infinity;
    if (nowMs < this.wakeMs) return;
    const due = this.#due;
    const addedBefore = queue.addCount;
    const nextRetryMs = nowMs + this.#policy.bfIntervalSeconds * 1000;
    /** What those that are tried wait for. */
    let triedMs = Infinity;
    let tries = 0;
    this.#takeDue(nowMs);
    for (let turn = 0; turn < due.length; turn++) {
      const job = due[turn]!;
      // What a limit lets back in meanwhile has its turn in the next cycle.
      if (job.place !== 'front' || job.addNumber > addedBefore) continue;
      if (tries === PREEMPTORS_PER_CYCLE) {
        this.#endTurns(Math.min(triedMs, firstRetryAhead(retries, job)));
        return;
      }
      tries += 1;
      if (this.#admit(job, nowMs)) {
        job.preemptRetryMs = nextRetryMs;
        const { gpus, nextMs } = this.#ledger.preemptible.outlook(job.kind.preemption, nowMs);
        triedMs = Math.min(triedMs, Math.max(nextMs, nextRetryMs));
        this.#preemptFor(job, gpus, nowMs, sink);
      }
      // One that has left makes room in the front for another, behind all that are there.
      if (turn === due.length - 1) this.#takeDue(nowMs);
    }
    this.#endTurns(Math.min(triedMs, retries.first()?.preemptRetryMs ?? Infinity));
  }

  /** Those whose time has come and that had no turn in this cycle yet, in order. */
  #takeDue(nowMs: number): void {
    const { retries } = this.#ledger.queue.lastFront;
    const due = this.#due;
    const begin = due.length;
    for (let job = retries.first(); job !== null && job.preemptRetryMs <= nowMs; job = retries.first()) {
      retries.remove(job);
      let turn = due.length;
      due.push(job);
      for (; turn > begin && isAhead(job, due[turn - 1]!); turn--) due[turn] = due[turn - 1]!;
      due[turn] = job;
    }
  }

  #endTurns(wakeMs: number): void {
    const { retries } = this.#ledger.queue.lastFront;
    for (const job of this.#due) if (job.place === 'front' && !retries.has(job)) retries.add(job);
    empty(this.#due);
    this.wakeMs = wakeMs;
  }

  /** Whom the job may preempt, in the order of preference. */
  candidates({ kind }: JobRecord, nowMs: number): readonly Candidate[] {
    return kind.mayPreempt ? this.#ledger.preemptible.candidates(kind.preemption, nowMs).takeAll() : [];
  }

  /**
   * For this job alone, whose turn it is in a pass of Slurm's and which cannot start now on these nodes, none of which is still being cleaned up.
   * Returns the victims: none where that would come to nothing, or where others were preempted for it a short while ago, whoever has their nodes.
   */
  makeRoom(job: JobRecord, usable: NodeMask, nowMs: number, sink: DecisionSink): readonly Candidate[] {
    const candidates = this.candidates(job, nowMs);
    const beganMs = this.#beganMs.get(job) ?? -Infinity;
    const underWayMs = this.#policy.killWaitSeconds * 1000 + MESSAGE_TIMEOUT_MS;
    if (candidates.length === 0 || floorTo(nowMs, 1000) - floorTo(beganMs, 1000) < underWayMs) return [];
    const { pool } = this.#ledger;
    const choice = chooseInRuns(candidates, new FreeSpace(pool), usable, job);
    if (choice === null) return [];
    this.roomMade(job, nowMs);
    this.#preempt(choice.victims, job, sink);
    return choice.victims;
  }

  /** Others were preempted for the job in its turn. */
  roomMade(job: JobRecord, atMs: number): void {
    this.#beganMs.set(job, atMs);
  }

  #preempt(victims: readonly Candidate[], { request }: JobRecord, sink: DecisionSink): void {
    for (const { job: victim } of victims) {
      victim.preemptorJobId = request.jobId;
      this.#ledger.markEnding(victim, 'PREEMPTED');
      sink.endAttempt(victim, 'PREEMPTED');
    }
  }

  /** `gpus`: what it could get from others. */
  #preemptFor(job: JobRecord, gpus: number, nowMs: number, sink: DecisionSink): void {
    const { preemptible, pool } = this.#ledger;
    const { request } = job;
    const obtainableNodes = pool.freedNodes + preemptible.ripenedNodes;
    if (obtainableNodes < job.preemptRetryNodes) return;
    if (gpus === 0 && pool.gpulessCount === 0) return;
    const isShort = gpus + pool.freeGpus + this.#ledger.endingGpus < request.nodes * request.perNode.gpus;
    if (isShort && !request.exclusive) return;
    const refused = this.#refusedOf(job);
    if (refused !== null && obtainableNodes < refused.obtainableNodes + request.nodes - refused.fitting) {
      job.preemptRetryNodes = refused.obtainableNodes + request.nodes - refused.fitting;
      return;
    }
    // It fits as it is, and is kept back for a job with a reservation only.
    if (hasRoomForGang(pool, job)) return;
    const choice = this.#choose(job, nowMs);
    if ('missingNodes' in choice) {
      job.preemptRetryNodes = obtainableNodes + choice.missingNodes;
      if (refused !== null) {
        refused.obtainableNodes = obtainableNodes;
        refused.fitting = request.nodes - choice.missingNodes;
      }
      return;
    }
    // What it needs is being freed already.
    if (choice.victims.length === 0) return;
    this.#ledger.claim(
      job,
      choice.nodeIndices.sort((a, b) => a - b),
    );
    this.#preempt(choice.victims, job, sink);
  }

  /** No victims where what it needs is being freed already. */
  #choose(job: JobRecord, nowMs: number): VictimChoice<Candidate> | NoChoice {
    const { pool, preemptible } = this.#ledger;
    const candidates = preemptible.candidates(job.kind.preemption, nowMs);
    if (this.#isInRuns) return this.#chooseInRuns(job, candidates.takeAll());
    const need = this.#needOf(job);
    const open = this.#openFor(job, need);
    if (open.length >= need.nodes) return { victims: [], nodeIndices: [] };
    return this.#search.chooseInOrder(candidates, pool.nodes, need, open);
  }

  #chooseInRuns(job: JobRecord, candidates: readonly Candidate[]): VictimChoice<Candidate> | NoChoice {
    const { pool, ending } = this.#ledger;
    const space = new FreeSpace(pool);
    for (const other of ending) space.vacate(other, other.held?.nodeIndices ?? []);
    const usable = usableNodes(pool, job);
    if (placeInRuns(space, usable, job) !== null) return { victims: [], nodeIndices: [] };
    return chooseInRuns(candidates, space, usable, job) ?? { missingNodes: 1 };
  }

  /** Null for a job that is not to have the nodes that others of its shape may have. */
  #refusedOf({ shape, barred, kind }: JobRecord): Refused | null {
    if (shape < 0 || barred !== null || this.#isInRuns) return null;
    let refused = this.#refused.get(kind.preemption);
    if (refused === undefined) {
      refused = [];
      this.#refused.set(kind.preemption, refused);
    }
    return (refused[shape] ??= { obtainableNodes: 0, fitting: NEVER_REFUSED });
  }

  #needOf(job: JobRecord): GangNeed {
    const { pool } = this.#ledger;
    const { nodes, perNode, exclusive: isExclusive } = job.request;
    const [nodeClass] = pool.classes;
    const isForAll = nodeClass !== undefined && pool.classes.length === 1 && couldHold(nodeClass, job);
    if (isForAll && job.barred === null && job.excluded.size === 0 && job.cap === null)
      return { nodes, perNode, isExclusive };
    const isKeptOffIndex = (index: number) => {
      const node = pool.at(index);
      // Of its own partition, nobody is looked for to preempt where that has no CPUs of the node to give.
      const used = job.cap === null ? 0 : cappedCpusToStay(node, job.cap.index);
      return !couldHold(node.nodeClass, job) || isKeptOff(node, job) || !isWithinCap(job.cap, used, perNode.cpus);
    };
    return { nodes, perNode, isExclusive, isKeptOff: isKeptOffIndex };
  }

  /** Nodes with room for a part of the job once all that is being ended is gone, ascending. */
  #openFor(job: JobRecord, need: GangNeed): number[] {
    const { pool, ending } = this.#ledger;
    const open: number[] = [];
    for (const node of nodesWithRoom(pool, job)) open.push(node.index);
    if (ending.size > 0) {
      const known = new Set(open);
      for (const { held } of ending) {
        for (const index of held?.nodeIndices ?? []) {
          if (known.has(index) || !isOpen(pool.at(index), need, index)) continue;
          known.add(index);
          open.push(index);
        }
      }
    }
    return isAscending(open) ? open : open.sort((a, b) => a - b);
  }
}

/** Mostly they are. */
function isAscending(values: readonly number[]): boolean {
  for (let index = 1; index < values.length; index++) if (values[index - 1]! > values[index]!) return false;
  return true;
}

/** Of the jobs before this one. */
function firstRetryAhead(retries: Retries, job: JobRecord): number {
  for (const other of retries) if (isAhead(other, job)) return other.preemptRetryMs;
  return Infinity;
}
