import type { Held, JobRecord } from './job-record.ts';
import type { NodePool } from './node-pool.ts';
import type { Placement } from './types.ts';

/** What a job holds in the words of events: nodes by name, GPUs by number. */
export function placementOf(pool: NodePool, job: JobRecord, held: Held): Placement {
  const { exclusive, perNode } = job.request;
  return held.nodeIndices.map((index, rank) => {
    const { spec } = pool.at(index);
    const resources = exclusive ? spec.resources : perNode;
    const gpuIndices = held.gpuIndices?.[rank] ?? Array.from({ length: resources.gpus }, (_, gpu) => gpu);
    return { nodeName: spec.name, resources: { ...resources }, gpuIndices };
  });
}

/** The same from a journal. What contradicts the request or the nodes is found when it is taken. */
export function heldBy(pool: NodePool, job: JobRecord, placement: Placement): Held {
  const nodeIndices = placement.map(({ nodeName }) => pool.get(nodeName).index);
  const isAll = placement.every(({ nodeName, gpuIndices }) => {
    const { gpus } = pool.get(nodeName).spec.resources;
    return (
      gpuIndices.length === (job.request.exclusive ? gpus : job.request.perNode.gpus) && isWholeOrNone(gpuIndices, gpus)
    );
  });
  return {
    nodeIndices,
    gpusPerNode: placement[0]?.resources.gpus ?? 0,
    cpusPerNode: placement[0]?.resources.cpus ?? 0,
    gpuIndices: isAll ? null : placement.map(({ gpuIndices }) => gpuIndices),
  };
}

function isWholeOrNone(gpuIndices: readonly number[], gpus: number): boolean {
  return gpuIndices.length === 0 || (gpuIndices.length === gpus && gpuIndices.every((gpu, index) => gpu === index));
}
