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

function answer({ source, job, draws, seed, horizonMs }: ForecastRequest): ForecastAnswer {
  const { snapshot, history, timing } = basisOf(source);
  const row = snapshot.queue.find((one) => one.job === job);
  if (row === undefined || row.nodeNames !== null || row.isHeld) return { kind: 'none' };
  const runTimes = runTimesOf(history, snapshot.queue);
  const arrivals = arrivalsOf(history, snapshot.queue, runTimes, ARRIVALS);
  const options = { runTimes, arrivals, timing, draws, seed, horizonMs };
  const [start] = forecastStarts(snapshot, { ...options, jobs: [job] });
  if (start === undefined) return { kind: 'none' };
  const sooner = soonerStarts(snapshot, job, Math.min(start.medianMs, horizonMs), options);
  return { kind: 'start', start, sooner, historyJobs: history.length };
}

try {
  parentPort?.postMessage(answer(workerData));
} catch (error) {
  if (!(error instanceof OrreryError)) throw error;
  const failed: ForecastAnswer = { kind: 'failed', code: error.code, message: error.message };
  parentPort?.postMessage(failed);
}
