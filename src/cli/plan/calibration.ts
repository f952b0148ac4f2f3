import { writeFile } from 'node:fs/promises';
import { basename } from 'node:path';
import { OrreryError } from '../../contract/errors.ts';
import { stackFileText } from '../../formats/efficiency-file.ts';
import { parseRunsFile } from '../../formats/runs-file.ts';
import { errorCode } from '../../lib/error-code.ts';
import { STACKS, type StackConstant } from '../../planner/efficiency.ts';
import {
  calibrationPlan,
  type FitCase,
  fitStack,
  type HeldOut,
  holdOutByModel,
  intervalOf,
  predictedSeconds,
} from '../../planner/fitting.ts';
import { measuredIterationSeconds, predictRun } from '../../planner/measured-run.ts';
import { loadEfficiency } from '../efficiency.ts';
import { readText } from '../read-text.ts';
import { gpuNames } from '../gpu-catalogue.ts';
import { loadPlannedGpu } from './planned-gpu.ts';

/** Two measurements of one configuration differ by as much: no interval is narrower. */
const INTERVAL_LEAST = 0.05;

export interface Calibration {
  base: string;
  file: string | null;
  rows: number;
  constants: { name: StackConstant; before: number; after: number }[];
  /** Mean absolute errors in per cent: of the base, of the fit on the rows it saw, and of each model by a fit on the others. */
  errorPercent: { before: number; fitted: number; heldOutByModel: number | null };
  interval: { low: number; high: number };
}

/**
 * Fits a stack to a user's own measured runs, beginning from `base`, and writes it to `file` (null: nowhere). Throws ORR_BAD_FILE for a file that cannot be
 * read or written or has no times.
 */
export async function calibrate(runsPath: string, base: string, file: string | null): Promise<Calibration> {
  const text = await readText(runsPath);
  const runs = parseRunsFile(text, runsPath, { gpus: gpuNames(), stacks: STACKS });
  const names = new Set(runs.map(({ gpu }) => gpu));
  if (names.size > 1) {
    throw new OrreryError(
      'ORR_BAD_FILE',
      `${runsPath} gpu: expected runs of one GPU type, got ${[...names].join(', ')}`,
    );
  }
  const efficiency = await loadEfficiency(base, runs[0]?.gpu ?? '');
  const cases: FitCase[] = [];
  for (const run of runs) {
    const gpu = await loadPlannedGpu(run.gpu, run.precision);
    const measuredSeconds = measuredIterationSeconds(run, predictRun(run, gpu, efficiency));
    if (measuredSeconds !== null) cases.push({ run, gpu, measuredSeconds, weight: 1 });
  }
  const [first] = cases;
  if (first === undefined) {
    throw new OrreryError('ORR_BAD_FILE', `${runsPath}: expected rows with a measured time or rate, got memory alone`);
  }
  const gpuFactors = new Map([[first.gpu.name, efficiency.gpu]]);
  const plan = calibrationPlan(efficiency.stack, `Calibrated on ${basename(runsPath)}`, cases.length);
  const { stack } = fitStack(plan, cases, efficiency.stack, gpuFactors);
  const predicted = (constants: typeof stack): HeldOut[] =>
    cases.map((fitCase) => ({
      fitCase,
      predictedSeconds: predictedSeconds(fitCase, { stack: constants, gpus: gpuFactors }),
    }));
  const heldOut = holdOutByModel(plan, cases, efficiency.stack, undefined, gpuFactors);
  const hasModels = new Set(cases.map(({ run: { shape } }) => `${shape.layers} ${shape.hidden}`)).size > 1;
  const fitted = predicted(stack);
  const interval = intervalOf(hasModels ? heldOut : fitted, INTERVAL_LEAST);
  const errorPercent = {
    before: meanErrorPercent(predicted(efficiency.stack)),
    fitted: meanErrorPercent(fitted),
    heldOutByModel: hasModels ? meanErrorPercent(heldOut) : null,
  };
  if (file !== null) {
    const heldOutText =
      errorPercent.heldOutByModel === null ? 'one model only' : `MAPE ${errorPercent.heldOutByModel.toFixed(1)} %`;
    const fit = {
      rows: [basename(runsPath)],
      fitted: plan.fitted,
      inherited: base,
      heldOut: `${cases.length} rows, ${heldOutText}`,
    };
    const content = stackFileText(
      { stack, time: interval, memory: efficiency.memory, fit },
      `Written by orrery plan calibrate.`,
    );
    await writeFile(file, content).catch((cause: unknown) => {
      throw new OrreryError('ORR_BAD_FILE', `cannot write ${file}: ${errorCode(cause) || 'unwritable'}`, { cause });
    });
  }
  const constants = plan.fitted.map((name) => ({ name, before: efficiency.stack[name], after: stack[name] }));
  return { base, file, rows: cases.length, constants, errorPercent, interval };
}

function meanErrorPercent(rows: readonly HeldOut[]): number {
  const errors = rows.map((row) => Math.abs(row.predictedSeconds / row.fitCase.measuredSeconds - 1));
  return (100 * errors.reduce((sum, error) => sum + error, 0)) / errors.length;
}
