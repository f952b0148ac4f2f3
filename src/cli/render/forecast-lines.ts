import type { Forecast } from '../../contract/api.ts';
import { formatTime } from './time.ts';

/** Of fewer futures one cannot say what happens in eight of ten. */
const DRAWS_MIN = 10;

/** When a pending job will start, in sentences; none where it waits for a person. */
export function forecastLines(
  { lowTime, medianTime, highTime, startedShare, draws, horizonTime, sooner, historyJobs }: Forecast,
  nowMs: number,
): string[] {
  if (draws === 0) return [];
  const horizon = horizonTime === null ? 'then' : formatTime(horizonTime, nowMs);
  const at = (time: number | null) => (time === null ? `later than ${horizon}` : formatTime(time, nowMs));
  const past = `${historyJobs} ${historyJobs === 1 ? 'job' : 'jobs'} of the past`;
  const basis = historyJobs === 0 ? 'time limits' : `time limits and ${past}`;
  if (startedShare === 0) {
    return [
      `Forecast: it does not start before ${horizon}`,
      `in ${draws === 1 ? 'the one future' : `any of ${draws} futures`} drawn from ${basis}.`,
    ];
  }
  if (medianTime === null) {
    const share = `${(100 * startedShare).toFixed(0)} % of ${draws} futures`;
    return [`Forecast: it starts before ${horizon} in ${share} drawn from ${basis}.`];
  }
  const ways = sooner.map(({ flag, value, medianTime: time }) => `Sooner with ${flag} ${value}: ${at(time)}.`);
  // Nothing is left to chance where all goes by time limits.
  if (lowTime === highTime && draws > 1) return [`Forecast: it starts ${at(medianTime)}, by ${basis}.`, ...ways];
  if (draws === 1) {
    return [`Forecast: it starts ${at(medianTime)} in the one future`, `that there was time to draw from ${basis}.`];
  }
  const among = draws < DRAWS_MIN ? `in ${draws} futures` : 'in eight of ten futures';
  return [
    `Forecast: it starts ${at(medianTime)}; ${among} between ${at(lowTime)}`,
    `and ${at(highTime)}, drawn from ${basis}.`,
    ...ways,
  ];
}
