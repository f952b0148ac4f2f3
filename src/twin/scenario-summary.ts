import { mttfOf } from './measures/failure-times.ts';
import type { DeviceTime, LossCause, MttfFigures, ReportInputs, SizeClass, TwinReport, WaitFigures } from './report.ts';
import { type SeriesSpread, seriesSpread } from './series-spread.ts';
import { type Spread, spreadOf } from './spread.ts';
import { ATTEMPT_STATES, type AttemptState } from './types.ts';

/** Of one seed of a scenario. */
export interface SeedRun {
  report: TwinReport;
  endSeconds: number;
}

/** What device time is cut into. */
const DEVICE_TIMES = ['productive', 'unfinished', 'overhead', 'lost', 'idle', 'drained', 'down'] as const;

/** What the runs of a scenario came to: each figure with its spread over the seeds. Units are those of the report. */
export interface ScenarioSummary {
  cluster: ReportInputs['cluster'];
  /** Of the longest run. */
  endSeconds: number;
  /** Shares of the capacity. */
  deviceTime: { kind: keyof DeviceTime; share: Spread }[];
  /** Of the jobs that started, null where none of that size did; and the share of them all that had not started when the run ended. */
  waits: { size: SizeClass; medianSeconds: Spread | null; p90Seconds: Spread | null; notStarted: Spread }[];
  /** `jobs`: of all seeds together, as all sums here. */
  ettr: { size: SizeClass; jobs: number; ettr: Spread }[];
  /** Failures and time of all seeds together. */
  failures: MttfFigures[];
  losses: { cause: LossCause; lostHours: Spread; overheadHours: Spread }[];
  states: { state: AttemptState; share: Spread }[];
  series: SeriesSpread;
}

/** `untilSeconds`: the end of the series, the same for all scenarios that are to be laid over each other. At least one run. */
export function summarizeScenario(runs: readonly SeedRun[], untilSeconds: number): ScenarioSummary {
  const [first] = runs;
  if (first === undefined) throw new RangeError('expected at least one run');
  const predictions = runs.map(({ report }) => report.predictions);
  return {
    cluster: first.report.inputs.cluster,
    endSeconds: Math.max(...runs.map(({ endSeconds }) => endSeconds)),
    deviceTime: DEVICE_TIMES.flatMap((kind) => {
      const share = spreadOf(
        predictions.map(({ deviceTime }) =>
          deviceTime.capacity === 0 ? null : deviceTime[kind] / deviceTime.capacity,
        ),
      );
      return share === null ? [] : [{ kind, share }];
    }),
    waits: bySize(predictions.map(({ waits }) => waits.bySize)).flatMap(({ size, rows }) => {
      const medianSeconds = spreadOf(rows.map(({ waitSeconds }) => waitSeconds?.median ?? null));
      const p90Seconds = spreadOf(rows.map(({ waitSeconds }) => waitSeconds?.p90 ?? null));
      const notStarted = spreadOf(rows.map(notStartedShare));
      return notStarted === null ? [] : [{ size, medianSeconds, p90Seconds, notStarted }];
    }),
    ettr: bySize(predictions.map(({ ettr }) => ettr.bySize)).flatMap(({ size, rows }) => {
      const ettr = spreadOf(rows.map((row) => row.ettr));
      return ettr === null ? [] : [{ size, jobs: rows.reduce((sum, { jobs }) => sum + jobs, 0), ettr }];
    }),
    failures: failuresTogether(runs),
    losses: lossesOf(predictions.map(({ losses }) => losses)),
    states: ATTEMPT_STATES.flatMap((state) => {
      const share = spreadOf(
        predictions.map(({ attemptStates }) => attemptStates.find((each) => each.state === state)?.share ?? 0),
      );
      return share === null || share.high === 0 ? [] : [{ state, share }];
    }),
    series: seriesSpread(
      runs.map(({ report, endSeconds }) => ({ series: report.series, endSeconds })),
      first.report.inputs.cluster.devices,
      untilSeconds,
    ),
  };
}

/** Of the jobs of a run or of a part of them, the share that had not started when it ended; null where there were none. */
export function notStartedShare({ waitSeconds, notStarted }: WaitFigures): number | null {
  const left = notStarted?.count ?? 0;
  const jobs = (waitSeconds?.count ?? 0) + left;
  return jobs === 0 ? null : left / jobs;
}

/** Rows of all runs by their size, the smallest first; a size of which no job came with one seed has come with another. */
function bySize<Row extends { size: SizeClass }>(
  ofRuns: readonly (readonly Row[])[],
): { size: SizeClass; rows: Row[] }[] {
  const sizes = new Map<string, { size: SizeClass; rows: Row[] }>();
  for (const row of ofRuns.flat()) {
    const known = sizes.get(row.size.label);
    if (known === undefined) sizes.set(row.size.label, { size: row.size, rows: [row] });
    else known.rows.push(row);
  }
  return [...sizes.values()].sort((a, b) => a.size.from - b.size.from);
}

/** As of one long run. */
function failuresTogether(runs: readonly SeedRun[]): MttfFigures[] {
  const perNodeDay = runs[0]?.report.inputs.failuresPerNodeDay ?? null;
  return bySize(runs.map(({ report }) => report.predictions.failures.bySize)).flatMap(({ size, rows }) => {
    const hours = rows.reduce((sum, { attemptHours }) => sum + attemptHours, 0);
    if (hours === 0) return [];
    const count = rows.reduce((sum, row) => sum + row.failures, 0);
    const squares = rows.reduce(
      (sum, row) => sum + (row.failures === 0 ? 0 : row.failures ** 2 / row.independentFailures),
      0,
    );
    const independent = count === 0 ? 0 : count ** 2 / squares;
    const nodeHours = rows.reduce((sum, { attemptHours, meanNodes }) => sum + attemptHours * meanNodes, 0);
    return [mttfOf(size, { count, independent }, hours, nodeHours / hours, perNodeDay)];
  });
}

/** Where a cause did not occur it cost nothing. */
function lossesOf(ofRuns: readonly TwinReport['predictions']['losses'][]): ScenarioSummary['losses'] {
  const causes = [...new Set(ofRuns.flatMap((losses) => losses.map(({ cause }) => cause)))];
  const rows = causes.flatMap((cause) => {
    const found = ofRuns.map((losses) => losses.find((loss) => loss.cause === cause));
    const lostHours = spreadOf(found.map((loss) => loss?.lostHours ?? 0));
    const overheadHours = spreadOf(found.map((loss) => loss?.overheadHours ?? 0));
    return lostHours === null || overheadHours === null ? [] : [{ cause, lostHours, overheadHours }];
  });
  return rows.sort((a, b) => b.lostHours.mean - a.lostHours.mean || (a.cause < b.cause ? -1 : 1));
}
