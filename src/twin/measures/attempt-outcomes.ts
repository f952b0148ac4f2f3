import { ZERO_MS } from '../../lib/zero-ms.ts';
import type { Loss, LossCause, StateShare } from '../report.ts';
import { ATTEMPT_STATES, type AttemptEnd, type AttemptState } from '../types.ts';

/**
 * Shares of RSC-1's jobs by their state in sacct, each requeue a record of its own (Kokolis et al., HPCA 2025, arXiv 2410.21680). The paper does not give
 * that of cancelled ones; what the others leave of 1 is about 0.03.
 */
export const PUBLISHED_SHARES: Readonly<Record<AttemptState, number | null>> = {
  COMPLETED: 0.6,
  FAILED: 0.24,
  CANCELLED: null,
  TIMEOUT: 0.006,
  PREEMPTED: 0.1,
  NODE_FAIL: 0.001,
  REQUEUED: 0.02,
  OUT_OF_MEMORY: 0.001,
};

/** Where no incident ended the attempt. */
const CAUSES: Readonly<Record<AttemptState, LossCause | null>> = {
  COMPLETED: null,
  FAILED: 'user_failure',
  CANCELLED: 'cancel',
  TIMEOUT: 'timeout',
  PREEMPTED: 'preemption',
  NODE_FAIL: 'unattributed',
  REQUEUED: 'requeue',
  OUT_OF_MEMORY: 'user_failure',
};

interface StateSums {
  attempts: number;
  deviceMs: number;
}

interface LossSums extends StateSums {
  lostDeviceMs: number;
  overheadDeviceMs: number;
}

/** Attempts that ended since the end of the warm-up, by state and by what ended them early. */
export class AttemptOutcomes {
  readonly #fromMs: number;
  readonly #byState = new Map<AttemptState, StateSums>();
  readonly #byCause = new Map<LossCause, LossSums>();

  constructor(fromMs: number) {
    this.#fromMs = fromMs;
  }

  attemptEnded(end: AttemptEnd, devices: number): void {
    const { state, startMs, endMs } = end;
    if (endMs < this.#fromMs) return;
    const deviceMs = (endMs - startMs) * devices;
    let ofState = this.#byState.get(state);
    if (ofState === undefined) {
      ofState = { attempts: 0, deviceMs: ZERO_MS };
      this.#byState.set(state, ofState);
    }
    ofState.attempts += 1;
    ofState.deviceMs += deviceMs;
    const cause = causeOf(end);
    if (cause === null) return;
    let ofCause = this.#byCause.get(cause);
    if (ofCause === undefined) {
      ofCause = { attempts: 0, deviceMs: ZERO_MS, lostDeviceMs: ZERO_MS, overheadDeviceMs: ZERO_MS };
      this.#byCause.set(cause, ofCause);
    }
    ofCause.attempts += 1;
    ofCause.deviceMs += deviceMs;
    ofCause.lostDeviceMs += end.lostMs * devices;
    ofCause.overheadDeviceMs += end.overheadMs * devices;
  }

  get attempts(): number {
    return [...this.#byState.values()].reduce((sum, { attempts }) => sum + attempts, 0);
  }

  /** `hoursOf`: device-hours of devices times milliseconds. */
  states(hoursOf: (deviceMs: number) => number): StateShare[] {
    const { attempts } = this;
    const deviceMs = [...this.#byState.values()].reduce((sum, ofState) => sum + ofState.deviceMs, 0);
    return ATTEMPT_STATES.map((state) => {
      const sums = this.#byState.get(state) ?? { attempts: 0, deviceMs: 0 };
      return {
        state,
        attempts: sums.attempts,
        share: attempts === 0 ? 0 : sums.attempts / attempts,
        deviceHours: hoursOf(sums.deviceMs),
        deviceTimeShare: deviceMs === 0 ? 0 : sums.deviceMs / deviceMs,
        publishedShare: PUBLISHED_SHARES[state],
      };
    });
  }

  losses(hoursOf: (deviceMs: number) => number): Loss[] {
    return [...this.#byCause]
      .map(([cause, sums]) => ({
        cause,
        attempts: sums.attempts,
        deviceHours: hoursOf(sums.deviceMs),
        lostHours: hoursOf(sums.lostDeviceMs),
        overheadHours: hoursOf(sums.overheadDeviceMs),
      }))
      .sort((a, b) => b.lostHours - a.lostHours || b.deviceHours - a.deviceHours || (a.cause < b.cause ? -1 : 1));
  }
}

/** Null where the attempt did what it was to do. */
function causeOf({ state, incident }: AttemptEnd): LossCause | null {
  const cause = CAUSES[state];
  const isStopped = state === 'FAILED' || state === 'NODE_FAIL' || state === 'REQUEUED';
  if (!isStopped || incident === null) return cause;
  return incident.isFalsePositive ? 'false_positive' : incident.component;
}
