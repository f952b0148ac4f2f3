import type { Precision } from '../../cluster/cluster.ts';
import { OrreryError } from '../../contract/errors.ts';
import { type PlannedGpu, plannedGpu } from '../../planner/machine.ts';
import { loadGpuType } from '../gpu-catalogue.ts';

/** A GPU type of the catalogue as the planner takes it. Throws ORR_BAD_FILE where its file lacks a figure to plan with. */
export async function loadPlannedGpu(name: string, precision: Precision): Promise<PlannedGpu> {
  const gpu = plannedGpu(await loadGpuType(name), precision);
  if (!('lacks' in gpu)) return gpu;
  throw new OrreryError('ORR_BAD_FILE', `${name}.yaml ${gpu.lacks}: missing: the planner cannot do without it`);
}
