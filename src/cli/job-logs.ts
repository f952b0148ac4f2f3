import { tasksPerNode } from '../contract/job.ts';
import type { LogQuery } from '../contract/client.ts';
import { connect } from './connection.ts';
import { followLogs } from './follow.ts';
import { note } from './output.ts';
import { createLogPrinter } from './render/log-printer.ts';

/** Prints a job's output: its stdout to `out`, its stderr to stderr (to `out` too where only stderr is asked for). */
export async function printLogs(jobId: number, query: LogQuery, out: NodeJS.WriteStream): Promise<void> {
  const { spec } = await connect().job(jobId);
  const isLabelled = query.rank === undefined && spec.nodes * tasksPerNode(spec) > 1;
  const error = query.stream === 'stderr' ? out : process.stderr;
  const printer = createLogPrinter(isLabelled, {
    stdout: (text) => out.write(text),
    stderr: (text) => error.write(text),
    note,
  });
  await followLogs(jobId, query, (chunk) => printer.push(chunk));
  printer.close();
}
