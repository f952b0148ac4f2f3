import { type Work, worksOf } from './pareto-front.ts';
import type { Grid } from './grid.ts';
import type { PlannedCase } from './plan-case.ts';

/** A grid with its answers. */
export interface GridReport {
  stack: string;
  deadlineSeconds: number | null;
  /** Whether cost is money; else it is GPU-hours. */
  isPriced: boolean;
  works: Work[];
  casesAsked: number;
  isInterrupted: boolean;
}

/** `planned`: in the order of the grid's cases, null for what was not done. */
export function gridReport(grid: Grid, planned: readonly (PlannedCase | null)[], isInterrupted: boolean): GridReport {
  const isPriced = grid.cases.every(({ details }) => details.costPerGpuHour !== undefined);
  return {
    stack: grid.stack,
    deadlineSeconds: grid.deadlineSeconds,
    isPriced,
    works: worksOf(
      planned.filter((one) => one !== null),
      isPriced,
    ),
    casesAsked: grid.cases.length,
    isInterrupted,
  };
}

/** What `--json` prints: the cases in one list. */
export function gridDocument({ works, stack, deadlineSeconds, casesAsked, isInterrupted }: GridReport): object {
  return { stack, deadlineSeconds, cases: works.flatMap(({ cases }) => cases), casesAsked, isInterrupted };
}

/** Whether any case has a layout to train with. */
export function isAnyPlanned({ works }: GridReport): boolean {
  return works.some(({ cases }) => cases.some(({ best }) => best !== null));
}

/** What is wrong with all cases alike, hence with what was asked; null where they differ, or one could be laid out. */
export function sharedRefusal({ works }: GridReport): string | null {
  const cases = works.flatMap((work) => work.cases);
  const reasons = new Set(cases.map(({ outcome, why }) => (outcome === 'noLayout' ? why : null)));
  const [only = null] = reasons;
  return reasons.size === 1 ? only : null;
}
