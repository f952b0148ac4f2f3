import { NodeMask } from './node-mask.ts';
import type { JobRecord } from './job-record.ts';
import type { NodePool } from './node-pool.ts';
import { couldHold, isAvailable, isKeptOff } from './node-record.ts';

/** Nodes that may be given out and that a job might have, whatever runs there: found once for jobs of a shape, while no node comes or goes. */
export class UsableNodes {
  readonly #pool: NodePool;
  /** By shape, and which partitions were closed. */
  readonly #known = new Map<number, { mask: NodeMask; closed: number }>();
  #seenChanges = -1;

  constructor(pool: NodePool) {
    this.#pool = pool;
  }

  /** Others get the same: it is not to be changed. `closed`: bits of partitions whose nodes the job is not to have. */
  of(job: JobRecord, closed = 0): NodeMask {
    if (job.shape < 0 || job.barred !== null) return usableNodes(this.#pool, job, closed);
    if (this.#seenChanges !== this.#pool.serviceChanges) {
      this.#seenChanges = this.#pool.serviceChanges;
      this.#known.clear();
    }
    const known = this.#known.get(job.shape);
    if (known?.closed === closed) return known.mask;
    const mask = usableNodes(this.#pool, job, closed);
    this.#known.set(job.shape, { mask, closed });
    return mask;
  }
}

export function usableNodes({ nodes }: NodePool, job: JobRecord, closed = 0): NodeMask {
  const mask = new NodeMask(nodes.length);
  for (const node of nodes) {
    if (!isAvailable(node) || (node.nodeClass.partitionMask & closed) !== 0) continue;
    if (couldHold(node.nodeClass, job) && !isKeptOff(node, job)) mask.add(node.index);
  }
  return mask;
}

/** How many nodes of its partition may be given out that are in no closed one, whatever the job asks for. */
export function openNodes({ nodes }: NodePool, { partitionBit }: JobRecord, closed: number): number {
  return nodes.filter(
    (node) =>
      isAvailable(node) &&
      (node.nodeClass.partitionMask & partitionBit) !== 0 &&
      (node.nodeClass.partitionMask & closed) === 0,
  ).length;
}
