import type { SubmitResponse } from '../contract/api.ts';
import { jobLabel } from '../contract/job-array.ts';
import { connect } from './connection.ts';
import { ExitStatus } from './exit-status.ts';
import { noteOutage } from './outage.ts';
import { note, print, printJson } from './output.ts';
import { oneLine } from './render/terminal.ts';

const CAUTIONS_MAX = 5;

/** A line for each job, one for all tasks of an array. */
function submissions(jobs: SubmitResponse['jobs']): string[] {
  return jobs.flatMap(({ id, name, arrayJobId }) => {
    if (arrayJobId === undefined) return [`Submitted job ${id} (${oneLine(name)})`];
    if (arrayJobId !== id) return [];
    const tasks = jobs.filter((job) => job.arrayJobId === id);
    const ids =
      tasks.length === 1
        ? jobLabel(tasks[0] ?? { id })
        : `${jobLabel(tasks[0] ?? { id })} to ${jobLabel(tasks.at(-1) ?? { id })}`;
    return [
      `Submitted array job ${id} (${oneLine(name)}): ${tasks.length === 1 ? '1 task' : `${tasks.length} tasks`}, ${ids}`,
    ];
  });
}

/** Says what was submitted; with `wait` or `follow` stays until it has ended and takes over its exit status. */
export async function reportSubmission(
  { jobs, cautions = [] }: SubmitResponse,
  options: { wait?: boolean; follow?: boolean; json?: boolean },
): Promise<void> {
  const isWaiting = options.wait === true || options.follow === true;
  // Written at once: ten thousand lines one by one would take longer than the submission.
  if (options.json !== true) (options.follow === true ? note : print)(submissions(jobs).join('\n'));
  else if (!isWaiting) printJson({ jobs });
  for (const caution of cautions.slice(0, CAUTIONS_MAX)) note(`warning: ${oneLine(caution)}`);
  if (cautions.length > CAUTIONS_MAX) note(`and ${cautions.length - CAUTIONS_MAX} more: orrery why JOB tells`);
  await noteOutage(connect(), 'what was submitted is handed on once it does');
  const [first] = jobs;
  if (first === undefined || !isWaiting) return;

  const { onInterrupt } = await import('./interrupt.ts');
  const { exitStatusOfAll, waitForJobs } = await import('./wait.ts');
  const ids = jobs.map((job) => job.id);
  if (options.follow === true) {
    const { printLogs } = await import('./job-logs.ts');
    onInterrupt(
      `Job ${first.id} runs on. Back to its output: orrery logs -f ${first.id}. To end it: orrery cancel ${first.id}`,
    );
    await printLogs(first.id, { follow: true }, options.json === true ? process.stderr : process.stdout);
  } else {
    const some = ids.length === 1 ? `Job ${first.id} runs` : `${ids.length} jobs run`;
    onInterrupt(`${some} on. To wait again: orrery wait ${ids.length > 8 ? `${first.id} ...` : ids.join(' ')}`);
  }
  const ended = await waitForJobs(ids, (job) => {
    const code = job.exitCode === null ? '' : ` (exit code ${job.exitCode})`;
    note(`Job ${jobLabel(job)} (${oneLine(job.name)}) ${job.state}${code}`);
  });
  if (options.json === true)
    printJson({ jobs: ended.map(({ id, name, state, exitCode }) => ({ id, name, state, exitCode })) });
  throw new ExitStatus(exitStatusOfAll(ended));
}
