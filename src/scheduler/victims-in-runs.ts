import { definite } from '../lib/assert.ts';
import { type FreeSpace, placeInRuns } from './free-space.ts';
import type { JobRecord } from './job-record.ts';
import type { NodeMask } from './node-mask.ts';

/** A running job that may be preempted. */
export interface RunningVictim {
  readonly job: JobRecord;
  readonly nodeIndices: readonly number[];
}

/** Slurm's `preempt_reorder_count` is 1 unless it is set, and once more is how often it reorders. */
const REORDERS_MAX = 2;

/**
 * Whom to preempt so that a gang fits, as Slurm 22.05's `select/cons_tres` goes about it where no topology is described, and on which nodes it
 * then is: those it would choose if the victims were gone. Candidates go in order until the gang fits; then they are tried again with the last
 * one first and the others by how many of the gang's nodes they hold, and once more. Who went before the gang fitted and holds one of its
 * nodes is a victim, even where it could have been spared. Null where all together do not make room. `space` is as it is without any of them
 * gone; `usable` are nodes that the gang could have.
 */
export function chooseInRuns<T extends RunningVictim>(
  candidates: readonly T[],
  space: FreeSpace,
  usable: NodeMask,
  gang: JobRecord,
): { victims: T[]; nodeIndices: number[] } | null {
  let order = [...candidates];
  for (let reorders = 0; ; reorders++) {
    const trial = space.copy();
    let nodeIndices: number[] | null = null;
    let count = 0;
    while (nodeIndices === null) {
      const candidate = order[count];
      if (candidate === undefined) return null;
      count += 1;
      trial.vacate(candidate.job, candidate.nodeIndices);
      nodeIndices = placeInRuns(trial, usable, gang);
    }
    const chosen = new Set(nodeIndices);
    const overlap = ({ nodeIndices: held }: T) => held.reduce((sum, index) => sum + (chosen.has(index) ? 1 : 0), 0);
    if (reorders === REORDERS_MAX || order.length <= reorders + 1) {
      return { victims: order.slice(0, count).filter((one) => overlap(one) > 0), nodeIndices };
    }
    const last = definite(order[count - 1], 'the one that made room');
    const earlier = order.slice(0, count - 1).map((one) => ({ one, weight: overlap(one) }));
    earlier.sort((a, b) => b.weight - a.weight);
    order = [last, ...earlier.map(({ one }) => one), ...order.slice(count)];
  }
}
