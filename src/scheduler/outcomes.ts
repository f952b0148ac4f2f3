import { assert } from '../lib/assert.ts';
import type { EndState } from './types.ts';

const END_STATES: readonly EndState[] = [
  'COMPLETED',
  'FAILED',
  'CANCELLED',
  'TIMEOUT',
  'PREEMPTED',
  'NODE_FAIL',
  'OUT_OF_MEMORY',
];

/** How ended jobs ended and how many attempts they had: one number a job, so that millions of them are cheap to keep. */
export class Outcomes {
  readonly #packed = new Map<number, number>();

  record(jobId: number, state: EndState, attempt: number): void {
    const index = END_STATES.indexOf(state);
    assert(index >= 0, `${state} is a state in which jobs end`);
    this.#packed.set(jobId, attempt * END_STATES.length + index);
  }

  delete(jobId: number): void {
    this.#packed.delete(jobId);
  }

  state(jobId: number): EndState | undefined {
    const packed = this.#packed.get(jobId);
    return packed === undefined ? undefined : END_STATES[packed % END_STATES.length];
  }

  /** Attempts the job had; 0 for a job without outcome. */
  attempt(jobId: number): number {
    return Math.floor((this.#packed.get(jobId) ?? 0) / END_STATES.length);
  }
}
