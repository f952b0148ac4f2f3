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
const PAGE_SIZE = 4096;

/** How ended jobs ended and how many attempts they had: four bytes a job, so that millions of them are cheap to keep. */
export class Outcomes {
  /** By `jobId / PAGE_SIZE`: `attempt * 8 + code`, 0 for none. */
  readonly #pages = new Map<number, Uint32Array>();

  record(jobId: number, state: EndState, attempt: number): void {
    const code = END_STATES.indexOf(state) + 1;
    assert(code > 0, 'a job has ended in a state in which jobs end');
    const number = Math.floor(jobId / PAGE_SIZE);
    let page = this.#pages.get(number);
    if (page === undefined) {
      page = new Uint32Array(PAGE_SIZE);
      this.#pages.set(number, page);
    }
    page[jobId % PAGE_SIZE] = attempt * 8 + code;
  }

  /** Forgets the outcome of the job. Returns the attempts it had; 0 for a job without outcome. */
  take(jobId: number): number {
    const page = this.#pages.get(Math.floor(jobId / PAGE_SIZE));
    if (page === undefined) return 0;
    const attempts = page[jobId % PAGE_SIZE]! >>> 3;
    page[jobId % PAGE_SIZE] = 0;
    return attempts;
  }

  state(jobId: number): EndState | undefined {
    return END_STATES[(this.#packed(jobId) & 7) - 1];
  }

  /** Attempts the job had; 0 for a job without outcome. */
  attempt(jobId: number): number {
    return this.#packed(jobId) >>> 3;
  }

  #packed(jobId: number): number {
    return this.#pages.get(Math.floor(jobId / PAGE_SIZE))?.[jobId % PAGE_SIZE] ?? 0;
  }
}
