import { Random } from '../lib/random.ts';
import type { SchedulerOptions } from '../scheduler/policy.ts';
import { listedJobs } from './adjusted-jobs.ts';
import type { Operator, Scenario } from './scenario.ts';
import type { Checkpointing, Incident, IncidentSource, Outcome, Severity, TwinJob } from './types.ts';

export const GPUS_PER_NODE = 8;
const CPUS_PER_NODE = 64;
const OUTCOMES: readonly Outcome[] = ['COMPLETED', 'COMPLETED', 'COMPLETED', 'FAILED', 'CANCELLED', 'OUT_OF_MEMORY'];
const SEVERITIES: readonly Severity[] = ['high', 'low', 'heartbeat', 'job'];

/** Draws scenarios: small, crowded, and with all that can go wrong at once. Each draws its own rates, so that some runs are calm. */
export class ScenarioDraw {
  readonly #random: Random;
  readonly #nodeCount: number;
  readonly #spanMs: number;

  constructor(seed: number) {
    this.#random = new Random(seed);
    this.#nodeCount = this.#upTo(10) + 1;
    this.#spanMs = 1000 * (1 + this.#upTo(2000));
  }

  scenario(): Scenario {
    const nodes = Array.from({ length: this.#nodeCount }, (_, index) => ({
      name: `n${index}`,
      resources: { cpus: CPUS_PER_NODE, memoryBytes: 1e12, gpus: GPUS_PER_NODE },
      gpuType: 'a100-80',
      leaf: `leaf${index >> 2}`,
    }));
    const policy = this.#policy();
    const timing = {
      launchMs: this.#either(0, this.#upTo(3000)),
      completeMs: this.#either(0, this.#upTo(3000)),
      killMs: this.#either(0, this.#upTo(5000)),
    };
    const jobs = listedJobs(this.#jobs(5 + this.#upTo(60)));
    const incidents = this.#chance(3, 4) ? this.#incidents(this.#upTo(60)) : null;
    const operator = this.#chance(1, 3) ? this.#operator() : null;
    return { nodes, policy, timing, jobs, incidents, operator, observers: [], untilMs: null };
  }

  #policy(): SchedulerOptions {
    return {
      schedulerType: this.#either('backfill', 'builtin'),
      bfIntervalSeconds: this.#either(0, 30),
      defaultQueueDepth: this.#either(100, 1),
      requeueBackoffSeconds: this.#either(0, 60),
      qos: [
        { name: 'normal', priority: 0 },
        { name: 'high', priority: 10, preempts: ['normal'] },
      ].map((qos) => ({ ...qos, graceSeconds: this.#either(0, this.#upTo(40)) })),
      preempt: {
        type: this.#either('qos', 'none'),
        mode: this.#either('requeue', 'cancel'),
        exemptSeconds: this.#either(0, 100),
        isYoungestFirst: this.#chance(1, 2),
      },
    };
  }

  #jobs(count: number): TwinJob[] {
    const submits = Array.from({ length: count }, () => this.#upTo(this.#spanMs)).sort((a, b) => a - b);
    return submits.map((submitMs, index) => this.#job(index + 1, submitMs));
  }

  #job(jobId: number, submitMs: number): TwinJob {
    const exclusive = this.#chance(1, 3);
    const gpus = exclusive ? GPUS_PER_NODE : 1 + this.#upTo(GPUS_PER_NODE - 1);
    const workMs = 1 + this.#upTo(this.#either(300_000, 20_000));
    return {
      request: {
        jobId,
        submitMs,
        priority: this.#either(0, this.#upTo(5)),
        nodes: this.#chance(1, 2) ? 1 : 1 + this.#upTo(this.#nodeCount - 1),
        perNode: { cpus: (CPUS_PER_NODE / GPUS_PER_NODE) * gpus, memoryBytes: 1e11 * gpus, gpus },
        gpuType: null,
        exclusive,
        timeLimitMs: this.#chance(1, 4) ? null : 1 + this.#upTo(400_000),
        excludedNodes: [],
        maxRequeues: this.#either(1000, this.#upTo(2)),
        dependencies:
          jobId > 1 && this.#chance(1, 8) ? [{ condition: 'afterany', jobId: 1 + this.#upTo(jobId - 2) }] : [],
        isHeld: false,
        qos: this.#either('normal', 'high'),
      },
      workMs,
      outcome: OUTCOMES[this.#upTo(OUTCOMES.length - 1)] ?? 'COMPLETED',
      cancelAfterMs: this.#chance(1, 6) ? this.#upTo(300_000) : null,
      checkpointing: this.#chance(1, 2) ? this.#checkpointing() : null,
    };
  }

  #checkpointing(): Checkpointing {
    return {
      intervalMs: 1 + this.#upTo(30_000),
      writeMs: this.#upTo(5000),
      isBlocking: this.#chance(1, 2),
      restartMs: this.#upTo(10_000),
    };
  }

  #incidents(count: number): IncidentSource {
    const times = Array.from({ length: count }, () => this.#upTo(2 * this.#spanMs)).sort((a, b) => a - b);
    const incidents = times.map((atMs) => this.#incident(atMs));
    let index = 0;
    return { next: () => incidents[index++] ?? null };
  }

  #incident(atMs: number): Incident {
    const first = this.#upTo(this.#nodeCount - 1);
    const count = this.#chance(1, 6) ? 1 + this.#upTo(this.#nodeCount - 1) : 1;
    const nodeIndices = Array.from({ length: count }, (_, offset) => (first + offset) % this.#nodeCount);
    const severity = SEVERITIES[this.#upTo(3)] ?? 'high';
    const isUnseen = severity === 'job' && this.#chance(1, 2);
    return {
      atMs,
      detectedMs: isUnseen ? Infinity : atMs + this.#either(0, this.#upTo(60_000)),
      repairMs: this.#either(0, this.#upTo(200_000)),
      component: 'gpu',
      severity,
      nodeIndices,
      isFalsePositive: this.#chance(1, 4),
      isLemon: false,
    };
  }

  #operator(): Operator {
    const nodes = this.#nodeCount;
    return {
      reviewEveryMs: 50_000,
      review: (nowMs) =>
        nowMs % 3 === 0 ? [{ nodeIndex: (nowMs / 50_000) % nodes, reason: 'lemon', repairMs: 30_000 }] : [],
    };
  }

  /** An integer from 0 to `most`. */
  #upTo(most: number): number {
    return Math.floor(this.#random.nextUniform() * (most + 1));
  }

  #chance(wins: number, of: number): boolean {
    return this.#upTo(of - 1) < wins;
  }

  #either<A, B>(one: A, other: B): A | B {
    return this.#chance(1, 2) ? one : other;
  }
}
