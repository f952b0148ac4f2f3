import { readdirSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { GpuType, Precision } from '../../cluster/cluster.ts';
import { OrreryError } from '../../contract/errors.ts';
import { parseGpuFile } from '../../formats/cluster-file.ts';
import { type PlannedGpu, plannedGpu } from '../../planner/machine.ts';
import { packageFolder } from '../package-folder.ts';

function gpusFolder(): string {
  return join(packageFolder(), 'catalog', 'gpus');
}

/** Names of the GPU types in the catalogue. */
export function gpuNames(): string[] {
  return readdirSync(gpusFolder())
    .flatMap((file) => (file.endsWith('.yaml') ? [file.slice(0, -'.yaml'.length)] : []))
    .sort();
}

/** A GPU type of the catalogue, by a name in it. */
export async function loadGpuType(name: string): Promise<GpuType> {
  const file = `${name}.yaml`;
  return parseGpuFile(await readFile(join(gpusFolder(), file), 'utf8'), file);
}

/** A GPU type of the catalogue as the planner takes it. Throws ORR_BAD_FILE where its file lacks a figure to plan with. */
export async function loadPlannedGpu(name: string, precision: Precision): Promise<PlannedGpu> {
  const gpu = plannedGpu(await loadGpuType(name), precision);
  if (!('lacks' in gpu)) return gpu;
  throw new OrreryError('ORR_BAD_FILE', `${name}.yaml ${gpu.lacks}: missing: the planner cannot do without it`);
}
