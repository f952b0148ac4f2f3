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
/** No future is followed for longer than until then. */
const PATIENCE_MS_MAX = 2 * PATIENCE_MS;

function answer({ source, job, draws, seed, horizonMs }: ForecastRequest): ForecastAnswer {
  const { snapshot, history, timing } = basisOf(source);
  const row = snapshot.queue.find((one) => one.job === job);
  if (row === undefined || row.nodeNames !== null || row.isHeld) return { kind: 'none' };
  const runTimes = runTimesOf(history, snapshot.queue);
  const arrivals = arrivalsOf(history, snapshot.queue, runTimes, ARRIVALS);
  const startedAt = performance.now();
  const spentMs = () => performance.now() - startedAt;
  const isLate = () => spentMs() > PATIENCE_MS_MAX;
  const options = { runTimes, arrivals, timing, draws, seed, horizonMs, isLate };
  const [start] = forecastStarts(snapshot, {
    ...options,
    jobs: [job],
    isEnough: () => spentMs() > PATIENCE_MS,
  });
  if (start === undefined) return { kind: 'none' };
  // Each way of asking differently is a forecast of its own.
  const isQuick = start.draws === draws && spentMs() < PATIENCE_MS;
  const sooner = isQuick ? soonerStarts(snapshot, job, Math.min(start.medianMs, horizonMs), options) : [];
  return { kind: 'start', start, sooner, historyJobs: history.length };
}

try {
  parentPort?.postMessage(answer(workerData));
} catch (error) {
  if (!(error instanceof OrreryError)) throw error;
  const failed: ForecastAnswer = { kind: 'failed', code: error.code, message: error.message };
  parentPort?.postMessage(failed);
}
