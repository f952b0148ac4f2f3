import { Counter, Histogram, Registry } from 'prom-client';
import type { HealthResult } from '../../contract/health.ts';
import { isBad } from '../../health/verdict.ts';
import type { Policy } from '../../scheduler/policy.ts';
import type { DaemonContext } from '../context.ts';
import { version } from '../package.ts';
import { FirstNames } from './bounded-labels.ts';
import { DAEMON_FAMILIES } from './daemon-families.ts';
import { registerFamilies } from './family.ts';
import { JOB_FAMILIES, JobSums } from './job-families.ts';
import { JournalCounters } from './journal-counters.ts';
import { NODE_FAMILIES, NodeSums } from './node-families.ts';
import { USAGE_FAMILIES } from './usage-families.ts';

/** Accounting asks the store: scrapes in between get the last values, and it takes at most this part of the time. */
const USAGE_AGE_MS_MIN = 60_000;
const USAGE_LOAD_MAX = 0.01;
const LATENCY_BUCKETS_SECONDS = [0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5];
const SLURM_BUCKETS_SECONDS = [0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 60];
/** Names of health checks, also those that sites make up. */
const CHECKS_MAX = 60;

/** What `GET /metrics` tells Prometheus: families are read when it asks, the rest is counted as it happens. */
export class Measurements {
  readonly registry = new Registry();
  readonly #setJobs = registerFamilies(JOB_FAMILIES, this.registry);
  readonly #setNodes = registerFamilies(NODE_FAMILIES, this.registry);
  readonly #setUsage = registerFamilies(USAGE_FAMILIES, this.registry);
  readonly journal = new JournalCounters(this.registry);
  readonly commits = this.#histogram('orrery_commit_seconds', 'Time of one durable commit to the store.');
  readonly cycles = this.#histogram(
    'orrery_scheduling_cycle_seconds',
    'Time of one scheduling cycle; none where Slurm schedules.',
  );
  readonly forecasts = this.#histogram(
    'orrery_forecast_seconds',
    'Time of one forecast of when a job starts.',
    SLURM_BUCKETS_SECONDS,
  );
  readonly slurmLooks = this.#histogram(
    'orrery_slurm_look_seconds',
    'Time of one look at all jobs of ours on Slurm.',
    SLURM_BUCKETS_SECONDS,
  );
  readonly #slurmCommands = this.#histogram(
    'orrery_slurm_command_seconds',
    "Time of one call of Slurm's commands.",
    SLURM_BUCKETS_SECONDS,
    ['program'],
  );
  readonly #slurmFailures = new Counter({
    name: 'orrery_slurm_command_failures_total',
    help: "Calls of Slurm's commands that came to nothing, by program and kind: unreachable, limit, permission, rejected, ...",
    labelNames: ['program', 'kind'],
    registers: [this.registry],
  });
  readonly #checks = new FirstNames(CHECKS_MAX);
  readonly #healthFailures = new Counter({
    name: 'orrery_health_check_failures_total',
    help: 'Results of health checks that were not well, as this machine has them or nodes report them.',
    labelNames: ['check', 'status'],
    registers: [this.registry],
  });
  readonly #setDaemon = registerFamilies(DAEMON_FAMILIES, this.registry);
  #usageDueMs = Number.NEGATIVE_INFINITY;
  #partitionsOf: { policy: Policy; of: (nodeName: string) => readonly string[] } | undefined;

  get contentType(): string {
    return this.registry.contentType;
  }

  /** `kind`: what went wrong; null for nothing. */
  readonly slurmCommand = (program: string, ms: number, kind: string | null): void => {
    this.#slurmCommands.observe({ program }, ms / 1000);
    if (kind !== null) this.#slurmFailures.inc({ program, kind });
  };

  readonly healthResults = (results: readonly Pick<HealthResult, 'name' | 'status'>[]): void => {
    for (const { name, status } of results.filter(isBad)) {
      this.#healthFailures.inc({ check: this.#checks.of(name), status });
    }
  };

  /** Prometheus text format. One pass over the jobs that have not ended and one over the nodes. */
  async text(context: DaemonContext): Promise<string> {
    const { book, backend, lemons, policy, cluster, startMs, now } = context;
    const nowMs = now();
    this.#setJobs(new JobSums(book.live(), nowMs));
    const isLemon = (nodeName: string) => lemons.isLemon(nodeName);
    this.#setNodes(new NodeSums(backend.nodes(), this.#partitions(policy.policy), isLemon));
    this.#setDaemon({ nowMs, outage: backend.outage(), startMs, version, cluster, policy: policy.name });
    this.#refreshUsage(context, nowMs);
    return this.registry.metrics();
  }

  #refreshUsage({ accounting }: DaemonContext, nowMs: number): void {
    if (nowMs < this.#usageDueMs) return;
    const startedAt = performance.now();
    this.#setUsage(accounting.accounts(nowMs));
    this.#usageDueMs = nowMs + Math.max(USAGE_AGE_MS_MIN, (performance.now() - startedAt) / USAGE_LOAD_MAX);
  }

  #partitions(policy: Policy): (nodeName: string) => readonly string[] {
    if (this.#partitionsOf?.policy !== policy) this.#partitionsOf = { policy, of: partitionsByNode(policy) };
    return this.#partitionsOf.of;
  }

  #histogram(
    name: string,
    help: string,
    buckets: readonly number[] = LATENCY_BUCKETS_SECONDS,
    labelNames: string[] = [],
  ): Histogram {
    return new Histogram({ name, help, buckets: [...buckets], labelNames, registers: [this.registry] });
  }
}

/** Made once: a policy does not change while the daemon lives. */
function partitionsByNode({ partitions }: Policy): (nodeName: string) => readonly string[] {
  const everywhere = partitions.filter(({ nodes }) => nodes === null).map(({ name }) => name);
  const byNode = new Map<string, string[]>();
  for (const { name, nodes } of partitions) {
    for (const node of nodes ?? []) byNode.set(node, [...(byNode.get(node) ?? everywhere), name]);
  }
  return (nodeName) => byNode.get(nodeName) ?? everywhere;
}
