import type { JobRecord } from './job-record.ts';
import type { NodeMask } from './node-mask.ts';
import type { NodePool } from './node-pool.ts';

/** Slurm's weights leave a byte for GPUs. */
const GPUS_MAX = 0xff;

/**
 * In Slurm's `select/cons_tres` (22.05, job_test.c, `_can_job_run_on_node`: "favor nodes with more co-located GPUs") a node that is looked at for a job
 * with GPUs weighs the less the more of them the job could have there, and goes on doing so for whoever is looked at next. The main scheduler
 * forgets it of the nodes of each job before it looks for them, and so do a submission and a start; predictions of backfill do not. All nodes that
 * suit a job with GPUs weigh the same for it: it is jobs without, on nodes with, that come to others than they would otherwise.
 */
export class GpuWeights {
  readonly #pool: NodePool;
  #weights = new Float64Array(0);
  #gpus = new Uint8Array(0);
  #notedCount = 0;
  #areHeeded = false;

  constructor(pool: NodePool) {
    this.#pool = pool;
  }

  /** Whether a job without GPUs was ever seen: nothing follows from these weights for others. */
  get areHeeded(): boolean {
    return this.#areHeeded;
  }

  /** It is among those that are planned for. */
  seen({ request }: JobRecord): void {
    if (request.perNode.gpus === 0) this.#areHeeded = true;
  }

  /** Of all nodes, for a job without GPUs; null where none was looked at for GPUs since. */
  get weightOf(): Float64Array | null {
    if (this.#notedCount === 0) return null;
    this.#fit();
    return this.#weights;
  }

  /** These were looked at for a job that could have so many GPUs on each. */
  note(nodes: NodeMask, gpus: number): void {
    this.#fit();
    nodes.each((index) => this.#set(index, Math.min(GPUS_MAX, gpus)));
  }

  forget(nodes: NodeMask): void {
    if (this.#notedCount > 0) nodes.each((index) => this.#set(index, 0));
  }

  #set(index: number, gpus: number): void {
    const before = this.#gpus[index] ?? 0;
    if (before === gpus) return;
    this.#notedCount += Number(gpus > 0) - Number(before > 0);
    this.#gpus[index] = gpus;
    this.#weights[index] = (this.#weights[index] ?? 0) + before - gpus;
  }

  #fit(): void {
    const { nodes } = this.#pool;
    if (this.#gpus.length === nodes.length) return;
    const gpus = new Uint8Array(nodes.length);
    gpus.set(this.#gpus);
    this.#gpus = gpus;
    this.#weights = Float64Array.from(nodes, ({ nodeClass }, index) => {
      return nodeClass.weight * (GPUS_MAX + 1) + GPUS_MAX - (gpus[index] ?? 0);
    });
  }
}
