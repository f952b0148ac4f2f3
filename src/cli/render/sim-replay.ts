import type { EchoEvent } from '../../scheduler/echo.ts';
import type { ReplayReport } from '../sim/replay.ts';
import { whole } from './sim-words.ts';
import { formatTime } from './time.ts';
import { oneLine } from './terminal.ts';

export function renderReplay(report: ReplayReport): string {
  const { journal, facts, daemonStarts, decisions, cycles, firstDifference } = report;
  const lines = [
    `${journal}: ${whole(facts)} facts under ${whole(daemonStarts)} ${daemonStarts === 1 ? 'daemon' : 'daemons'}`,
  ];
  if (firstDifference === null) {
    lines.push(`all ${whole(decisions)} decisions of ${whole(cycles)} cycles are reproduced exactly`);
    return lines.join('\n');
  }
  const { seq, atMs, recorded, replayed } = firstDifference;
  lines.push(
    `the first difference is after ${whole(decisions)} equal decisions, at record ${seq}, ${formatTime(atMs / 1000, Date.now())}:`,
    `  the journal has  ${recorded === null ? 'nothing more' : describe(recorded)}`,
    `  the replay has   ${replayed === null ? 'nothing more' : describe(replayed)}`,
  );
  return lines.join('\n');
}

function describe(event: EchoEvent): string {
  switch (event.kind) {
    case 'AttemptStarting': {
      const nodes = event.placement.map(({ nodeName, gpuIndices }) =>
        gpuIndices.length === 0 ? nodeName : `${nodeName}[${gpuIndices.join(',')}]`,
      );
      return oneLine(`job ${event.jobId} starts attempt ${event.attempt} on ${nodes.join(' ')}`);
    }
    case 'AttemptEnding':
      return `job ${event.jobId} attempt ${event.attempt} is ended: ${event.cause}`;
    case 'JobRequeued':
      return `job ${event.jobId} is put back in the queue (requeue ${event.requeues})${event.isHeld ? ', held' : ''}`;
    case 'JobEnded':
  }
  return `job ${event.jobId} has ended: ${event.state}, exit status ${event.exitCode}`;
}
