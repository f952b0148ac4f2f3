import { once } from 'node:events';
import type { LogQuery } from '../contract/client.ts';
import { rankCount } from '../contract/job.ts';
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
}

async function sayWhySilent(jobId: number): Promise<void> {
  try {
    const { state, reason } = await connect().job(jobId);
    if (state === 'PENDING') note(`Job ${jobId} is PENDING (${reason}); more: orrery why ${jobId}`);
  } catch {
    // The one who follows the output meets the same error and says it.
  }
}
