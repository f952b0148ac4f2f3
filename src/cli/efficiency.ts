import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { OrreryError } from '../contract/errors.ts';
import { parseGpuEfficiencyFile, parseStackFile, type StackFile } from '../formats/efficiency-file.ts';
import type { Efficiency, Stack } from '../planner/efficiency.ts';
import { packageFolder } from './package-folder.ts';

/** The constants of one software stack on one GPU type of the catalogue, and how they were fitted. */
export async function loadEfficiency(stack: Stack, gpuName: string): Promise<Efficiency & Pick<StackFile, 'fit'>> {
  const read = async (name: string) => {
    const file = join(packageFolder(), 'catalog', 'efficiency', `${name}.yaml`);
    return { file, text: await readFile(file, 'utf8') };
  };
  const [stackFile, gpuFile] = await Promise.all([read(stack), read('gpus')]);
  const gpus = parseGpuEfficiencyFile(gpuFile.text, gpuFile.file);
  const gpu = gpus.get(gpuName);
  if (gpu === undefined) {
    const known = [...gpus.keys()].join(', ');
    throw new OrreryError('ORR_USAGE', `gpu: expected one with efficiency constants (${known}), got "${gpuName}"`);
  }
  return { ...parseStackFile(stackFile.text, stackFile.file), gpu };
}
