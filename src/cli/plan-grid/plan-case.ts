import { OrreryError } from '../../contract/errors.ts';
import { type Deadline, fewestGpus } from '../plan/deadline.ts';
import { type BestLayout, makePlan, type PlanReport } from '../plan/plan.ts';
import { gpusOf, refuseInvalid, requestOf, withGpus } from '../plan/request.ts';
import { digits, whole } from '../render/plan-report.ts';
import type { Grid, GridCase } from './grid.ts';

const GIB = 2 ** 30;

/** How a case came out: with a layout to train with, or why there is none. */
export type Outcome = 'planned' | 'doesNotFit' | 'noLayout' | 'tooLate';

/** Of the best layout what is held against other cases, as a plan by itself says it; null where failures are so many that training never ends. */
export interface CaseLayout
  extends Pick<
    BestLayout,
    | 'parallelism'
    | 'iterationSeconds'
    | 'iterationSecondsInterval'
    | 'tokensPerSecond'
    | 'mfu'
    | 'hfu'
    | 'memoryBytesPerGpu'
    | 'days'
    | 'ettr'
    | 'notValidated'
  > {
  expectedDays: number | null;
  expectedDaysInterval: [low: number | null, high: number | null];
  gpuHours: number | null;
  energyKwh: number | null;
  cost: number | null;
}

/** A case with its answer. Plain data, the same after a passage through JSON. */
export interface PlannedCase {
  model: string;
  cluster: string;
  tokens: number;
  sequenceLength: number;
  gpus: number;
  /** Null where none can be laid out, as the batch where none was given. */
  nodes: number | null;
  globalBatch: number | null;
  outcome: Outcome;
  /** In words, unless it is planned. */
  why: string | null;
  /** Null unless it is planned. */
  best: CaseLayout | null;
}

type Answer = Pick<PlannedCase, 'gpus' | 'nodes' | 'globalBatch' | 'outcome' | 'why' | 'best'>;

/** One case of a grid, planned as `orrery plan` would by itself. What is wrong with this case alone is its answer. */
export async function planCase(
  grid: Grid,
  { model: modelIndex, cluster: clusterIndex, details }: GridCase,
): Promise<PlannedCase> {
  const [named, on] = [grid.models[modelIndex], grid.clusters[clusterIndex]];
  if (named === undefined || on === undefined)
    throw new Error('a case of a model or cluster that the grid does not have');
  const { model } = named;
  const { cluster, efficiency } = on;
  const about = {
    model: named.label,
    cluster: on.label,
    tokens: details.tokens,
    sequenceLength: details.seq ?? model.sequenceLengthMax,
  };
  const answer = async (): Promise<Answer> => {
    const request = requestOf({ cluster, model, efficiency }, { ...grid.details, ...details });
    if (grid.deadlineSeconds === null) {
      refuseInvalid(request);
      return answerOf(await makePlan(request), null);
    }
    const deadline = fewestGpus(request, grid.deadlineSeconds);
    return answerOf(await makePlan(withGpus(request, deadline.gpus)), deadline);
  };
  try {
    return { ...about, ...(await answer()) };
  } catch (error) {
    if (!(error instanceof OrreryError) || error.code !== 'ORR_USAGE') throw error;
    const unplanned = { nodes: null, globalBatch: details.globalBatch ?? null, best: null };
    return { ...about, ...unplanned, gpus: details.gpus ?? gpusOf(cluster), outcome: 'noLayout', why: error.message };
  }
}

function answerOf(plan: PlanReport, deadline: Deadline | null): Answer {
  const { gpus, nodes, globalBatch } = plan;
  const size = { gpus, nodes, globalBatch };
  if (!plan.fits) return { ...size, outcome: 'doesNotFit', why: misfitText(plan), best: null };
  if (deadline?.isMet === false) return { ...size, outcome: 'tooLate', why: lateText(plan, deadline), best: null };
  return { ...size, outcome: 'planned', why: null, best: layoutOf(plan.best) };
}

function layoutOf(best: BestLayout): CaseLayout {
  const [low, high] = best.expectedDaysInterval;
  return {
    parallelism: best.parallelism,
    iterationSeconds: best.iterationSeconds,
    iterationSecondsInterval: best.iterationSecondsInterval,
    tokensPerSecond: best.tokensPerSecond,
    mfu: best.mfu,
    hfu: best.hfu,
    memoryBytesPerGpu: best.memoryBytesPerGpu,
    days: best.days,
    ettr: best.ettr,
    notValidated: best.notValidated,
    expectedDays: finite(best.expectedDays),
    expectedDaysInterval: [finite(low), finite(high)],
    gpuHours: finite(best.gpuHours),
    energyKwh: finite(best.energyKwh),
    cost: finite(best.cost),
  };
}

/** As JSON would have it. */
function finite(value: number | null): number | null {
  return value !== null && Number.isFinite(value) ? value : null;
}

function misfitText({ best, memoryBytesPerGpuMax, gpusToFit, changes: [change] }: PlanReport): string {
  const gib = (bytes: number) => (bytes / GIB).toFixed(1);
  const needs = `a GPU needs ${gib(best.memoryBytesPerGpu)} GiB and has ${gib(memoryBytesPerGpuMax)}`;
  if (gpusToFit !== null) return `${needs}; ${whole(gpusToFit)} GPUs would do`;
  return change === undefined ? needs : `${needs}; ${change.layout.why} would do`;
}

function lateText({ gpus, best }: PlanReport, { seconds }: Deadline): string {
  const takes = Number.isFinite(best.expectedDays) ? `take ${digits(best.expectedDays)} days` : 'never end';
  return `${whole(gpus)} GPUs ${takes}, ${digits(seconds / 86_400)} are given`;
}
