import { assert } from '../lib/assert.ts';
import type { Allocation } from '../scheduler/core-types.ts';
import { GPUS_PER_NODE } from './random-scenario.test-support.ts';
import type { AttemptEnd, JobEnd, NodeService, Observer, TwinJob } from './types.ts';

interface Watched {
  submitMs: number;
  startMs: number | null;
  allocation: Allocation | null;
  attempts: number;
  sums: { queuedMs: number; productiveMs: number; lostMs: number; overheadMs: number };
  last: AttemptEnd | null;
  end: JobEnd | null;
}

/**
 * Keeps its own account of nodes and jobs from what observers are told, and holds what it is told against it. Where the tasks of an attempt
 * are over its GPUs count as free, though the scheduler may still keep them for a while.
 */
export class Bookkeeper implements Observer {
  readonly jobs = new Map<number, Watched>();
  readonly services: NodeService[];
  /** GPU-milliseconds on nodes while tasks were launched, ran or died; by integration over time, not from what attempts say. */
  allocatedGpuMs = 0;
  /** Jobs in the system, integrated over time. */
  jobMs = 0;
  attemptEnds: AttemptEnd[] = [];
  readonly #used: number[];
  #usedGpus = 0;
  #nowMs = 0;
  #jobsNow = 0;

  constructor(nodeCount: number) {
    this.services = Array.from({ length: nodeCount }, () => 'up');
    this.#used = Array.from({ length: nodeCount }, () => 0);
  }

  jobSubmitted(job: TwinJob, atMs: number): void {
    this.#pass(atMs);
    const { jobId, submitMs } = job.request;
    assert(submitMs === atMs && !this.jobs.has(jobId), 'a job is submitted once, at its time');
    this.#jobsNow += 1;
    this.jobs.set(jobId, {
      submitMs,
      startMs: null,
      allocation: null,
      attempts: 0,
      sums: { queuedMs: 0, productiveMs: 0, lostMs: 0, overheadMs: 0 },
      last: null,
      end: null,
    });
  }

  attemptStarted(job: TwinJob, attempt: number, allocation: Allocation, queuedMs: number, atMs: number): void {
    this.#pass(atMs);
    const watched = this.#live(job);
    assert(watched.allocation === null, 'a job has one attempt at a time');
    assert(attempt === watched.attempts + 1, 'attempts are counted');
    assert(queuedMs >= 0 && atMs - queuedMs >= job.request.submitMs, 'no attempt starts before its job is submitted');
    const { nodeIndices, gpusPerNode } = allocation;
    assert(new Set(nodeIndices).size === job.request.nodes, 'it has as many nodes as it asked for');
    assert(gpusPerNode === job.request.perNode.gpus, 'it has as many GPUs on each as it asked for');
    for (const index of nodeIndices) {
      assert(this.services[index] === 'up', 'only nodes in service are given out');
      this.#used[index] = (this.#used[index] ?? 0) + gpusPerNode;
      assert((this.#used[index] ?? 0) <= GPUS_PER_NODE, 'no node is over-allocated');
    }
    this.#usedGpus += nodeIndices.length * gpusPerNode;
    watched.attempts = attempt;
    watched.startMs = atMs;
    watched.allocation = allocation;
    watched.sums.queuedMs += queuedMs;
  }

  attemptEnded(end: AttemptEnd): void {
    this.#pass(end.endMs);
    const watched = this.#live(end.job);
    assert(watched.startMs === end.startMs && watched.attempts === end.attempt, 'what ends is what started');
    assert(watched.allocation === end.allocation, 'it gives back what it was given');
    const { productiveMs, lostMs, overheadMs } = end;
    assert(productiveMs >= 0 && lostMs >= 0 && overheadMs >= 0, 'no share of its time is negative');
    assert(productiveMs + lostMs + overheadMs === end.endMs - end.startMs, 'its time is productive, lost or overhead');
    const { nodeIndices, gpusPerNode } = end.allocation;
    for (const index of nodeIndices) this.#used[index] = (this.#used[index] ?? 0) - gpusPerNode;
    this.#usedGpus -= nodeIndices.length * gpusPerNode;
    watched.allocation = null;
    watched.last = end;
    watched.sums.productiveMs += productiveMs;
    watched.sums.lostMs += lostMs;
    watched.sums.overheadMs += overheadMs;
    assert(watched.sums.productiveMs <= end.job.workMs, 'no work is kept twice');
    this.attemptEnds.push(end);
  }

  jobEnded(end: JobEnd): void {
    this.#pass(Math.max(this.#nowMs, end.endMs));
    const watched = this.#live(end.job);
    assert(watched.allocation === null, 'a job ends when nothing of it runs');
    assert(end.attempts === watched.attempts, 'it had as many attempts as were started');
    const { productiveMs, lostMs, overheadMs } = watched.sums;
    assert(
      end.productiveMs === productiveMs && end.lostMs === lostMs && end.overheadMs === overheadMs,
      'sums are sums',
    );
    assert(end.queuedMs >= watched.sums.queuedMs, 'it waited at least as long as its attempts did');
    watched.end = end;
    this.#jobsNow -= 1;
  }

  nodeChanged(nodeIndex: number, service: NodeService, _reason: string, atMs: number): void {
    this.#pass(atMs);
    assert(this.services[nodeIndex] !== service, 'a change is a change');
    this.services[nodeIndex] = service;
  }

  settled(atMs: number): void {
    this.#pass(atMs);
  }

  #pass(atMs: number): void {
    assert(atMs >= this.#nowMs, 'time does not go back');
    this.allocatedGpuMs += this.#usedGpus * (atMs - this.#nowMs);
    this.jobMs += this.#jobsNow * (atMs - this.#nowMs);
    this.#nowMs = atMs;
  }

  #live(job: TwinJob): Watched {
    const watched = this.jobs.get(job.request.jobId);
    assert(watched !== undefined && watched.end === null, 'the job was submitted and has not ended');
    return watched;
  }
}
