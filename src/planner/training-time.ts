import { CHECKPOINT_PAUSE_SECONDS, checkpointBytes, storageRate, youngDalySeconds } from './checkpointing.ts';
import { energyKwh, nodeWatts, type Powered, PUE_DEFAULT } from './energy.ts';
import { expectedEttr, FAILURES_PER_NODE_DAY_DEFAULT, mttfSeconds, RESTART_SECONDS_DEFAULT } from './failures.ts';
import { type StorageDemand, storageDemand } from './storage-demand.ts';

export interface TrainingRun extends Powered {
  iterationSeconds: number;
  tokensPerStep: number;
  /** To train on in all. */
  tokens: number;
  gpus: number;
  /** All trained parameters of the model. */
  parameters: number;
  vocab: number;
  /** Of the tier that checkpoints go to; null if not known. */
  storageBytesPerSecond: number | null;
  /** Null: `FAILURES_PER_NODE_DAY_DEFAULT`. */
  failuresPerNodeDay: number | null;
  /** From a failure to the first new step; default `RESTART_SECONDS_DEFAULT`. */
  restartSeconds?: number;
  /** Training between checkpoints; null for the optimum of Young and Daly. */
  checkpointIntervalSeconds: number | null;
  /** Power of the building over that of the nodes; default `PUE_DEFAULT`. */
  pue?: number;
  /** In whatever currency; null for none. */
  costPerGpuHour: number | null;
}

export interface TrainingTime {
  steps: number;
  /** Steps alone. */
  idealSeconds: number;
  /** With checkpoints, failures, restarts and what is done twice. */
  expectedSeconds: number;
  /** `idealSeconds / expectedSeconds`. */
  ettr: number;
  mttfSeconds: number;
  failures: number;
  checkpointBytes: number;
  /** Training stands still so long. */
  checkpointWriteSeconds: number;
  checkpointIntervalSeconds: number;
  storage: StorageDemand;
  gpuHours: number;
  /** Null where no power is known. */
  energyKwh: number | null;
  cost: number | null;
}

/** How long a training run takes and what it uses, in the mean, on nodes that fail and are replaced at once. */
export function trainingTime(run: TrainingRun): TrainingTime {
  const { iterationSeconds, gpus, gpusPerNode } = run;
  const nodes = Math.ceil(gpus / gpusPerNode);
  const steps = Math.ceil(run.tokens / run.tokensPerStep);
  const idealSeconds = steps * iterationSeconds;

  const bytes = checkpointBytes(run.parameters);
  const writeSeconds = CHECKPOINT_PAUSE_SECONDS + bytes / storageRate(nodes, run.storageBytesPerSecond);
  const mttf = mttfSeconds(nodes, run.failuresPerNodeDay ?? FAILURES_PER_NODE_DAY_DEFAULT);
  // Checkpoints are taken between steps, and the last one at the end.
  const wanted = run.checkpointIntervalSeconds ?? youngDalySeconds(writeSeconds, mttf);
  const intervalSeconds = Math.min(Math.max(wanted, iterationSeconds), idealSeconds);
  const ettr = expectedEttr({
    mttfSeconds: mttf,
    restartSeconds: run.restartSeconds ?? RESTART_SECONDS_DEFAULT,
    waitSeconds: 0,
    checkpointIntervalSeconds: intervalSeconds,
    checkpointWriteSeconds: writeSeconds,
  });
  const expectedSeconds = idealSeconds / ettr;
  const gpuHours = (expectedSeconds / 3600) * gpus;
  const watts = nodeWatts(run);
  return {
    steps,
    idealSeconds,
    expectedSeconds,
    ettr,
    mttfSeconds: mttf,
    failures: expectedSeconds / mttf,
    checkpointBytes: bytes,
    checkpointWriteSeconds: writeSeconds,
    checkpointIntervalSeconds: intervalSeconds,
    storage: storageDemand(run, { bytes, intervalSeconds }),
    gpuHours,
    energyKwh: watts === null ? null : energyKwh(watts, nodes, expectedSeconds, run.pue ?? PUE_DEFAULT),
    cost: run.costPerGpuHour === null ? null : gpuHours * run.costPerGpuHour,
  };
}
