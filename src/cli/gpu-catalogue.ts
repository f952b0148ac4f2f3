import { readdirSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { GpuType } from '../cluster/cluster.ts';
import { parseGpuFile } from '../formats/cluster-file.ts';
import { packageFolder } from './package-folder.ts';

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

function gpusFolder(): string {
  return join(packageFolder(), 'catalog', 'gpus');
}
