import { parentPort, workerData } from 'node:worker_threads';
import { OrreryError } from '../../contract/errors.ts';
import { forecastStarts } from '../../twin/forecast.ts';
import { arrivalsOf } from '../../twin/past-arrivals.ts';
import { soonerStarts } from '../../twin/sooner.ts';
import { runTimesOf } from '../../twin/snapshot.ts';
import { basisOf } from './basis.ts';
import type { ForecastAnswer, ForecastRequest } from './forecaster.ts';

/** Of less than that one cannot tell what will come: a burst of an hour ago need not come again. */
const ARRIVALS = { jobsMin: 50, spanMsMin: 6 * 3_600_000 };

/** Somebody waits for the answer: on a cluster so large that a future takes long, there are fewer of them. */
const PATIENCE_MS = 8_000;
const TRIAL_DRAWS = 4;

function answer({ source, job, draws, seed, horizonMs }: ForecastRequest): ForecastAnswer {
  const { snapshot, history, timing } = basisOf(source);
  const row = snapshot.queue.find((one) => one.job === job);
  if (row === undefined || row.nodeNames !== null || row.isHeld) return { kind: 'none' };
  const runTimes = runTimesOf(history, snapshot.queue);
  const arrivals = arrivalsOf(history, snapshot.queue, runTimes, ARRIVALS);
  const options = { runTimes, arrivals, timing, draws, seed, horizonMs };
  const startedAt = performance.now();
  const [trial] = forecastStarts(snapshot, { ...options, draws: TRIAL_DRAWS, jobs: [job] });
  if (trial === undefined) return { kind: 'none' };
  const drawMs = (performance.now() - startedAt) / TRIAL_DRAWS;
  const affordable = Math.min(draws, Math.floor(PATIENCE_MS / drawMs));
  const historyJobs = history.length;
  if (affordable <= TRIAL_DRAWS) return { kind: 'start', start: trial, sooner: [], historyJobs };
  const [start = trial] = forecastStarts(snapshot, { ...options, draws: affordable, jobs: [job] });
  // Each way of asking differently is a forecast of its own.
  if (affordable < draws) return { kind: 'start', start, sooner: [], historyJobs };
  const sooner = soonerStarts(snapshot, job, Math.min(start.medianMs, horizonMs), options);
  return { kind: 'start', start, sooner, historyJobs };
}

try {
  parentPort?.postMessage(answer(workerData));
} catch (error) {
  if (!(error instanceof OrreryError)) throw error;
  const failed: ForecastAnswer = { kind: 'failed', code: error.code, message: error.message };
  parentPort?.postMessage(failed);
}
