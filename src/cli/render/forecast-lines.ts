import type { Forecast } from '../../contract/api.ts';
import { formatTime } from './time.ts';

/** When a pending job will start, in sentences; none where it waits for a person. */
export function forecastLines(
  { lowTime, medianTime, highTime, startedShare, sooner, historyJobs }: Forecast,
  nowMs: number,
): string[] {
  if (startedShare === 0) return [];
  const at = (time: number | null) => (time === null ? 'more than a week from now' : formatTime(time, nowMs));
  const past = `${historyJobs} ${historyJobs === 1 ? 'job' : 'jobs'} of the past`;
  const basis = historyJobs === 0 ? 'time limits' : `time limits and ${past}`;
  if (medianTime === null) {
    return [`Forecast: within a week in ${(100 * startedShare).toFixed(0)} % of the futures drawn from ${basis}.`];
  }
  const ways = sooner.map(({ flag, value, medianTime: time }) => `Sooner with ${flag} ${value}: ${at(time)}.`);
  // Nothing is left to chance where all goes by time limits.
  if (lowTime === highTime) return [`Forecast: it starts ${at(medianTime)}, by ${basis}.`, ...ways];
  return [
    `Forecast: it starts ${at(medianTime)}; in eight of ten futures between ${at(lowTime)}`,
    `and ${at(highTime)}, drawn from ${basis}.`,
    ...ways,
  ];
}
