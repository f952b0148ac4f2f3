import { parentPort, workerData } from 'node:worker_threads';
import { forecastStarts } from '../../twin/forecast.ts';
import { PastArrivals } from '../../twin/past-arrivals.ts';
import { RunTimes } from '../../twin/run-times.ts';
import type { ForecastRequest } from './forecaster.ts';

/** Of less than that one cannot tell what will come: a burst of an hour ago need not come again. */
const SPAN_MS_MIN = 6 * 3_600_000;
const JOBS_MIN = 50;

const { basis, jobs, draws, seed, horizonMs }: ForecastRequest = workerData;
const { snapshot, history, timing } = basis;
parentPort?.postMessage(
  forecastStarts(snapshot, {
    jobs,
    runTimes: new RunTimes(history),
    arrivals: tellsOfArrivals(history) ? new PastArrivals(history) : null,
    timing,
    draws,
    seed,
    horizonMs,
  }),
);

function tellsOfArrivals(past: ForecastRequest['basis']['history']): boolean {
  const spanMs = (past.at(-1)?.submitMs ?? 0) - (past[0]?.submitMs ?? 0);
  return past.length >= JOBS_MIN && spanMs >= SPAN_MS_MIN;
}
