import { DEFAULT_QOS } from '../../scheduler/default-names.ts';
import type { SizeClass, WaitFigures, WaitTables } from '../report.ts';
import type { JobEnd, TwinJob } from '../types.ts';
import { LogHistogram } from './log-histogram.ts';
import { fineWithin, SIZE_CLASSES, FINE_COUNT } from './size-classes.ts';

/** Jobs shorter than this count as this long in the slowdown (Feitelson and Rudolph, JSSPP 1998, use 10 s). */
const SLOWDOWN_RUN_MS_MIN = 10_000;
/** Slowdowns are counted in these. */
const SLOWDOWN_UNIT = 1000;

interface WaitHistograms {
  wait: LogHistogram;
  slowdown: LogHistogram;
  /** Of jobs that have not started when the run ends. */
  left: { count: number; submitMsSum: number };
}

/** Waits and bounded slowdowns of jobs that were submitted, and started, late enough. */
export class Waits {
  readonly #submittedFromMs: number;
  readonly #startedFromMs: number;
  readonly #byClass = SIZE_CLASSES.map(newHistograms);
  readonly #classOfFine = newClassIndex();
  readonly #byQos = new Map<string, WaitHistograms>();

  constructor(submittedFromMs: number, startedFromMs: number) {
    this.#submittedFromMs = submittedFromMs;
    this.#startedFromMs = startedFromMs;
  }

  /** The first attempt of a job. */
  started({ request }: TwinJob, fine: number, atMs: number): void {
    if (request.submitMs < this.#submittedFromMs || atMs < this.#startedFromMs) return;
    const waitMs = atMs - request.submitMs;
    this.#byClass[this.#classOfFine[fine] ?? 0]?.wait.add(waitMs);
    this.#ofQos(request.qos).wait.add(waitMs);
  }

  ended({ job, startMs, endMs, productiveMs, lostMs, overheadMs }: JobEnd, fine: number): void {
    const { submitMs, qos } = job.request;
    if (startMs === null || submitMs < this.#submittedFromMs || startMs < this.#startedFromMs) return;
    const runMs = Math.max(productiveMs + lostMs + overheadMs, SLOWDOWN_RUN_MS_MIN);
    const slowdown = Math.round(SLOWDOWN_UNIT * Math.max(1, (endMs - submitMs) / runMs));
    this.#byClass[this.#classOfFine[fine] ?? 0]?.slowdown.add(slowdown);
    this.#ofQos(qos).slowdown.add(slowdown);
  }

  /** The run is over, and this job has never started. */
  notStarted({ request: { submitMs, qos } }: TwinJob, fine: number): void {
    if (submitMs < this.#submittedFromMs) return;
    for (const histograms of [this.#byClass[this.#classOfFine[fine] ?? 0], this.#ofQos(qos)]) {
      if (histograms === undefined) continue;
      histograms.left.count += 1;
      histograms.left.submitMsSum += submitMs;
    }
  }

  tables(endMs: number): WaitTables {
    const isEmpty = ({ wait, left }: WaitHistograms) => wait.count === 0 && left.count === 0;
    const bySize = SIZE_CLASSES.flatMap((size, index): ({ size: SizeClass } & WaitFigures)[] => {
      const histograms = this.#byClass[index];
      return histograms === undefined || isEmpty(histograms) ? [] : [{ size, ...figuresOf(histograms, endMs) }];
    });
    const byQos = [...this.#byQos]
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([qos, histograms]) => ({ qos, ...figuresOf(histograms, endMs) }));
    const all = newHistograms();
    for (const { wait, slowdown, left } of this.#byClass) {
      all.wait.merge(wait);
      all.slowdown.merge(slowdown);
      all.left.count += left.count;
      all.left.submitMsSum += left.submitMsSum;
    }
    return { all: figuresOf(all, endMs), bySize, byQos };
  }

  #ofQos(qos: string = DEFAULT_QOS): WaitHistograms {
    let histograms = this.#byQos.get(qos);
    if (histograms === undefined) {
      histograms = newHistograms();
      this.#byQos.set(qos, histograms);
    }
    return histograms;
  }
}

function newHistograms(): WaitHistograms {
  return { wait: new LogHistogram(), slowdown: new LogHistogram(), left: { count: 0, submitMsSum: 0 } };
}

function figuresOf({ wait, slowdown, left }: WaitHistograms, endMs: number): WaitFigures {
  const { count, submitMsSum } = left;
  return {
    waitSeconds: wait.distribution(1000),
    boundedSlowdown: slowdown.distribution(SLOWDOWN_UNIT),
    notStarted: count === 0 ? null : { count, meanSeconds: (endMs - submitMsSum / count) / 1000 },
  };
}

function newClassIndex(): Uint8Array {
  const classOfFine = new Uint8Array(FINE_COUNT);
  SIZE_CLASSES.forEach(({ from, to }, index) => {
    for (const fine of fineWithin(from, to)) classOfFine[fine] = index;
  });
  return classOfFine;
}
