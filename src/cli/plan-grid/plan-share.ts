import type { Grid } from './grid.ts';
import { planCase, type PlannedCase } from './plan-case.ts';

/** Plans the cases of a grid, or of a share of one, one after the other. */
export async function planShare(grid: Grid): Promise<PlannedCase[]> {
  const planned: PlannedCase[] = [];
  for (const gridCase of grid.cases) planned.push(await planCase(grid, gridCase));
  return planned;
}
