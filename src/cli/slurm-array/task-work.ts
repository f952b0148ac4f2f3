import type { EvaluatedShare, EvaluationRequest } from '../evaluate/evaluate-share.ts';
import type { Grid } from '../plan-grid/grid.ts';
import type { PlannedCase } from '../plan-grid/plan-case.ts';
import type { SimulationResult } from '../sim/simulate.ts';
import type { SimulationRequest } from '../sim/simulation.ts';

/** What a task of an array can do, and what comes of it. */
export interface TaskWork {
  simulation: { request: SimulationRequest; result: SimulationResult };
  planning: { request: Grid; result: PlannedCase[] };
  evaluation: { request: EvaluationRequest; result: EvaluatedShare };
}

export type TaskKind = keyof TaskWork;

/** A task's item on the shared folder. */
export type TaskItem = { [Kind in TaskKind]: { kind: Kind; request: TaskWork[Kind]['request'] } }[TaskKind];
