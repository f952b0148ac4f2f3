import { parentPort, workerData } from 'node:worker_threads';
import { forecastStarts } from '../../twin/forecast.ts';
import { arrivalsOf } from '../../twin/past-arrivals.ts';
import { runTimesOf } from '../../twin/snapshot.ts';
import type { ForecastRequest } from './forecaster.ts';

/** Of less than that one cannot tell what will come: a burst of an hour ago need not come again. */
const ARRIVALS = { jobsMin: 50, spanMsMin: 6 * 3_600_000 };

const { basis, jobs, draws, seed, horizonMs }: ForecastRequest = workerData;
const { snapshot, history, timing } = basis;
const runTimes = runTimesOf(history, snapshot.queue);
const arrivals = arrivalsOf(history, snapshot.queue, runTimes, ARRIVALS);
parentPort?.postMessage(forecastStarts(snapshot, { jobs, runTimes, arrivals, timing, draws, seed, horizonMs }));
