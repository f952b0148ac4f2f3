import type { JobSummary } from '../../contract/api.ts';
import { jobLabel } from '../../contract/job-array.ts';
import { formatDuration } from '../../lib/units.ts';
import { hostList } from './host-list.ts';
import { progressBar } from './progress-bar.ts';
import { type Column, renderTable } from './table.ts';
import type { Format, Terminal } from './terminal.ts';

const BAR_WIDTH = 10;

const STATE_FORMATS: Record<JobSummary['state'], Format | null> = {
  PENDING: 'yellow',
  RUNNING: 'green',
  COMPLETING: 'green',
  COMPLETED: null,
  FAILED: 'red',
  CANCELLED: 'dim',
  TIMEOUT: 'red',
  PREEMPTED: 'yellow',
  NODE_FAIL: 'red',
  OUT_OF_MEMORY: 'red',
};

export function stateFormat(state: JobSummary['state']): Format | null {
  return STATE_FORMATS[state];
}

/** Time used by the current or last attempt, as `squeue`'s TIME. */
export function timeUsedMs(job: Pick<JobSummary, 'startTime' | 'endTime' | 'state'>, nowMs: number): number {
  if (job.startTime === null || job.state === 'PENDING') return 0;
  return Math.max(0, (job.endTime === null ? nowMs : job.endTime * 1000) - job.startTime * 1000);
}

/** The columns of `squeue` and a progress bar for jobs that report progress. */
export function renderJobs(jobs: readonly JobSummary[], nowMs: number, terminal: Terminal): string {
  // What all jobs have alike is not worth a column.
  const isAny = (has: (job: JobSummary) => boolean) => jobs.some(has);
  const columns: Column<JobSummary>[] = [
    { header: 'JOBID', align: 'right', text: jobLabel },
    { header: 'NAME', isFlexible: true, text: (job) => job.name },
    ...(isAny(({ partition }) => partition !== null)
      ? [{ header: 'PARTITION', isFlexible: true as const, text: (job: JobSummary) => job.partition ?? '' }]
      : []),
    { header: 'ACCOUNT', isFlexible: true, text: (job) => job.account },
    ...(isAny(({ qos }) => qos !== 'normal')
      ? [{ header: 'QOS', isFlexible: true as const, text: (job: JobSummary) => job.qos }]
      : []),
    { header: 'STATE', text: (job) => job.state, format: (job) => stateFormat(job.state) },
    { header: 'REASON', isFlexible: true, text: (job) => job.reason },
    { header: 'NODES', align: 'right', text: (job) => String(job.nodes) },
    { header: 'NODELIST', isFlexible: true, text: (job) => hostList(job.nodeList) },
    { header: 'TIME', align: 'right', text: (job) => formatDuration(timeUsedMs(job, nowMs)) },
  ];
  if (jobs.some((job) => job.progress !== null)) {
    columns.push({
      header: 'PROGRESS',
      text: (job) => (job.progress === null ? '' : progressBar(job.progress, BAR_WIDTH, terminal)),
    });
  }
  return renderTable(columns, jobs, terminal);
}

/** One line for above the table: `3 running, 1 pending (Resources 1)`. */
export function summarizeJobs(jobs: readonly JobSummary[]): string {
  const count = (states: readonly JobSummary['state'][]): number =>
    jobs.filter((job) => states.includes(job.state)).length;
  const reasons = new Map<string, number>();
  for (const job of jobs) if (job.state === 'PENDING') reasons.set(job.reason, (reasons.get(job.reason) ?? 0) + 1);
  const why = [...reasons].map(([reason, jobCount]) => `${reason} ${jobCount}`).join(', ');
  const pending = count(['PENDING']);
  return `${count(['RUNNING', 'COMPLETING'])} running, ${pending} pending${pending > 0 ? ` (${why})` : ''}`;
}
