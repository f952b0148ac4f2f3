import type { DecisionSink } from './core-types.ts';
import type { JobRecord } from './job-record.ts';
import type { Ledger } from './ledger.ts';
import { couldHold, isAvailable, isKeptOff } from './node-record.ts';
import type { Policy } from './policy.ts';
import { isAhead } from './queue.ts';
import { chooseVictims, type SpareCapacity, type VictimCandidate } from './preemption.ts';

/** A cycle looks for victims for this many jobs at most: each look is at all that runs. */
const PREEMPTORS_PER_CYCLE = 8;

/** A running attempt as a candidate to be preempted. */
class Candidate implements VictimCandidate {
  readonly job: JobRecord;
  readonly jobId: number;
  readonly preemptionPriority: number;
  readonly startMs: number;
  readonly nodeIndices: readonly number[];
  readonly perNode;

  constructor(job: JobRecord, ledger: Ledger) {
    const { request, kind, held } = job;
    this.job = job;
    this.jobId = request.jobId;
    this.preemptionPriority = kind.preemption.priority;
    this.startMs = job.startMs;
    this.nodeIndices = held?.nodeIndices ?? [];
    const first = ledger.pool.at(this.nodeIndices[0] ?? -1);
    this.perNode = request.exclusive ? first.spec.resources : request.perNode;
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
    const { queue, ends } = this.#ledger;
    const { preemption } = this.#ledger.kinds;
    const isWoken = nowMs >= this.wakeMs;
    this.wakeMs = Infinity;
    if (queue.preemptors.size === 0) return;
    let tries = 0;
    for (const job of [...queue.preemptors].sort((a, b) => (isAhead(a, b) ? -1 : 1))) {
      const preemptor = job.kind.preemption;
      if (job.place !== 'front') continue;
      if (nowMs < job.preemptRetryMs && !isWoken) {
        this.wakeMs = Math.min(this.wakeMs, job.preemptRetryMs);
        continue;
      }
      if (tries === PREEMPTORS_PER_CYCLE) break;
      tries += 1;
      if (!this.#admit(job, nowMs)) continue;
      const candidates: Candidate[] = [];
      for (const other of ends.sorted()) {
        if (other.cause !== null || !preemption.canPreempt(preemptor, other.kind.preemption)) continue;
        const freeMs = other.startMs + other.kind.preemption.exemptMs;
        if (freeMs > nowMs) this.wakeMs = Math.min(this.wakeMs, freeMs);
        else candidates.push(new Candidate(other, this.#ledger));
      }
      this.#preemptFor(job, candidates, nowMs, sink);
    }
  }

  #preemptFor(job: JobRecord, candidates: readonly Candidate[], nowMs: number, sink: DecisionSink): void {
    const { request } = job;
    job.preemptRetryMs = nowMs + this.#policy.bfIntervalSeconds * 1000;
    if (candidates.length === 0) return;
    const need = { nodes: request.nodes, perNode: request.perNode, isExclusive: request.exclusive };
    const choice = chooseVictims(candidates, this.#spareFor(job), need, this.#policy.preempt.isYoungestFirst);
    // Without victims what it needs is being freed already.
    if (choice === null || choice.victims.length === 0) return;
    this.#ledger.claim(
      job,
      [...choice.nodeIndices].sort((a, b) => a - b),
    );
    for (const index of choice.victims) {
      const victim = candidates[index]?.job;
      if (victim === undefined) continue;
      victim.preemptorJobId = request.jobId;
      this.#ledger.markEnding(victim, 'PREEMPTED');
      sink.endAttempt(victim, 'PREEMPTED');
    }
  }

  /** What is free once all that is being ended is gone. */
  #spareFor(job: JobRecord): SpareCapacity {
    const { pool } = this.#ledger;
    const count = pool.nodes.length;
    const spare = {
      gpus: new Float64Array(count),
      cpus: new Float64Array(count),
      memoryBytes: new Float64Array(count),
      jobs: new Float64Array(count),
      isUsable: new Uint8Array(count),
    };
    for (const node of pool.nodes) {
      const { index } = node;
      spare.gpus[index] = node.freeGpus;
      spare.cpus[index] = node.freeCpus;
      spare.memoryBytes[index] = node.freeMemoryBytes;
      spare.jobs[index] = node.jobs.length;
      const isUsable = isAvailable(node) && couldHold(node.nodeClass, job) && !isKeptOff(node, job);
      spare.isUsable[index] = isUsable ? 1 : 0;
      for (const other of node.jobs) {
        if (other.cause === null) continue;
        const held = other.request.exclusive ? node.spec.resources : other.request.perNode;
        spare.gpus[index] = (spare.gpus[index] ?? 0) + held.gpus;
        spare.cpus[index] = (spare.cpus[index] ?? 0) + held.cpus;
        spare.memoryBytes[index] = (spare.memoryBytes[index] ?? 0) + held.memoryBytes;
        spare.jobs[index] = (spare.jobs[index] ?? 0) - 1;
      }
    }
    return spare;
  }
}
