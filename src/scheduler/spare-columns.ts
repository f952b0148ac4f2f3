import type { NodeRecord } from './node-record.ts';
import type { SpareCapacity } from './preemption.ts';

/** What is free on every node, what attempts hold that are being ended included: for those who look for victims. */
export class SpareColumns implements SpareCapacity {
  gpus = new Float64Array(64);
  cpus = new Float64Array(64);
  memoryBytes = new Float64Array(64);
  jobs = new Float64Array(64);
  isUsable = new Uint8Array(64);

  set(node: NodeRecord): void {
    const { index } = node;
    if (index >= this.gpus.length) this.#grow(index);
    this.gpus[index] = node.freeGpus + node.endingGpus;
    this.cpus[index] = node.freeCpus + node.endingCpus;
    this.memoryBytes[index] = node.freeMemoryBytes + node.endingMemoryBytes;
    this.jobs[index] = node.jobs.length - node.endingJobs;
    this.isUsable[index] = node.isDown || node.isDrained || node.isRemoved || node.claim !== null ? 0 : 1;
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
