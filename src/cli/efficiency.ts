import { join } from 'node:path';
import { OrreryError } from '../contract/errors.ts';
import { parseGpuEfficiencyFile, parseStackFile, type StackFile } from '../formats/efficiency-file.ts';
import { type Efficiency, type Stack, STACKS } from '../planner/efficiency.ts';
import { packageFolder } from './package-folder.ts';
import { readText } from './read-text.ts';

/** True where a stack is named by the path of a file, not by its name in the catalogue. */
function isStackFile(stack: string): boolean {
  return /[/\\]|\.ya?ml$/.test(stack);
}

/** The constants of one software stack, of the catalogue or from a file that a calibration wrote, on one GPU type. Throws ORR_BAD_FILE, ORR_USAGE. */
export async function loadEfficiency(stack: string, gpuName: string): Promise<Efficiency & Pick<StackFile, 'fit'>> {
  const folder = join(packageFolder(), 'catalog', 'efficiency');
  const stackFile = isStackFile(stack) ? stack : join(folder, `${catalogueStack(stack)}.yaml`);
  const gpusFile = join(folder, 'gpus.yaml');
  const [stackText, gpusText] = await Promise.all([readText(stackFile), readText(gpusFile)]);
  const gpus = parseGpuEfficiencyFile(gpusText, gpusFile);
  const gpu = gpus.get(gpuName);
  if (gpu === undefined) {
    const known = [...gpus.keys()].join(', ');
    throw new OrreryError('ORR_USAGE', `gpu: expected one with efficiency constants (${known}), got "${gpuName}"`);
  }
  return { ...parseStackFile(stackText, stackFile), gpu };
}

function catalogueStack(name: string): Stack {
  const stack = STACKS.find((known) => known === name);
  if (stack !== undefined) return stack;
  throw new OrreryError('ORR_USAGE', `stack: expected one of ${STACKS.join(', ')} or a YAML file, got "${name}"`);
}
