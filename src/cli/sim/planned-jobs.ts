import { OrreryError } from '../../contract/errors.ts';
import type { ScenarioJob } from '../../formats/scenario-file.ts';
import { RESTART_SECONDS_DEFAULT } from '../../planner/failures.ts';
import type { Checkpointing } from '../../twin/types.ts';
import { makePlan } from '../plan/plan.ts';
import { parseTokens, resolveRequest, STACK_DEFAULT } from '../plan/request.ts';
import type { ReadingRemark } from './simulation-inputs.ts';

/** A job that says how long it runs; with `checkpointing` where the planner knows how it saves its work. */
export interface TimedJob extends Omit<ScenarioJob, 'hours' | 'model' | 'tokens'> {
  hours: number;
  checkpointing: Checkpointing | null;
}

export interface TimedJobs {
  jobs: TimedJob[];
  /** What the planner says of those that name a model. */
  remarks: ReadingRemark[];
}

/**
 * How long each job runs: as it says itself, or as the planner says of the training that it names, in the fastest layout on its GPUs: steps
 * without failures, checkpoints of the model's size at the optimum of Young and Daly, written to the cluster's storage. `cluster`: name or
 * file; undefined for nodes of which the planner knows nothing. Throws ORR_USAGE.
 */
export async function timeJobs(
  jobs: readonly ScenarioJob[],
  cluster: string | undefined,
  gpusPerNode: number,
): Promise<TimedJobs> {
  const timed: TimedJobs = { jobs: [], remarks: [] };
  for (const [index, { hours, model, tokens, ...rest }] of jobs.entries()) {
    if (hours !== undefined) {
      timed.jobs.push({ ...rest, hours, checkpointing: null });
      continue;
    }
    const refuse = (field: string, why: string) => new OrreryError('ORR_USAGE', `jobs[${index}].${field}: ${why}`);
    if (cluster === undefined) {
      throw refuse('model', 'the planner has to know the GPUs: expected a cluster of the catalogue or a cluster file');
    }
    const count = parseTokens(String(tokens));
    if (count === undefined) throw refuse('tokens', `expected tokens such as 300B, got ${JSON.stringify(tokens)}`);
    const gpus = rest.nodes * (rest.gpusPerNode ?? gpusPerNode);
    const request = await resolveRequest({ cluster, model: model ?? '', tokens: count, gpus, stack: STACK_DEFAULT });
    const { fits, best, globalBatch } = await makePlan(request);
    if (!fits) throw refuse('model', `${model} does not fit in the memory of ${gpus} GPUs`);
    const { training, iterationSeconds } = best;
    const { idealSeconds, checkpointBytes, checkpointWriteSeconds, checkpointIntervalSeconds } = training;
    timed.jobs.push({
      ...rest,
      hours: idealSeconds / 3600,
      checkpointing: {
        intervalMs: Math.round(checkpointIntervalSeconds * 1000),
        writeMs: Math.round(checkpointWriteSeconds * 1000),
        isBlocking: true,
        restartMs: RESTART_SECONDS_DEFAULT * 1000,
      },
    });
    timed.remarks.push({
      what:
        `planned: ${rest.name ?? `job ${index + 1}`}, ${model} on ${gpus} GPUs: ${(idealSeconds / 86_400).toFixed(1)} days of ` +
        `${iterationSeconds.toFixed(2)} s a step (${globalBatch} sequences), a checkpoint of ${(checkpointBytes / 1e12).toFixed(2)} TB ` +
        `every ${(checkpointIntervalSeconds / 60).toFixed(0)} min, which takes ${checkpointWriteSeconds.toFixed(0)} s`,
      examples: [],
    });
  }
  return timed;
}
