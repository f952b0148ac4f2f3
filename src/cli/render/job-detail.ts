import type { AttemptSummary, JobDetail } from '../../contract/api.ts';
import { tasksPerNode, timeLimitMs } from '../../contract/job.ts';
import { jobLabel } from '../../contract/job-array.ts';
import { shellCommand } from '../../lib/shell-quote.ts';
import { formatDuration } from '../../lib/units.ts';
import { hostList } from './host-list.ts';
import { stateFormat, timeUsedMs } from './job-table.ts';
import { progressBar } from './progress-bar.ts';
import { counted } from './sim-words.ts';
import { renderTable } from './table.ts';
import { formatTime } from './time.ts';
import { oneLine, type Terminal } from './terminal.ts';

/** A job's request, place and attempts, one fact a line. */
export function renderJobDetail(job: JobDetail, nowMs: number, terminal: Terminal): string {
  const { spec } = job;
  const format = stateFormat(job.state);
  const state = format === null ? job.state : terminal.paint(format, job.state);
  const facts: [string, string | null][] = [
    ['State', state + (job.reason === 'None' ? '' : ` (${job.reason})`)],
    ['Exit code', job.exitCode === null ? null : String(job.exitCode)],
    ['Progress', job.progress === null ? null : progressBar(job.progress, 20, terminal)],
    [
      'Array',
      spec.array === undefined ? null : `task ${job.arrayTaskId} of job ${job.arrayJobId}, tasks ${spec.array}`,
    ],
    ['User, account', `${job.user}, ${job.account}`],
    ['QOS, partition', `${job.qos}${job.partition === null ? '' : `, ${job.partition}`}`],
    ['Reservation', spec.reservation ?? null],
    ['Priority', ownPriority(job)],
    ['Request', request(spec)],
    ['Time limit', timeLimit(job)],
    ['Slurm job', job.slurmJobId],
    ['Nodes', job.nodeList.length === 0 ? null : hostList(job.nodeList)],
    ['After', spec.after ?? null],
    ['Not before', spec.begin ?? null],
    ['Has to run on', spec.nodelist === undefined ? null : hostList(spec.nodelist)],
    ['Constraint', spec.constraint ?? null],
    ['Other GRES', spec.gres ?? null],
    ['Licenses', spec.licenses ?? null],
    ['Switches', spec.switches ?? null],
    ['Comment', spec.comment ?? null],
    ['Excluded', spec.exclude.length === 0 ? null : hostList(spec.exclude)],
    ['Command', spec.command === undefined ? 'script' : shellCommand(spec.command)],
    ['Submitted', formatTime(job.submitTime, nowMs)],
    ['Started', job.startTime === null ? null : formatTime(job.startTime, nowMs)],
    ['Ended', job.endTime === null ? null : formatTime(job.endTime, nowMs)],
    ['Time used', formatDuration(timeUsedMs(job, nowMs))],
    ['Requeues', `${job.requeues} of at most ${spec.maxRequeues}`],
    ['Submitted from', job.code?.submitFolder ?? null],
    ['Git commit', job.code?.gitCommit ?? null],
    [
      'Code',
      job.code === null || job.code.snapshot === null ? 'in place' : `snapshot ${job.code.snapshot.slice(0, 12)}`,
    ],
    ['Secrets', spec.secrets.length === 0 ? null : spec.secrets.join(', ')],
    ['Work folder', job.workFolder],
    ['Checkpoints', job.checkpointFolder],
  ];
  const lines = [terminal.paint('bold', `Job ${jobLabel(job)} (${oneLine(job.name)})`)];
  for (const [label, value] of facts) {
    // The state is ours and may be coloured; the rest may come from outside.
    if (value !== null) lines.push(`  ${`${label}:`.padEnd(16)}${label === 'State' ? value : oneLine(value)}`);
  }
  if (job.attempts.length > 0) lines.push('', renderAttempts(job.attempts, nowMs, terminal));
  return lines.join('\n');
}

function request(spec: JobDetail['spec']): string {
  const cpus = spec.cpus === undefined ? 'CPUs by default' : counted(spec.cpus, 'CPU');
  const memory = memoryOf(spec);
  return (
    `${counted(spec.nodes, 'node')}, each ${counted(tasksPerNode(spec), 'rank')} of ${cpus}, ${counted(spec.gpusPerNode, 'GPU')}, ${memory}` +
    (spec.exclusive ? ', exclusive' : '')
  );
}

function memoryOf({ memory, memoryPerCpu, memoryPerGpu }: JobDetail['spec']): string {
  if (memoryPerCpu !== undefined) return `${memoryPerCpu} for each CPU`;
  if (memoryPerGpu !== undefined) return `${memoryPerGpu} for each GPU`;
  return memory === '0' ? 'all memory' : (memory ?? 'memory by default');
}

function timeLimit({ spec, timeLimit: limit }: JobDetail): string {
  const own = timeLimitMs(spec);
  if (limit === null || limit * 1000 === own) return spec.time;
  return `${formatDuration(limit * 1000)}${own === null ? ", its partition's" : ` (asked for ${spec.time})`}`;
}

function ownPriority({ spec }: JobDetail): string | null {
  const nice = spec.nice === undefined ? '' : `, nice ${spec.nice}`;
  return spec.priority === 0 && nice === '' ? null : `${spec.priority}${nice}`;
}

function renderAttempts(attempts: readonly AttemptSummary[], nowMs: number, terminal: Terminal): string {
  return renderTable(
    [
      { header: 'ATTEMPT', align: 'right', text: (attempt) => String(attempt.attempt) },
      { header: 'STATE', text: (attempt) => attempt.state, format: (attempt) => stateFormat(attempt.state) },
      { header: 'NODELIST', isFlexible: true, text: (attempt) => hostList(attempt.nodeList) },
      { header: 'TIME', align: 'right', text: (attempt) => formatDuration(timeUsedMs(attempt, nowMs)) },
      {
        header: 'EXIT',
        align: 'right',
        text: (attempt) => (attempt.exitCode === null ? '' : String(attempt.exitCode)),
      },
      { header: 'MESSAGE', isFlexible: true, text: (attempt) => attempt.message ?? '' },
    ],
    attempts,
    terminal,
  );
}
