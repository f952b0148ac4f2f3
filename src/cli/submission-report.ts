import type { SubmitResponse } from '../contract/api.ts';
import { ExitStatus } from './exit-status.ts';
import { note, print, printJson } from './output.ts';
import { oneLine } from './render/terminal.ts';

/** Says what was submitted; with `wait` or `follow` stays until it has ended and takes over its exit status. */
export async function reportSubmission(
  jobs: SubmitResponse['jobs'],
  options: { wait?: boolean; follow?: boolean; json?: boolean },
): Promise<void> {
  const isWaiting = options.wait === true || options.follow === true;
  // Written at once: ten thousand lines one by one would take longer than the submission.
  if (options.json !== true)
    (options.follow === true ? note : print)(
      jobs.map(({ id, name }) => `Submitted job ${id} (${oneLine(name)})`).join('\n'),
    );
  else if (!isWaiting) printJson({ jobs });
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
    note(`Job ${job.id} (${oneLine(job.name)}) ${job.state}${code}`);
  });
  if (options.json === true)
    printJson({ jobs: ended.map(({ id, name, state, exitCode }) => ({ id, name, state, exitCode })) });
  throw new ExitStatus(exitStatusOfAll(ended));
}
