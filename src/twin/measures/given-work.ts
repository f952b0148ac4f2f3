import type { ReportInputs, SizeShare } from '../report.ts';
import type { Component, Incident, Outcome, TwinJob } from '../types.ts';
import { COMPONENTS } from '../types.ts';
import { FINE_COUNT, SIZE_CLASSES, sumWithin } from './size-classes.ts';

const DAY_MS = 86_400_000;

/** What the run was given to do since the end of the warm-up: jobs as submitted and what broke. None of it depends on the scheduler. */
export class GivenWork {
  readonly #fromMs: number;
  readonly #jobs = new Float64Array(FINE_COUNT);
  readonly #workDeviceMs = new Float64Array(FINE_COUNT);
  readonly #outcomes: Record<Outcome, number> = {
    COMPLETED: 0,
    FAILED: 0,
    CANCELLED: 0,
    OUT_OF_MEMORY: 0,
    NODE_FAIL: 0,
  };
  #atStart = 0;
  #firstSubmitMs = Infinity;
  #lastSubmitMs = -Infinity;
  #toBeCancelled = 0;
  #checkpointing = 0;
  #falsePositives = 0;
  readonly #incidents = new Map<Component, { count: number; nodes: number }>();

  constructor(fromMs: number) {
    this.#fromMs = fromMs;
  }

  submitted(job: TwinJob, fine: number, devices: number): void {
    if (job.request.submitMs < 0) this.#atStart += 1;
    const { submitMs } = job.request;
    if (submitMs < this.#fromMs) return;
    this.#firstSubmitMs = Math.min(this.#firstSubmitMs, submitMs);
    this.#lastSubmitMs = Math.max(this.#lastSubmitMs, submitMs);
    this.#jobs[fine] = (this.#jobs[fine] ?? 0) + 1;
    this.#workDeviceMs[fine] = (this.#workDeviceMs[fine] ?? 0) + job.workMs * devices;
    this.#outcomes[job.outcome] += 1;
    if (job.cancelAfterMs !== null) this.#toBeCancelled += 1;
    if (job.checkpointing !== null) this.#checkpointing += 1;
  }

  incident({ atMs, component, nodeIndices, isFalsePositive }: Incident): void {
    if (atMs < this.#fromMs) return;
    if (isFalsePositive) {
      this.#falsePositives += 1;
      return;
    }
    const counts = this.#incidents.get(component) ?? { count: 0, nodes: 0 };
    counts.count += 1;
    counts.nodes += nodeIndices.length;
    this.#incidents.set(component, counts);
  }

  /** `isOpen`: the run ends with its last job, so that for a while nothing arrives. */
  jobs(
    measuredMs: number,
    devices: number,
    isOpen: boolean,
    hoursOf: (deviceMs: number) => number,
  ): ReportInputs['jobs'] {
    const submitted = sumWithin(this.#jobs, 0, null);
    const workDeviceMs = sumWithin(this.#workDeviceMs, 0, null);
    const betweenMs = this.#lastSubmitMs - this.#firstSubmitMs;
    const arrivalMs = isOpen && betweenMs > 0 ? betweenMs : measuredMs;
    const capacityDeviceMs = arrivalMs * devices;
    return {
      submitted,
      atStart: this.#atStart,
      arrivalSeconds: arrivalMs / 1000,
      perDay: arrivalMs === 0 ? 0 : (submitted * DAY_MS) / arrivalMs,
      offeredLoad: capacityDeviceMs === 0 ? 0 : workDeviceMs / capacityDeviceMs,
      outcomes: { ...this.#outcomes },
      toBeCancelled: this.#toBeCancelled,
      checkpointing: this.#checkpointing,
      bySize: sizeShares(this.#jobs, this.#workDeviceMs, hoursOf),
    };
  }

  incidents(nodes: number, measuredMs: number): ReportInputs['incidents'] {
    const byComponent = COMPONENTS.flatMap((component) => {
      const counts = this.#incidents.get(component);
      return counts === undefined ? [] : [{ component, ...counts }];
    });
    const real = byComponent.reduce((sum, { count }) => sum + count, 0);
    const hit = byComponent.reduce((sum, each) => sum + each.nodes, 0);
    const nodeDays = (nodes * measuredMs) / DAY_MS;
    return {
      count: real + this.#falsePositives,
      falsePositives: this.#falsePositives,
      perNodeDay: nodeDays === 0 ? 0 : hit / nodeDays,
      byComponent,
    };
  }
}

/** Classes that occur, with their shares of counts and of device time. */
export function sizeShares(
  counts: ArrayLike<number>,
  deviceMs: ArrayLike<number>,
  hoursOf: (deviceMs: number) => number,
): SizeShare[] {
  const countTotal = sumWithin(counts, 0, null);
  const deviceTotal = sumWithin(deviceMs, 0, null);
  return SIZE_CLASSES.flatMap((size): SizeShare[] => {
    const count = sumWithin(counts, size.from, size.to);
    const ofClass = sumWithin(deviceMs, size.from, size.to);
    if (count === 0 && ofClass === 0) return [];
    return [
      {
        size,
        count,
        countShare: countTotal === 0 ? 0 : count / countTotal,
        deviceHours: hoursOf(ofClass),
        deviceTimeShare: deviceTotal === 0 ? 0 : ofClass / deviceTotal,
      },
    ];
  });
}
