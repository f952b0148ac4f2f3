import type { NodeSpec } from '../cluster/node.ts';
import type { Priorities } from './backlog.ts';
import { DEFAULT_QOS } from './default-names.ts';
import type { JobKinds } from './job-kind.ts';
import type { JobRecord } from './job-record.ts';
import type { PrioritizedJob } from './multifactor.ts';

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

  /** The nodes of the cluster now, in service or not: static parts are void. */
  setCluster(nodes: readonly NodeSpec[]): void {
    this.#surveyCount += 1;
    this.#kinds.multifactor.setCluster(nodes);
  }

  /** All parts of it. */
  prioritizeAnew(job: JobRecord): void {
    if (this.#isBasic) return;
    job.surveyNumber = this.#surveyCount;
    job.staticPriority = this.#kinds.multifactor.staticPriority(prioritizedJob(job));
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

/** What of a job its priority depends on. */
export function prioritizedJob({ request, limitMs }: Pick<JobRecord, 'request' | 'limitMs'>): PrioritizedJob {
  const { nodes, perNode, qos = DEFAULT_QOS, partition = null, priority: base } = request;
  const { cpus, memoryBytes, gpus } = perNode;
  const amounts = { nodes, cpus: nodes * cpus, memoryBytes: nodes * memoryBytes, gpus: nodes * gpus };
  return { ...amounts, limitMs, qos, partition, base };
}
