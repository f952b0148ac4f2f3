import type { Resources } from '../cluster/node.ts';
import type { JobRecord } from './job-record.ts';
import type { Ledger } from './ledger.ts';

/** No job is tried on more nodes than this. */
const NODES_MAX = 128;

/** The ways in which a job whose tasks may be anywhere can be spread over more nodes than it needs: one more at a time, each with an equal part. */
export class Spreads {
  readonly #ledger: Ledger;
  /** Jobs that ask for the same share it, so that they are of one shape. */
  readonly #perNode = new Map<string, Resources>();

  constructor(ledger: Ledger) {
    this.#ledger = ledger;
  }

  /** The job on as few more nodes as `place` finds room on; null where it finds none, or the job has to have its nodes as they are. */
  find<Found>(job: JobRecord, place: (spread: JobRecord) => Found | null): { as: JobRecord; found: Found } | null {
    const { request } = job;
    if (request.isSpread !== true) return null;
    const cpus = request.nodes * request.perNode.cpus;
    const memoryBytes = request.nodes * request.perNode.memoryBytes;
    let last = request.perNode.cpus;
    for (let nodes = request.nodes + 1; nodes <= Math.min(cpus, NODES_MAX); nodes += 1) {
      const each = Math.ceil(cpus / nodes);
      // On more nodes with no less on each there is no room either.
      if (each === last) continue;
      last = each;
      const perNode = this.#each({
        cpus: each,
        memoryBytes: Math.ceil(memoryBytes / nodes),
        gpus: request.perNode.gpus,
      });
      const as = this.#ledger.record({ ...request, nodes, perNode }, job.attempt);
      const found = place(as);
      if (found !== null) return { as, found };
    }
    return null;
  }

  #each(resources: Resources): Resources {
    const key = `${resources.cpus} ${resources.memoryBytes} ${resources.gpus}`;
    const known = this.#perNode.get(key) ?? resources;
    this.#perNode.set(key, known);
    return known;
  }
}
