import { Counter, Gauge, Histogram, Registry } from 'prom-client';
import { jobStateSchema, nodeSchema } from '../contract/api.ts';
import type { DaemonContext } from './context.ts';

/** ETTR goes over all jobs; scrapes in between get the last value. */
const ETTR_AGE_MS_MAX = 60_000;
const LATENCY_BUCKETS_SECONDS = [0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5];

/** What `GET /metrics` tells Prometheus. Gauges are read when it asks. */
export class Measurements {
  readonly #registry = new Registry();
  readonly submissions = this.#counter('orrery_submissions_total', 'Jobs accepted since the daemon started.');
  readonly commits = this.#histogram('orrery_commit_seconds', 'Time of one durable commit to the store.');
  readonly cycles = this.#histogram('orrery_scheduling_cycle_seconds', 'Time of one scheduling cycle.');
  readonly #jobs = this.#gauge('orrery_jobs', 'Jobs that have not ended, by state.', ['state']);
  readonly #nodes = this.#gauge('orrery_nodes', 'Nodes, by state.', ['state']);
  readonly #gpus = this.#gauge('orrery_gpus', 'GPUs (CPU slots where there are none) of all nodes.');
  readonly #gpusAllocated = this.#gauge('orrery_gpus_allocated', 'GPUs held by jobs.');
  readonly #outage = this.#gauge(
    'orrery_outage_seconds',
    'Since when Slurm does not answer; 0 where it does, and where jobs run on this machine.',
  );
  readonly #ettr = this.#gauge('orrery_ettr', 'Effective training time ratio of all jobs, by account.', ['account']);
  #ettrMs = Number.NEGATIVE_INFINITY;

  get contentType(): string {
    return this.#registry.contentType;
  }

  /** Prometheus text format. */
  async text(context: DaemonContext): Promise<string> {
    for (const state of ['PENDING', 'RUNNING', 'COMPLETING'] satisfies (typeof jobStateSchema.options)[number][]) {
      this.#jobs.set({ state }, 0);
    }
    for (const job of context.book.summaries({})) this.#jobs.inc({ state: job.state });
    const nodes = context.backend.nodes();
    for (const state of nodeSchema.shape.state.options) this.#nodes.set({ state }, 0);
    for (const node of nodes) this.#nodes.inc({ state: node.state });
    const gpus = nodes.reduce((sum, node) => sum + node.spec.resources.gpus, 0);
    this.#gpus.set(gpus);
    this.#gpusAllocated.set(gpus - nodes.reduce((sum, node) => sum + node.free.gpus, 0));
    const outage = context.backend.outage();
    this.#outage.set(outage === null ? 0 : Math.max(0, context.now() - outage.sinceMs) / 1000);
    this.#refreshEttr(context);
    return this.#registry.metrics();
  }

  #refreshEttr({ accounting, now }: DaemonContext): void {
    const nowMs = now();
    if (nowMs - this.#ettrMs < ETTR_AGE_MS_MAX) return;
    this.#ettrMs = nowMs;
    for (const row of accounting.rows('account', nowMs)) {
      if (row.ettr !== null) this.#ettr.set({ account: row.key }, row.ettr);
    }
  }

  #counter(name: string, help: string): Counter {
    return new Counter({ name, help, registers: [this.#registry] });
  }

  #gauge(name: string, help: string, labelNames: string[] = []): Gauge {
    return new Gauge({ name, help, labelNames, registers: [this.#registry] });
  }

  #histogram(name: string, help: string): Histogram {
    return new Histogram({ name, help, buckets: LATENCY_BUCKETS_SECONDS, registers: [this.#registry] });
  }
}
