import { fractionDone, type Progress } from '../sim/run-progress.ts';
import { progressBar } from './progress-bar.ts';
import { shortTime } from './sim-words.ts';
import type { Terminal } from './terminal.ts';

const BAR_WIDTH = 24;

/** One line: how far, which simulated time, how many jobs at what rate, and when it will be done. `elapsedMs` of real time. */
export function progressLine(progress: Progress, elapsedMs: number, terminal: Pick<Terminal, 'hasUnicode'>): string {
  const { nowMs, endMs, jobsEnded } = progress;
  const seconds = elapsedMs / 1000;
  const rate = seconds > 0 ? Math.round(jobsEnded / seconds) : 0;
  const fraction = fractionDone(progress);
  const days = (ms: number) => (ms / 86_400_000).toFixed(1);
  const time = endMs > 0 ? `day ${days(nowMs)} of ${days(endMs)}` : `day ${days(nowMs)}`;
  const parts = [time, `${jobsEnded.toLocaleString('en')} jobs`, `${rate.toLocaleString('en')} jobs/s`];
  if (fraction === null) return parts.join('  ');
  if (fraction > 0.005) parts.push(`${shortTime((seconds * (1 - fraction)) / fraction)} left`);
  return `${progressBar(fraction, BAR_WIDTH, terminal)}  ${parts.join('  ')}`;
}
