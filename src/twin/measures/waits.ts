import type { SizeClass, WaitFigures, WaitTables } from '../report.ts';
import type { JobEnd, TwinJob } from '../types.ts';
import { LogHistogram } from './log-histogram.ts';
import { fineWithin, SIZE_CLASSES, FINE_COUNT } from './size-classes.ts';

/** Jobs shorter than this count as this long in the slowdown (Feitelson and Rudolph, JSSPP 1998, use 10 s). */
const SLOWDOWN_RUN_MS_MIN = 10_000;
/** Slowdowns are counted in these. */
const SLOWDOWN_UNIT = 1000;
/** Of `JobRequest.qos`. */
const QOS_DEFAULT = 'normal';

interface WaitHistograms {
  wait: LogHistogram;
  slowdown: LogHistogram;
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

  tables(): WaitTables {
    const bySize = SIZE_CLASSES.flatMap((size, index): ({ size: SizeClass } & WaitFigures)[] => {
      const histograms = this.#byClass[index];
      return histograms === undefined || histograms.wait.count === 0 ? [] : [{ size, ...figuresOf(histograms) }];
    });
    const byQos = [...this.#byQos]
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([qos, histograms]) => ({ qos, ...figuresOf(histograms) }));
    const all = newHistograms();
    for (const { wait, slowdown } of this.#byClass) {
      all.wait.merge(wait);
      all.slowdown.merge(slowdown);
    }
    return { all: figuresOf(all), bySize, byQos };
  }

  #ofQos(qos: string = QOS_DEFAULT): WaitHistograms {
    let histograms = this.#byQos.get(qos);
    if (histograms === undefined) {
      histograms = newHistograms();
      this.#byQos.set(qos, histograms);
    }
    return histograms;
  }
}

function newHistograms(): WaitHistograms {
  return { wait: new LogHistogram(), slowdown: new LogHistogram() };
}

function figuresOf({ wait, slowdown }: WaitHistograms): WaitFigures {
  return { waitSeconds: wait.distribution(1000), boundedSlowdown: slowdown.distribution(SLOWDOWN_UNIT) };
}

function newClassIndex(): Uint8Array {
  const classOfFine = new Uint8Array(FINE_COUNT);
  SIZE_CLASSES.forEach(({ from, to }, index) => {
    for (const fine of fineWithin(from, to)) classOfFine[fine] = index;
  });
  return classOfFine;
}
