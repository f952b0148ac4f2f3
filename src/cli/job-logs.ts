import { once } from 'node:events';
import type { JobSummary } from '../contract/api.ts';
import type { LogQuery } from '../contract/client.ts';
import { rankCount } from '../contract/job.ts';
import { type JobIdentity, jobLabel } from '../contract/job-array.ts';
import { connect } from './connection.ts';
import { followLogs } from './follow.ts';
import { note } from './output.ts';
import { createLogPrinter } from './render/log-printer.ts';

/** After so long without output one wants to know whether the job runs at all. */
const SILENCE_MS = 2_000;

/** Prints a job's output: its stdout to `out`, its stderr to stderr (to `out` too where only stderr is asked for). */
export async function printLogs(jobId: number, query: LogQuery, out: NodeJS.WriteStream): Promise<void> {
  const { spec } = await connect().job(jobId);
  const isLabelled = query.rank === undefined && rankCount(spec) > 1;
  const error = query.stream === 'stderr' ? out : process.stderr;
  const printer = createLogPrinter(isLabelled, {
    stdout: (text) => out.write(text),
    stderr: (text) => error.write(text),
    note,
  });
  let isSilent = true;
  const patience = setTimeout(() => {
    if (isSilent) void sayWhySilent(jobId);
  }, SILENCE_MS);
  await followLogs(jobId, query, async (chunk) => {
    isSilent = false;
    printer.push(chunk);
    // A slow reader must not make us hold a job's whole output in memory.
    if (out.writableNeedDrain) await once(out, 'drain');
  });
  clearTimeout(patience);
  printer.close();
  if (isSilent && query.follow !== true) note(nothingWritten(await connect().job(jobId), isOfPart(query)));
}

function isOfPart({ attempt, rank, stream, tail }: LogQuery): boolean {
  return attempt !== undefined || rank !== undefined || stream !== undefined || tail === 0;
}

/** So that no output is not taken for no answer. */
export function nothingWritten(
  job: Pick<JobSummary, 'state' | 'reason' | 'attempt'> & JobIdentity,
  isOfPart: boolean,
): string {
  const name = `job ${jobLabel(job)}`;
  if (job.state === 'PENDING')
    return `note: ${name} is PENDING (${job.reason}) and has written nothing; more: orrery why ${jobLabel(job)}`;
  if (job.attempt === 0) return `note: ${name} (${job.state}) never ran`;
  const isOver = !['RUNNING', 'COMPLETING'].includes(job.state);
  return `note: ${name} (${job.state}) ${isOver ? 'wrote nothing' : 'has written nothing yet'}${isOfPart ? ' of what was asked for' : ''}`;
}

async function sayWhySilent(jobId: number): Promise<void> {
  try {
    const { state, reason } = await connect().job(jobId);
    if (state === 'PENDING') note(`Job ${jobId} is PENDING (${reason}); more: orrery why ${jobId}`);
  } catch {
    // The one who follows the output meets the same error and says it.
  }
}
