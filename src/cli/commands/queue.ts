import { setTimeout as sleep } from 'node:timers/promises';
import { type Command, InvalidArgumentError, Option } from 'commander';
import { type JobSummary, jobStateSchema } from '../../contract/api.ts';
import type { OrreryClient } from '../../contract/client.ts';
import { defineCommand } from '../command.ts';
import { connect } from '../connection.ts';
import { readSlurmFile } from '../../daemon/slurm-file.ts';
import { homeFolder } from '../home.ts';
import { noJobs } from '../render/no-jobs.ts';
import { onInterrupt } from '../interrupt.ts';
import { noteOutage, outageLine } from '../outage.ts';
import { print, printJson } from '../output.ts';
import { throughRestarts } from '../patience.ts';
import { renderJobs, summarizeJobs } from '../render/job-table.ts';
import { renderPriorities } from '../render/priority-table.ts';
import { openLiveView } from '../render/live-view.ts';
import { terminalOf } from '../render/terminal.ts';

const REFRESH_MS = 1_000;
/** Where every refresh is a new table below the last one. */
const REFRESH_PLAIN_MS = 5_000;

interface Options {
  all?: boolean;
  state?: JobSummary['state'];
  priority?: boolean;
  watch?: boolean;
  json?: boolean;
}

export function register(program: Command): Command {
  return defineCommand(program, 'queue', {
    summary: 'List jobs that are pending or running, with the reason each pending one waits for.',
    examples: [
      ['orrery queue', 'what runs and what waits'],
      ['orrery queue --all --state FAILED', 'which jobs failed'],
      ['orrery queue --priority', 'what the priorities of pending jobs are made of'],
      ['orrery queue --watch', 'a live view; Ctrl-C leaves it'],
    ],
  })
    .option('-a, --all', 'ended jobs too')
    .addOption(
      new Option('--state <state>', 'only jobs in this state (ended ones: with --all)')
        .choices(jobStateSchema.options)
        .argParser(parseState),
    )
    .option('--priority', 'parts of the priority of pending jobs instead')
    .option('--watch', 'refresh every second (with --json: one document a line)')
    .action(async (options: Options) => {
      if (options.priority === true) return showPriorities(options.json === true);
      if (options.watch === true) return watch(options);
      const client = connect();
      const [jobs] = await Promise.all([list(client, options), noteOutage(client, 'jobs are as last seen')]);
      if (options.json === true) printJson({ jobs });
      else print(render(jobs, options));
    });
}

async function showPriorities(isJson: boolean): Promise<void> {
  const priorities = await connect().priorities();
  if (isJson) return printJson({ priorities });
  if (priorities.length > 0) return print(renderPriorities(priorities, terminalOf(process.stdout)));
  print('No job is pending whose priority has parts: that takes a policy with priority type multifactor.');
}

function parseState(text: string): JobSummary['state'] {
  const parsed = jobStateSchema.safeParse(text.toUpperCase());
  if (parsed.success) return parsed.data;
  throw new InvalidArgumentError(`Expected one of ${jobStateSchema.options.join(', ')}.`);
}

function list(client: OrreryClient, { all, state }: Options): Promise<JobSummary[]> {
  return client.jobs({ ...(all === true ? { all } : {}), ...(state === undefined ? {} : { state }) });
}

function render(jobs: readonly JobSummary[], options: Options): string {
  if (jobs.length > 0) return renderJobs(jobs, Date.now(), terminalOf(process.stdout));
  return noJobs(options, readSlurmFile(homeFolder()) !== null);
}

async function watch(options: Options): Promise<void> {
  onInterrupt(null);
  const terminal = terminalOf(process.stdout);
  const view = terminal.isLive && options.json !== true ? openLiveView(process.stdout) : null;
  await throughRestarts(async (client, answered) => {
    for (;;) {
      const [jobs, health] = await Promise.all([list(client, options), client.health()]);
      const outage = options.json === true ? null : outageLine(health, Date.now());
      const remarks = outage === null ? [] : [`${outage}; jobs are as last seen`];
      answered();
      if (options.json === true) printJson({ jobs });
      else if (view === null) print([...remarks, render(jobs, options), ''].join('\n'));
      else {
        const head = `${summarizeJobs(jobs)}  (Ctrl-C leaves this view)`;
        view.draw([head, ...remarks, '', ...render(jobs, options).split('\n')]);
      }
      await sleep(view === null && options.json !== true ? REFRESH_PLAIN_MS : REFRESH_MS);
    }
  });
}
