import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { readControllerLog } from './controller-log.ts';
import { replayPasses } from './passes.ts';
import { folderOf, readRecordedRows } from './recording.ts';

/** Jobs that start within this time after another are launched behind it. */
const BURST_MS = 150;

export interface MeasuredConstants {
  /** Share of the jobs that ended by themselves of which an epilog was reported. */
  promptEndShare: number;
  nodeTestMicroseconds: number;
  controllerAgeSeconds: number;
  /** What a job took beyond its `sleep`, in the median of those that were launched alone. */
  overheadMs: number;
  /** By how much more for each that was launched before it in the same burst (least squares). */
  launchGapMs: number;
}

/** The constants of the twin's controller, as one recorded controller had them. */
export function measureConstants(name: string): MeasuredConstants {
  const log = gunzipSync(readFileSync(join(folderOf(name), 'passes.log.gz'))).toString();
  const { held, ageSeconds, promptEnds } = readControllerLog(log);
  const rows = readRecordedRows(readFileSync(join(folderOf(name), 'jobs.csv'), 'utf8'));
  const runtimeMs = new Map(rows.map(({ job, runtimeSeconds }) => [Number(job), runtimeSeconds * 1000]));
  const requeued = new Set(rows.filter(({ attempt }) => attempt > 1).map(({ job }) => Number(job)));
  const whole = held.filter(({ jobId }) => runtimeMs.has(jobId) && !requeued.has(jobId));
  const points = whole.map(({ jobId, startMs, heldMs }) => ({
    before: held.filter((other) => other.startMs <= startMs && other.startMs > startMs - BURST_MS).length - 1,
    overMs: heldMs - (runtimeMs.get(jobId) ?? 0),
  }));
  const alone = points.filter(({ before }) => before === 0).map(({ overMs }) => overMs);
  return {
    promptEndShare: whole.filter(({ jobId }) => promptEnds.has(jobId)).length / whole.length,
    nodeTestMicroseconds: replayPasses(name).nodeTestMicroseconds,
    controllerAgeSeconds: ageSeconds,
    overheadMs: alone.toSorted((a, b) => a - b)[Math.floor(alone.length / 2)] ?? Number.NaN,
    launchGapMs: slope(points.map(({ before, overMs }) => [before, overMs] as const)),
  };
}

function slope(points: readonly (readonly [number, number])[]): number {
  const mean = (pick: 0 | 1) => points.reduce((sum, point) => sum + point[pick], 0) / points.length;
  const [meanX, meanY] = [mean(0), mean(1)];
  const covariance = points.reduce((sum, [x, y]) => sum + (x - meanX) * (y - meanY), 0);
  return covariance / points.reduce((sum, [x]) => sum + (x - meanX) ** 2, 0);
}

if (process.argv[1] === import.meta.filename) {
  process.stdout.write(
    '| recording | prompt ends | us a node | age, s | overhead, ms | gap, ms |\n| --- | --- | --- | --- | --- | --- |\n',
  );
  for (const name of process.argv.slice(2)) {
    const measured = measureConstants(name);
    const figures = [
      `${(measured.promptEndShare * 100).toFixed(1)} %`,
      measured.nodeTestMicroseconds.toFixed(0),
      measured.controllerAgeSeconds.toFixed(1),
      measured.overheadMs.toFixed(0),
      measured.launchGapMs.toFixed(0),
    ];
    process.stdout.write(`| ${[name, ...figures].join(' | ')} |\n`);
  }
}
