import { ExitStatus } from './exit-status.ts';
import { note, print, printJson } from './output.ts';
import {
  casesOf,
  countCases,
  type Grid,
  type GridAxes,
  type GridCase,
  readGrid,
  refusePrices,
} from './plan-grid/grid.ts';
import type { GridOutputs } from './plan-grid/run-plan-grid.ts';
import { renderComparison } from './render/plan-comparison.ts';
import { renderDeadline } from './render/plan-deadline.ts';
import { renderPlan } from './render/plan-report.ts';
import { terminalOf } from './render/terminal.ts';
import { compareClusters } from './plan/comparison.ts';
import { fewestGpus } from './plan/deadline.ts';
import { writePlanPage } from './plan/page-file.ts';
import { makePlan, type PlanReport } from './plan/plan.ts';
import {
  badRequest,
  type PlanOptions,
  type PlanRequest,
  readRequest,
  resolveRequest,
  withGpus,
} from './plan/request.ts';

export const ZERO_STAGES = [0, 1, 2, 3] as const;

/** The options of `orrery plan` as commander gives them. */
export interface PlanCommandOptions extends Omit<Grid['details'], 'zero'> {
  cluster?: string[];
  model?: string[];
  tokens?: number[];
  gpus?: number[];
  globalBatch?: number[];
  seq?: number[];
  costPerGpuHour?: number[];
  stack: string;
  zero?: string;
  compare?: string[];
  deadline?: number;
  on?: 'slurm';
  tasks?: number;
  report?: string;
  csv?: string;
  json?: boolean;
}

/** `orrery plan`: one plan, clusters side by side, or, where options name several values, a plan for each combination of them. */
export async function runPlan(options: PlanCommandOptions): Promise<void> {
  const { model, tokens, cluster, seq, gpus, globalBatch, costPerGpuHour, zero, ...rest } = options;
  const { stack, compare, deadline, on, tasks, report, csv, json, ...fixed } = rest;
  if (model === undefined) throw badRequest('model: missing: give --model NAME; `orrery models` lists them');
  if (tokens === undefined) throw badRequest('tokens: missing: give --tokens, such as --tokens 300B');
  if (compare !== undefined) {
    if (compare.length < 2) throw badRequest('compare: expected two clusters or more, such as rsc-phase1,rsc-phase2');
    if (cluster !== undefined || deadline !== undefined) {
      throw badRequest('compare: expected neither --cluster nor --deadline with it');
    }
    if (report !== undefined) throw badRequest('compare: expected no --report with it, which shows one cluster');
  } else if (cluster === undefined) {
    throw badRequest('cluster: missing: give --cluster NAME; `orrery clusters` lists them');
  }
  const stage = ZERO_STAGES.find((known) => String(known) === zero);
  const details: Grid['details'] = { ...fixed, ...(stage === undefined ? {} : { zero: stage }) };
  const axes: GridAxes = {
    models: model,
    clusters: cluster ?? compare?.slice(0, 1) ?? [],
    tokens,
    seqs: seq ?? [],
    gpus: gpus ?? [],
    globalBatches: globalBatch ?? [],
    prices: costPerGpuHour ?? [],
  };
  const outputs = { report: report ?? null, csv: csv ?? null, json: json === true };
  if (compare === undefined && countCases(axes) > 1) {
    if (tasks !== undefined && on === undefined) throw badRequest('tasks: expected --on slurm with it');
    const grid = await readGrid(axes, stack, details, deadline ?? null);
    const { runPlanGrid } = await import('./plan-grid/run-plan-grid.ts');
    return runPlanGrid(grid, { on: on ?? 'here', tasks: tasks ?? null }, outputs);
  }
  if (countCases(axes) > 1) throw badRequest('compare: expected one value of each other option with it');
  for (const [name, value] of Object.entries({ on, tasks, csv })) {
    if (value !== undefined) throw badRequest(`${name}: expected several cases with it, such as --gpus 256,512,1024`);
  }
  const only = { ...details, ...onlyCase(axes), stack };
  if (compare === undefined) return runSingle(only, deadline, outputs);
  const clusters = await compareClusters(compare, only);
  if (outputs.json) printJson({ clusters });
  else print(renderComparison(clusters, terminalOf(process.stdout)));
}

async function runSingle(
  options: PlanOptions,
  deadline: number | undefined,
  { report, json }: Pick<GridOutputs, 'report' | 'json'>,
): Promise<void> {
  if (deadline === undefined) {
    const request = await resolveRequest(options);
    const plan = await makePlan(request);
    await writeReport(report, plan, request);
    if (json) printJson(plan);
    else print(renderPlan(plan, terminalOf(process.stdout)));
    if (!plan.fits) throw new ExitStatus(1);
    return;
  }
  const request = await readRequest(options);
  const answer = fewestGpus(request, deadline);
  const sized = withGpus(request, answer.gpus);
  const plan = await makePlan(sized);
  await writeReport(report, plan, sized);
  if (json) printJson({ deadline: answer, ...plan });
  else print(`${renderDeadline(answer, plan)}\n\n${renderPlan(plan, terminalOf(process.stdout))}`);
  if (!answer.isMet) throw new ExitStatus(1);
}

/** Of axes that have one value each. */
function onlyCase(axes: GridAxes): Pick<PlanOptions, 'model' | 'cluster'> & GridCase['details'] {
  refusePrices(axes);
  const [only] = casesOf(axes);
  const [[model], [cluster]] = [axes.models, axes.clusters];
  if (only === undefined || model === undefined || cluster === undefined) throw new Error('no case to plan');
  return { ...only.details, model, cluster };
}

async function writeReport(file: string | null, plan: PlanReport, request: PlanRequest): Promise<void> {
  if (file === null) return;
  await writePlanPage(file, plan, request, process.argv.slice(2));
  note(`wrote ${file}`);
}
