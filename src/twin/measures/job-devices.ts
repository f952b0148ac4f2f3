import type { NodeSpec } from '../../cluster/node.ts';
import type { Allocation } from '../../scheduler/core-types.ts';
import type { DeviceUnit } from '../report.ts';
import type { TwinJob } from '../types.ts';

/** What the cluster is counted in, GPUs or where it has none CPUs, and how many of them nodes and jobs have. */
export class JobDevices {
  readonly unit: DeviceUnit;
  readonly byNode: Float64Array;
  readonly total: number;
  /** Of the first node, and of the first of each type of GPU. */
  readonly #whole: number;
  readonly #wholeByType = new Map<string, number>();

  constructor(nodes: readonly NodeSpec[]) {
    this.unit = nodes.some(({ resources }) => resources.gpus > 0) ? 'gpu' : 'cpu';
    this.byNode = Float64Array.from(nodes, ({ resources }) => (this.unit === 'gpu' ? resources.gpus : resources.cpus));
    this.total = this.byNode.reduce((sum, count) => sum + count, 0);
    this.#whole = this.byNode[0] ?? 0;
    nodes.forEach(({ gpuType }, index) => {
      if (gpuType !== null && !this.#wholeByType.has(gpuType)) {
        this.#wholeByType.set(gpuType, this.byNode[index] ?? 0);
      }
    });
  }

  /** That a job asks for, on all its nodes. */
  asked({ request }: TwinJob): number {
    const { nodes, perNode, exclusive, gpuType } = request;
    // Whoever asks for whole nodes of no type in particular is taken to mean nodes like the first.
    if (exclusive) return nodes * (gpuType === null ? this.#whole : (this.#wholeByType.get(gpuType) ?? this.#whole));
    return nodes * (this.unit === 'gpu' ? perNode.gpus : perNode.cpus);
  }

  /** That an attempt holds on one of its nodes. */
  heldOn(nodeIndex: number, job: TwinJob, allocation: Allocation): number {
    if (job.request.exclusive) return this.byNode[nodeIndex] ?? 0;
    return this.unit === 'gpu' ? allocation.gpusPerNode : (allocation.cpusPerNode ?? job.request.perNode.cpus);
  }

  /** That an attempt holds on all its nodes. */
  held(job: TwinJob, allocation: Allocation): number {
    const { nodeIndices } = allocation;
    if (!job.request.exclusive) {
      return nodeIndices.length * this.heldOn(nodeIndices[0] ?? 0, job, allocation);
    }
    let sum = 0;
    for (let rank = 0; rank < nodeIndices.length; rank++) sum += this.byNode[nodeIndices[rank]!] ?? 0;
    return sum;
  }
}
