// How long a forecast takes on 2,000 nodes with a full machine and a long queue: a simulated hour, one future, and what a user gets who asks.
// README.md says how to read it.
// node bench/forecast/speed.ts [--mix gangs,gpus] [--depth 100,1000,10000] [--patience 8] [--json]
import { cpus } from 'node:os';
import { parseArgs } from 'node:util';
import { runTwin } from '../../src/twin/engine.ts';
import { forecastStarts, type StartForecast } from '../../src/twin/forecast.ts';
import { arrivalsOf } from '../../src/twin/past-arrivals.ts';
import { runTimesOf, snapshotJobs, withExpectedRunTimes } from '../../src/twin/snapshot.ts';
import { traceFolder } from '../twin/trace.ts';
import { type BusySite, busySites, type Mix } from './busy-site.ts';

const HOUR_MS = 3_600_000;
const DRAWS = 30;
const HORIZON_MS = 7 * 24 * HOUR_MS;
const ARRIVALS = { jobsMin: 50, spanMsMin: HOUR_MS };
/** Which jobs are asked about: by how much of the queue is ahead, in the order of submissions. */
const PLACES = [0.1, 0.5, 1];

const { values: options } = parseArgs({
  options: {
    mix: { type: 'string', default: 'gangs,gpus' },
    depth: { type: 'string', default: '100,1000,10000' },
    patience: { type: 'string', default: '8' },
    json: { type: 'boolean', default: false },
  },
});

interface Row {
  mix: string;
  running: number;
  pending: number;
  /** CPU time to have the run times and arrivals of the past. */
  historyMs: number;
  /** CPU time of a simulated hour, and of each event in it: a submission, a start, an end. */
  hourMs: number;
  eventMicroseconds: number;
  forecasts: { place: number; wallMs: number; draws: number; medianHours: number | null; horizonHours: number }[];
}

function cpuMs(work: () => void): number {
  const before = process.cpuUsage();
  work();
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1000;
}

function measure(mix: Mix, { snapshot, history, slurm, pending, running }: BusySite): Row {
  let runTimes = runTimesOf([], []);
  let arrivals: ReturnType<typeof arrivalsOf> = null;
  const historyMs = cpuMs(() => {
    runTimes = runTimesOf(history, snapshot.queue);
    arrivals = arrivalsOf(history, snapshot.queue, runTimes, ARRIVALS);
  });
  const { timing } = slurm;
  let events = 0;
  const hourMs = cpuMs(() => {
    const { source, start } = snapshotJobs({ ...snapshot, queue: withExpectedRunTimes(snapshot.queue, runTimes) });
    const { nodes, policy } = snapshot;
    const base = { nodes, policy, timing, jobs: source, start, incidents: null, operator: null, observers: [] };
    ({ events } = runTwin({ ...base, untilMs: HOUR_MS }));
  });
  const waiting = snapshot.queue.filter(({ nodeNames }) => nodeNames === null);
  const forecasts = PLACES.flatMap((place) => {
    const job = waiting[Math.floor(place * (waiting.length - 1))];
    if (job === undefined) return [];
    const startedAt = performance.now();
    const spentSeconds = () => (performance.now() - startedAt) / 1000;
    // As the daemon does it.
    const [start] = forecastStarts(snapshot, {
      jobs: [job.job],
      runTimes,
      arrivals,
      timing,
      draws: DRAWS,
      seed: 1,
      horizonMs: HORIZON_MS,
      isEnough: () => spentSeconds() > Number(options.patience),
      isLate: () => spentSeconds() > 2 * Number(options.patience),
    });
    return start === undefined ? [] : [{ place, wallMs: 1000 * spentSeconds(), ...answerOf(start) }];
  });
  return { mix, running, pending, historyMs, hourMs, eventMicroseconds: (1000 * hourMs) / events, forecasts };
}

function answerOf({ draws, medianMs, horizonMs }: StartForecast) {
  return { draws, medianHours: medianMs === Infinity ? null : medianMs / HOUR_MS, horizonHours: horizonMs / HOUR_MS };
}

function told({ medianHours, horizonHours, draws, wallMs }: Row['forecasts'][number]): string {
  const start = medianHours === null ? `after ${horizonHours.toFixed(1)} h` : `in ${medianHours.toFixed(1)} h`;
  return `${start}, ${draws} of ${DRAWS} in ${(wallMs / 1000).toFixed(1)} s`;
}

const folder = traceFolder();
if (folder === undefined) throw new Error('no traces: set ORRERY_DATA');
const depths = options.depth.split(',').map(Number);
const rows: Row[] = [];
if (!options.json) {
  console.log(`${cpus()[0]?.model ?? 'unknown CPU'}, Node ${process.versions.node}`);
  console.log(
    '| jobs | running | pending | history, ms | an hour, ms | an event, µs | tenth of the queue | middle | last |',
  );
  console.log('| --- | --- | --- | --- | --- | --- | --- | --- | --- |');
}
for (const mix of ['gangs', 'gpus'] as const) {
  if (!options.mix.split(',').includes(mix)) continue;
  for (const site of busySites(folder, mix, depths)) {
    const row = measure(mix, site);
    rows.push(row);
    if (options.json) continue;
    const numbers = [
      row.running,
      row.pending,
      row.historyMs.toFixed(0),
      row.hourMs.toFixed(0),
      row.eventMicroseconds.toFixed(0),
    ];
    console.log(`| ${[mix, ...numbers, ...row.forecasts.map(told)].join(' | ')} |`);
  }
}
if (options.json) console.log(JSON.stringify(rows));
