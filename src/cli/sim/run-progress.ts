/** How far a simulation is, shared between the thread that runs it and the one that shows it. */
export interface Progress {
  /** Simulated time, and where it is expected to end; 0 where that is not known. Milliseconds. */
  nowMs: number;
  endMs: number;
  jobsSubmitted: number;
  /** Expected in all; 0 where that is not known. */
  jobsInAll: number;
  jobsEnded: number;
}

const FIELDS = ['nowMs', 'endMs', 'jobsSubmitted', 'jobsInAll', 'jobsEnded'] as const satisfies (keyof Progress)[];

/** Memory that both threads see: figures one way, the wish to stop the other. */
export class ProgressBoard {
  readonly memory: SharedArrayBuffer;
  readonly #figures: Float64Array;
  readonly #stop: Int32Array;

  constructor(memory = new SharedArrayBuffer(8 * (FIELDS.length + 1))) {
    this.memory = memory;
    this.#figures = new Float64Array(memory, 0, FIELDS.length);
    this.#stop = new Int32Array(memory, 8 * FIELDS.length, 1);
  }

  show(progress: Partial<Progress>): void {
    for (const [index, field] of FIELDS.entries()) {
      const value = progress[field];
      if (value !== undefined) this.#figures[index] = value;
    }
  }

  read(): Progress {
    const [nowMs = 0, endMs = 0, jobsSubmitted = 0, jobsInAll = 0, jobsEnded = 0] = this.#figures;
    return { nowMs, endMs, jobsSubmitted, jobsInAll, jobsEnded };
  }

  stop(): void {
    Atomics.store(this.#stop, 0, 1);
  }

  get isStopping(): boolean {
    return Atomics.load(this.#stop, 0) === 1;
  }
}

/** Between 0 and 1: by simulated time where its end is known, else by jobs; null where neither is. */
export function fractionDone({ nowMs, endMs, jobsEnded, jobsInAll }: Progress): number | null {
  if (endMs > 0) return Math.min(1, nowMs / endMs);
  return jobsInAll > 0 ? Math.min(1, jobsEnded / jobsInAll) : null;
}
