import type { CadencePolicy } from './policy.ts';

/** Slurm's own intervals on a clock that begins with the first job, with passes that take no time. */
export const PLAIN_CADENCE: CadencePolicy = {
  batchSchedDelaySeconds: 3,
  schedIntervalSeconds: 60,
  timeLimitCheckSeconds: 30,
  promptEndShare: 0,
  controllerAgeSeconds: 0,
  loopDelaySeconds: 0,
  originSeconds: 0,
  bfMaxTimeSeconds: 30,
  bfYieldIntervalSeconds: 2,
  bfYieldSleepSeconds: 0.5,
  isBfContinued: false,
  nodeTestMicroseconds: 0,
};
