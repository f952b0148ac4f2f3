import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { readControllerLog } from './controller-log.ts';
import { replayPasses } from './passes.ts';
import { folderOf, readRecordedRows } from './recording.ts';

/** Jobs that start within this time after another are launched behind it. */
const BURST_MS = 150;
/** Jobs that are preempted for the same one are so within this time. */
const AT_ONCE_MS = 5;

export interface MeasuredConstants {
  /** Share of the jobs that ended by themselves of which an epilog was reported. */
  promptEndShare: number;
  nodeTestMicroseconds: number;
  controllerAgeSeconds: number;
  /** What a job took beyond its `sleep`, in the median of those that were launched alone. */
  overheadMs: number;
  /** By how much more for each that was launched before it in the same burst (least squares). */
  launchGapMs: number;
  /** Until all nodes of a preempted job were clean, in the median of those that were preempted alone, and by how much longer for each before it. */
  killMs: number;
  killGapMs: number;
  /** Between two turns of the controller's loop. */
  tickMs: number;
}

/** The constants of the twin's controller, as one recorded controller had them. */
function measureConstants(name: string): MeasuredConstants {
  const log = gunzipSync(readFileSync(join(folderOf(name), 'passes.log.gz'))).toString();
  const { held, ageSeconds, promptEnds, kills, mainPassesMs } = readControllerLog(log);
  const rows = readRecordedRows(readFileSync(join(folderOf(name), 'jobs.csv'), 'utf8'));
  const runtimeMs = new Map(rows.map(({ job, runtimeSeconds }) => [Number(job), runtimeSeconds * 1000]));
  const requeued = new Set(rows.filter(({ attempt }) => attempt > 1).map(({ job }) => Number(job)));
  const whole = held.filter(({ jobId }) => runtimeMs.has(jobId) && !requeued.has(jobId));
  const points = whole.map(({ jobId, startMs, heldMs }) => ({
    before: held.filter((other) => other.startMs <= startMs && other.startMs > startMs - BURST_MS).length - 1,
    overMs: heldMs - (runtimeMs.get(jobId) ?? 0),
  }));
  const alone = points.filter(({ before }) => before === 0).map(({ overMs }) => overMs);
  const killed = [...Map.groupBy(kills, ({ atMs }) => Math.round(atMs / AT_ONCE_MS)).values()].map((group) =>
    group.map(({ tookMs }) => tookMs).toSorted((a, b) => a - b),
  );
  const gaps = killed.flatMap((group) => group.slice(1).map((tookMs, index) => tookMs - (group[index] ?? 0)));
  return {
    promptEndShare: whole.filter(({ jobId }) => promptEnds.has(jobId)).length / whole.length,
    nodeTestMicroseconds: replayPasses(name).nodeTestMicroseconds,
    controllerAgeSeconds: ageSeconds,
    overheadMs: median(alone),
    launchGapMs: slope(points.map(({ before, overMs }) => [before, overMs] as const)),
    killMs: median(killed.flatMap((group) => (group.length === 1 ? group : []))),
    killGapMs: gaps.reduce((sum, gap) => sum + gap, 0) / gaps.length,
    tickMs: tickOf(mainPassesMs),
  };
}

/** From passes a few turns apart: not from those that an end of a job started in between. */
function tickOf(passesMs: readonly number[]): number {
  let [turns, beyondMs] = [0, 0];
  let lastMs = passesMs[0] ?? 0;
  for (const atMs of passesMs) {
    const count = Math.round((atMs - lastMs) / 1000);
    const driftMs = atMs - lastMs - count * 1000;
    if (count < 3 && count > 0 && driftMs > 30) continue;
    if (count >= 3 && count <= 12 && driftMs > -5 && driftMs < 100) {
      turns += count;
      beyondMs += driftMs;
    }
    if (count > 0) lastMs = atMs;
  }
  return 1000 + beyondMs / turns;
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN;
}

function slope(points: readonly (readonly [number, number])[]): number {
  const mean = (pick: 0 | 1) => points.reduce((sum, point) => sum + point[pick], 0) / points.length;
  const [meanX, meanY] = [mean(0), mean(1)];
  const covariance = points.reduce((sum, [x, y]) => sum + (x - meanX) * (y - meanY), 0);
  return covariance / points.reduce((sum, [x]) => sum + (x - meanX) ** 2, 0);
}

if (process.argv[1] === import.meta.filename) {
  process.stdout.write(
    '| recording | prompt ends | us a node | age, s | overhead, ms | gap, ms | kill, ms | gap, ms | turn, ms |\n' +
      '| --- | --- | --- | --- | --- | --- | --- | --- | --- |\n',
  );
  for (const name of process.argv.slice(2)) {
    const measured = measureConstants(name);
    const shown = (value: number, digits: number) => (Number.isNaN(value) ? '' : value.toFixed(digits));
    const figures = [
      `${(measured.promptEndShare * 100).toFixed(1)} %`,
      measured.nodeTestMicroseconds.toFixed(0),
      measured.controllerAgeSeconds.toFixed(1),
      measured.overheadMs.toFixed(0),
      measured.launchGapMs.toFixed(0),
      shown(measured.killMs, 0),
      shown(measured.killGapMs, 0),
      shown(measured.tickMs, 1),
    ];
    process.stdout.write(`| ${[name, ...figures].join(' | ')} |\n`);
  }
}
