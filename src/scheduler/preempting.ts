import type { Resources } from '../cluster/node.ts';
import type { DecisionSink } from './core-types.ts';
import type { Held, JobRecord } from './job-record.ts';
import type { Ledger } from './ledger.ts';
import { FreeSpace, placeInRuns } from './free-space.ts';
import { NodeMask } from './node-mask.ts';
import { couldHold, isAvailable, isKeptOff } from './node-record.ts';
import { placeGang } from './placement.ts';
import type { Policy } from './policy.ts';
import type { PreemptibleJob } from './preemptible-jobs.ts';
import { chooseInOrder, type NoChoice, type SpareCapacity, type VictimChoice } from './preemption.ts';
import type { PreemptionClass } from './preemption-rules.ts';
import { isAhead } from './queue.ts';
import { chooseInRuns } from './victims-in-runs.ts';

/** A cycle looks for victims for this many jobs at most: each look is at all that runs. */
const PREEMPTORS_PER_CYCLE = 8;

/** Who is preempted, and where the job would be if all who could be were gone: what Slurm's backfill reserves for it. */
export interface RoomMade {
  readonly victims: readonly Candidate[];
  readonly nodeIndices: readonly number[];
}

/** A running attempt as one that could be preempted. */
export class Candidate implements PreemptibleJob {
  readonly job: JobRecord;
  readonly jobId: number;
  readonly preemption: PreemptionClass;
  readonly preemptionPriority: number;
  readonly startMs: number;
  readonly nodeIndices: readonly number[];
  readonly perNode: Resources;
  isRipe = false;

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
 * For jobs at the front of the queue that found no room and may preempt: whom to preempt so that they fit. The nodes they get are kept for
 * them until the others are gone.
 */
export class Preemption {
  /** Somebody who may not be preempted yet may be from then on; Infinity for nobody. */
  wakeMs = Infinity;
  readonly #ledger: Ledger;
  readonly #policy: Policy;
  readonly #admit: (job: JobRecord, nowMs: number) => boolean;

  constructor(ledger: Ledger, policy: Policy, admit: (job: JobRecord, nowMs: number) => boolean) {
    this.#ledger = ledger;
    this.#policy = policy;
    this.#admit = admit;
  }

  run(nowMs: number, sink: DecisionSink): void {
    const { queue, preemptible } = this.#ledger;
    this.wakeMs = Infinity;
    if (queue.preemptors.size === 0) return;
    let tries = 0;
    for (const job of [...queue.preemptors].sort((a, b) => (isAhead(a, b) ? -1 : 1))) {
      if (job.place !== 'front') continue;
      if (nowMs < job.preemptRetryMs) {
        this.wakeMs = Math.min(this.wakeMs, job.preemptRetryMs);
        continue;
      }
      if (tries === PREEMPTORS_PER_CYCLE) break;
      tries += 1;
      if (!this.#admit(job, nowMs)) continue;
      job.preemptRetryMs = nowMs + this.#policy.bfIntervalSeconds * 1000;
      const ripeMs = preemptible.nextMs(job.kind.preemption, nowMs);
      this.wakeMs = Math.min(this.wakeMs, Math.max(ripeMs, job.preemptRetryMs));
      this.#preemptFor(job, nowMs, sink);
    }
  }

  /**
   * For this job alone, whose turn it is in a pass of Slurm's and which cannot start now on these nodes. Null where nobody is preempted: that
   * would come to nothing, or room is being made already.
   */
  makeRoom(job: JobRecord, usable: NodeMask, nowMs: number, sink: DecisionSink): RoomMade | null {
    const { preemptible, pool, ending } = this.#ledger;
    const { kind, request } = job;
    if (!kind.mayPreempt) return null;
    const space = new FreeSpace(pool);
    for (const other of ending) {
      if (other.preemptorJobId === request.jobId) return null;
      space.vacate(other, other.held?.nodeIndices ?? []);
    }
    const nodeCount = pool.nodes.length;
    if (placeInRuns(space, usable, nodeCount, job) !== null) return null;
    const candidates = [...preemptible.candidates(kind.preemption, nowMs)];
    const emptied = space.copy();
    for (const candidate of candidates) emptied.vacate(candidate.job, candidate.nodeIndices);
    const nodeIndices = placeInRuns(emptied, usable, nodeCount, job);
    const choice = nodeIndices === null ? null : chooseInRuns(candidates, space, usable, nodeCount, job);
    if (nodeIndices === null || choice === null) return null;
    this.#preempt(choice.victims, job, sink);
    return { victims: choice.victims, nodeIndices };
  }

  #preempt(victims: readonly Candidate[], { request }: JobRecord, sink: DecisionSink): void {
    for (const { job: victim } of victims) {
      victim.preemptorJobId = request.jobId;
      this.#ledger.markEnding(victim, 'PREEMPTED');
      sink.endAttempt(victim, 'PREEMPTED');
    }
  }

  #preemptFor(job: JobRecord, nowMs: number, sink: DecisionSink): void {
    const { preemptible, pool } = this.#ledger;
    const { request, kind } = job;
    const gpus = preemptible.gpusFor(kind.preemption, nowMs);
    const obtainableNodes = pool.freedNodes + preemptible.ripenedNodes;
    if (obtainableNodes < job.preemptRetryNodes) return;
    if (gpus === 0 && pool.gpulessCount === 0) return;
    const isShort = gpus + pool.freeGpus + this.#ledger.endingGpus < request.nodes * request.perNode.gpus;
    if (isShort && !request.exclusive) return;
    // It fits as it is, and is kept back for a job with a reservation only.
    if (placeGang(pool, job) !== null) return;
    const choice = this.#choose(job, nowMs);
    if ('missingNodes' in choice) {
      job.preemptRetryNodes = obtainableNodes + choice.missingNodes;
      return;
    }
    // Without victims what it needs is being freed already.
    if (choice.victims.length === 0) return;
    this.#ledger.claim(
      job,
      choice.nodeIndices.sort((a, b) => a - b),
    );
    this.#preempt(choice.victims, job, sink);
  }

  #choose(job: JobRecord, nowMs: number): VictimChoice<Candidate> | NoChoice {
    const { request, kind } = job;
    const candidates = this.#ledger.preemptible.candidates(kind.preemption, nowMs);
    if (this.#policy.backfillType === 'conservative') return this.#chooseInRuns(job, [...candidates]);
    const need = { nodes: request.nodes, perNode: request.perNode, isExclusive: request.exclusive };
    return chooseInOrder(candidates, this.#spareFor(job), need);
  }

  #chooseInRuns(job: JobRecord, candidates: readonly Candidate[]): VictimChoice<Candidate> | NoChoice {
    const { pool, ending } = this.#ledger;
    const space = new FreeSpace(pool);
    for (const other of ending) space.vacate(other, other.held?.nodeIndices ?? []);
    const usable = new NodeMask(pool.nodes.length);
    for (const node of pool.nodes) {
      if (isAvailable(node) && couldHold(node.nodeClass, job) && !isKeptOff(node, job)) usable.add(node.index);
    }
    if (placeInRuns(space, usable, pool.nodes.length, job) !== null) return { victims: [], nodeIndices: [] };
    return chooseInRuns(candidates, space, usable, pool.nodes.length, job) ?? { missingNodes: 1 };
  }

  /** What is free once all that is being ended is gone. */
  #spareFor(job: JobRecord): SpareCapacity {
    const { pool, ending } = this.#ledger;
    const isForAll = pool.classes.length === 1 && job.barred === null && job.excluded.size === 0;
    const isUsableByJob = isForAll && pool.classes.every((nodeClass) => couldHold(nodeClass, job));
    if (isUsableByJob && ending.size === 0) return pool.spare;
    const spare = pool.spare.copy();
    for (const other of ending) {
      for (const index of other.held?.nodeIndices ?? []) {
        const held = other.request.exclusive ? pool.at(index).spec.resources : other.request.perNode;
        spare.gpus[index] = (spare.gpus[index] ?? 0) + held.gpus;
        spare.cpus[index] = (spare.cpus[index] ?? 0) + held.cpus;
        spare.memoryBytes[index] = (spare.memoryBytes[index] ?? 0) + held.memoryBytes;
        spare.jobs[index] = (spare.jobs[index] ?? 0) - 1;
      }
    }
    if (isUsableByJob) return spare;
    for (const node of pool.nodes) {
      if (!couldHold(node.nodeClass, job) || isKeptOff(node, job)) spare.isUsable[node.index] = 0;
    }
    return spare;
  }
}
