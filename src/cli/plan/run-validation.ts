import { parseRunsFile } from '../../formats/runs-file.ts';
import { notValidated } from '../../planner/coverage.ts';
import { STACKS } from '../../planner/efficiency.ts';
import { machineOfRun, modelOfRun, predictRun } from '../../planner/measured-run.ts';
import { type PredictedRun, type Validation, validate } from '../../planner/validation.ts';
import { whyInvalid } from '../../planner/validity.ts';
import { loadEfficiency } from '../efficiency.ts';
import { readText } from '../read-text.ts';
import { gpuNames } from '../gpu-catalogue.ts';
import { loadPlannedGpu } from './planned-gpu.ts';
import { publishedRuns } from './published-runs.ts';

export interface RunValidation extends Validation {
  /** Columns that are not read, and runs whose layout training software is not known to take; these are predicted all the same. */
  remarks: string[];
}

/** Predicts every run of a CSV file, with `stack` where one is given, and holds the predictions against what was measured. Throws ORR_BAD_FILE. */
export async function validateRuns(path: string, stack?: string): Promise<RunValidation> {
  const remarks: string[] = [];
  const onWarning = (text: string) => void remarks.push(text);
  const runs = parseRunsFile(await readText(path), path, { gpus: gpuNames(), stacks: STACKS, onWarning });
  const loadGpu = remembered(loadPlannedGpu);
  const loadConstants = remembered(loadEfficiency);
  const loadPublished = remembered(async (name: string, gpu: string) =>
    publishedRuns(await loadConstants(name, gpu), gpu),
  );
  const predicted: PredictedRun[] = [];
  for (const run of runs) {
    const gpu = await loadGpu(run.gpu, run.precision);
    const efficiency = await loadConstants(stack ?? run.stack, run.gpu);
    const prediction = predictRun(run, gpu, efficiency);
    const [model, machine, { workload }] = [modelOfRun(run), machineOfRun(run, gpu), run];
    const { parallelism } = prediction;
    const step = { model, machine, workload, stack: efficiency.stack.stack, parallelism };
    const unbacked = notValidated(step, await loadPublished(stack ?? run.stack, run.gpu));
    predicted.push({ run, prediction, efficiency, isValidated: unbacked.length === 0 });
    const why = whyInvalid(model, machine, workload, parallelism);
    if (why !== null) remarks.push(`${path}:${run.line} ${why}; predicted all the same`);
  }
  return { ...validate(predicted), remarks };
}

/** Each file of the catalogue is read once, however many runs need it. */
function remembered<Arguments extends readonly string[], Value>(
  load: (...names: Arguments) => Promise<Value>,
): (...names: Arguments) => Promise<Value> {
  const loaded = new Map<string, Promise<Value>>();
  return (...names) => {
    const key = names.join(' ');
    const value = loaded.get(key) ?? load(...names);
    loaded.set(key, value);
    return value;
  };
}
