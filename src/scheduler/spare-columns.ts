import type { NodeRecord } from './node-record.ts';
import type { SpareCapacity } from './preemption.ts';

/** What is free on every node, in columns that are cheap to copy. */
export class SpareColumns implements SpareCapacity {
  gpus = new Float64Array(64);
  cpus = new Float64Array(64);
  memoryBytes = new Float64Array(64);
  jobs = new Float64Array(64);
  /** Whether it may be given out at all; who asks may have nodes of its own to keep off. */
  isUsable = new Uint8Array(64);
  /** How many nodes there are; columns are longer. */
  length = 0;

  set(node: NodeRecord): void {
    const { index } = node;
    if (index >= this.gpus.length) this.#grow(index);
    if (index >= this.length) this.length = index + 1;
    this.gpus[index] = node.freeGpus;
    this.cpus[index] = node.freeCpus;
    this.memoryBytes[index] = node.freeMemoryBytes;
    this.jobs[index] = node.jobs.length;
    this.isUsable[index] = node.isDown || node.isDrained || node.isRemoved || node.claim !== null ? 0 : 1;
  }

  /** A copy that may be changed. */
  copy(): { [Name in keyof SpareCapacity]: Name extends 'isUsable' ? Uint8Array : Float64Array } {
    return {
      gpus: this.gpus.slice(0, this.length),
      cpus: this.cpus.slice(0, this.length),
      memoryBytes: this.memoryBytes.slice(0, this.length),
      jobs: this.jobs.slice(0, this.length),
      isUsable: this.isUsable.slice(0, this.length),
    };
  }

  #grow(index: number): void {
    const size = Math.max(index + 1, this.gpus.length * 2);
    const grown = (column: Float64Array) => {
      const larger = new Float64Array(size);
      larger.set(column);
      return larger;
    };
    this.gpus = grown(this.gpus);
    this.cpus = grown(this.cpus);
    this.memoryBytes = grown(this.memoryBytes);
    this.jobs = grown(this.jobs);
    const usable = new Uint8Array(size);
    usable.set(this.isUsable);
    this.isUsable = usable;
  }
}
