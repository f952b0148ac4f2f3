import type { Priorities } from './backlog.ts';
import { DEFAULT_QOS } from './default-names.ts';
import type { JobKinds } from './job-kind.ts';
import type { JobRecord } from './job-record.ts';

/** Older than any calculation. */
const NEVER_CALCULATED_MS = -Infinity;

/** Works out the priorities of jobs: their static part when they come and whenever the cluster's size is taken, the rest at each calculation. */
export class JobPriorities implements Priorities {
  readonly #kinds: JobKinds;
  readonly #isBasic: boolean;
  /** How often the cluster's size was taken. */
  #surveyCount = 0;

  constructor(kinds: JobKinds, isBasic: boolean) {
    this.#kinds = kinds;
    this.#isBasic = isBasic;
  }

  /** How large the cluster is now, in service or not: static parts are void. */
  setCluster(nodeCount: number, cpuCount: number): void {
    this.#surveyCount += 1;
    this.#kinds.multifactor.setCluster(nodeCount, cpuCount);
  }

  /** All parts of it. */
  prioritizeAnew(job: JobRecord): void {
    if (this.#isBasic) return;
    const { nodes, perNode, qos, partition, priority } = job.request;
    job.surveyNumber = this.#surveyCount;
    job.staticPriority = this.#kinds.multifactor.staticPriority({
      nodes,
      cpus: nodes * perNode.cpus,
      qos: qos ?? DEFAULT_QOS,
      partition: partition ?? null,
      base: priority,
    });
    this.#addFactors(job);
  }

  /** From factors as of the last calculation; its static part only where the cluster is another. */
  prioritize(job: JobRecord): void {
    if (job.surveyNumber === this.#surveyCount) this.#addFactors(job);
    else this.prioritizeAnew(job);
  }

  isCurrent(job: JobRecord): boolean {
    return job.calculatedMs === this.#kinds.fairShare.calculatedMs;
  }

  /** Its priority stays what it is until the next calculation, wherever it waits until then. */
  keepUntilNext(job: JobRecord): void {
    job.calculatedMs = NEVER_CALCULATED_MS;
  }

  #addFactors(job: JobRecord): void {
    const { multifactor, fairShare } = this.#kinds;
    const factor = fairShare.factor(job.kind.association);
    job.calculatedMs = fairShare.calculatedMs;
    job.priority = multifactor.priorityOf(job.staticPriority, job.eligibleMs, factor, fairShare.calculatedMs);
  }
}
