import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parseRunsFile } from '../../formats/runs-file.ts';
import { type Efficiency, STACKS } from '../../planner/efficiency.ts';
import type { MeasuredRun } from '../../planner/measured-run.ts';
import { loadEfficiency } from '../efficiency.ts';
import { packageFolder } from '../package-folder.ts';
import { gpuNames } from '../gpu-catalogue.ts';

/**
 * The runs that a stack's constants were held against, its own and those of stacks of one ancestry, which share most constants; those of a user's own file
 * are not kept.
 */
export async function publishedRuns(efficiency: Efficiency, gpuName: string): Promise<MeasuredRun[]> {
  const stacks = await Promise.all(STACKS.map((name) => loadEfficiency(name, gpuName)));
  const ancestor = (name: string): string => {
    const inherited = stacks.find(({ stack }) => stack.stack === name)?.fit.inherited ?? null;
    return inherited === null ? name : ancestor(inherited);
  };
  const own = ancestor(efficiency.stack.stack);
  const files = stacks.flatMap((other) => (ancestor(other.stack.stack) === own ? other.fit.rows : []));
  const known = { gpus: gpuNames(), stacks: STACKS };
  const runs = files.map(async (file) => {
    const text = await readFile(join(packageFolder(), 'catalog', 'runs', file), 'utf8');
    return parseRunsFile(text, file, known);
  });
  return (await Promise.all(runs)).flat();
}
