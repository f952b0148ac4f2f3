import { ZERO_COUNT, ZERO_MS } from '../../lib/zero-ms.ts';
import type { CrashLoop, PreemptionReport } from '../report.ts';
import type { AttemptEnd, JobEnd, TwinJob } from '../types.ts';
import { isEndedByFailure } from './failure-times.ts';

const CRASH_LOOPS_SHOWN = 10;

/** What became of a job before its last attempt. */
export interface RestartHistory {
  /** Attempts that a failure ended. */
  readonly failures: number;
  /** Milliseconds from these failures until their attempts were over: what it took to notice, and to die. */
  readonly noticingMs: number;
  /** A failure ended its last attempt, and it has not run again. */
  readonly isStopped: boolean;
  readonly wasPreempted: boolean;
  /** Milliseconds in the queue since its first attempt. */
  readonly requeuedMs: number;
}

/** A job that has not ended and of which an attempt was ended early. */
interface Restart extends RestartHistory {
  jobId: number;
  devices: number;
  failures: number;
  noticingMs: number;
  isStopped: boolean;
  wasPreempted: boolean;
  requeuedMs: number;
  /** In the queue again. */
  isWaiting: boolean;
  /** How it came there: 0 by a failure, n + 1 preempted by one of n; null by anything else. */
  depth: number | null;
  preemptions: number;
  preemptedDevices: number;
}

/**
 * Jobs that go back to the queue, and whom they drive out when they come again. First order is what a failure itself costs, second order what those lose
 * who make room for the job that failed (Kokolis et al., HPCA 2025), and those who make room for these in turn.
 */
export class Restarts {
  readonly #fromMs: number;
  /** By job id; as many as there are such jobs at a time. */
  readonly #restarts = new Map<number, Restart>();
  #worst: CrashLoop[] = [];
  #preemptions = 0;
  #afterFailure = 0;
  #afterThose = 0;
  /** Devices times milliseconds. */
  #preemptionLoss = ZERO_COUNT;
  #firstOrderLoss = ZERO_COUNT;
  #secondOrderLoss = ZERO_COUNT;

  constructor(fromMs: number) {
    this.#fromMs = fromMs;
  }

  started({ request }: TwinJob, attempt: number, queuedMs: number): void {
    const restart = attempt === 1 ? undefined : this.#restarts.get(request.jobId);
    if (restart === undefined) return;
    restart.isWaiting = false;
    restart.isStopped = false;
    restart.requeuedMs += queuedMs;
  }

  attemptEnded(end: AttemptEnd, devices: number): void {
    const { state } = end;
    if (state === 'PREEMPTED') this.#preempted(end, devices);
    else if (isEndedByFailure(end)) {
      const restart = this.#restart(end, devices);
      restart.failures += 1;
      restart.noticingMs += noticingMs(end);
      restart.isStopped = true;
      restart.depth = 0;
      if (end.endMs >= this.#fromMs) this.#firstOrderLoss += end.lostMs * devices;
    } else if (state === 'REQUEUED') this.#restart(end, devices).depth = null;
  }

  jobEnded({ job }: JobEnd): void {
    const restart = this.#restarts.get(job.request.jobId);
    if (restart === undefined) return;
    this.#restarts.delete(job.request.jobId);
    if (restart.failures > 0) this.#worst = worstOf([...this.#worst, restart]);
  }

  /** Of a job that has not ended, or is about to; undefined where no attempt of it was ended early. */
  historyOf(jobId: number): RestartHistory | undefined {
    return this.#restarts.get(jobId);
  }

  /** `hoursOf`: device-hours of devices times milliseconds. */
  report(hoursOf: (deviceMs: number) => number): PreemptionReport {
    // Where nothing was lost a sum is -0 still, and would be written so.
    const [ofAll, firstOrder, secondOrder] = [
      this.#preemptionLoss + 0,
      this.#firstOrderLoss + 0,
      this.#secondOrderLoss + 0,
    ];
    const both = firstOrder + secondOrder;
    const live = [...this.#restarts.values()].filter(({ failures }) => failures > 0);
    return {
      preemptions: this.#preemptions,
      lostHours: hoursOf(ofAll),
      afterFailure: this.#afterFailure,
      afterThose: this.#afterThose,
      secondOrderLostHours: hoursOf(secondOrder),
      firstOrderLostHours: hoursOf(firstOrder),
      secondOrderShare: both === 0 ? null : secondOrder / both,
      crashLoops: worstOf([...this.#worst, ...live]),
    };
  }

  #preempted(end: AttemptEnd, devices: number): void {
    const restart = this.#restart(end, devices);
    restart.depth = null;
    restart.wasPreempted = true;
    const isCounted = end.endMs >= this.#fromMs;
    const loss = isCounted ? end.lostMs * devices : 0;
    if (isCounted) this.#preemptions += 1;
    this.#preemptionLoss += loss;
    const preemptor = this.#restarts.get(end.preemptorJobId ?? 0);
    if (preemptor?.isWaiting !== true || preemptor.depth === null) return;
    restart.depth = preemptor.depth + 1;
    this.#secondOrderLoss += loss;
    if (preemptor.depth > 0) {
      if (isCounted) this.#afterThose += 1;
      return;
    }
    preemptor.preemptions += 1;
    preemptor.preemptedDevices += devices;
    if (isCounted) this.#afterFailure += 1;
  }

  #restart({ job }: AttemptEnd, devices: number): Restart {
    const { jobId } = job.request;
    let restart = this.#restarts.get(jobId);
    if (restart === undefined) {
      restart = {
        jobId,
        devices,
        failures: 0,
        noticingMs: 0,
        isStopped: false,
        wasPreempted: false,
        requeuedMs: ZERO_MS,
        isWaiting: true,
        depth: null,
        preemptions: 0,
        preemptedDevices: 0,
      };
      this.#restarts.set(jobId, restart);
    }
    restart.isWaiting = true;
    return restart;
  }
}

/** From when it broke, or from its start where that was later, to its end. */
function noticingMs({ incident, startMs, endMs }: AttemptEnd): number {
  return incident === null ? 0 : endMs - Math.max(incident.atMs, startMs);
}

function worstOf(loops: readonly CrashLoop[]): CrashLoop[] {
  return loops
    .map(({ jobId, devices, failures, preemptions, preemptedDevices }) => {
      return { jobId, devices, failures, preemptions, preemptedDevices };
    })
    .sort((a, b) => b.failures - a.failures || b.preemptions - a.preemptions || a.jobId - b.jobId)
    .slice(0, CRASH_LOOPS_SHOWN);
}
