import { spawn, spawnSync } from 'node:child_process';
import type { Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import type { JobSummary } from '../../contract/api.ts';
import type { OrreryClient } from '../../contract/client.ts';
import type { JobSpecInput } from '../../contract/job.ts';
import { connect } from '../connection.ts';
import { daemonAddress } from '../daemon-address.ts';
import { readGit } from '../git-files.ts';
import { homeFolder } from '../home.ts';
import { note } from '../output.ts';
import { hostList } from '../render/host-list.ts';
import { withoutSnapshot } from '../snapshot.ts';
import { submitJobs } from '../submission.ts';
import { waitForJobs } from '../wait.ts';
import { beginScript, holderScript, MEETING_FOLDER, type TerminalSize } from './holder.ts';
import { ShellPipes } from './pipes.ts';

const POLL_MS = 200;
/** Then it is said what the job waits for. */
const PATIENCE_MS = 1_500;

/** Runs `argv`, or a shell where it is empty, inside an allocation of the daemon's and connects this terminal to it. Resolves once the job has ended. */
export async function runShell(
  fields: JobSpecInput,
  argv: readonly string[],
  stdout: NodeJS.WriteStream,
): Promise<JobSummary> {
  const size = terminalSize();
  const pipes = new ShellPipes(beginScript(argv, size));
  try {
    const jobId = await submitHolder({ name: 'shell', ...fields, script: holderScript(size !== null) }, pipes.folder);
    const client = connect();
    let ended: JobSummary | undefined;
    const end = waitForJobs([jobId], (job) => (ended = job));
    end.catch(() => undefined);
    const cancel = cancelOnInterrupt(client, jobId, pipes);
    await sayWhenRunning(client, jobId, () => ended !== undefined);
    const ends = await pipes.open(() => ended !== undefined);
    cancel.off();
    if (ends !== null) await relay(ends.input, ends.output, stdout, pipes);
    const [job] = await end;
    if (job === undefined) throw new Error(`job ${jobId} was not waited for`);
    return job;
  } finally {
    pipes.remove();
  }
}

async function submitHolder(fields: JobSpecInput, folder: string): Promise<number> {
  const here = process.cwd();
  const job: JobSpecInput = {
    tasksPerNode: 1,
    // Nobody is there to type a second time.
    maxRequeues: 0,
    ...fields,
    env: { ...fields.env, [MEETING_FOLDER]: folder },
  };
  const code = await withoutSnapshot(here, readGit(here, 1));
  const { jobs } = await submitJobs(daemonAddress(homeFolder()), [job], code);
  const [submitted] = jobs;
  if (submitted === undefined) throw new Error('the daemon accepted no job');
  return submitted.id;
}

/** Before it runs, Ctrl-C takes the job back; from then on the key belongs to the shell. */
function cancelOnInterrupt(client: OrreryClient, jobId: number, pipes: ShellPipes): { off: () => void } {
  const cancel = () => {
    void client.cancel(jobId).finally(() => {
      pipes.remove();
      process.exit(130);
    });
  };
  process.once('SIGINT', cancel);
  return { off: () => void process.off('SIGINT', cancel) };
}

async function sayWhenRunning(client: OrreryClient, jobId: number, isOver: () => boolean): Promise<void> {
  const beginMs = performance.now();
  let isSaid = false;
  while (!isOver()) {
    const job = await client.job(jobId);
    if (job.state !== 'PENDING') {
      if (process.stderr.isTTY && job.state === 'RUNNING') note(`Job ${jobId} runs on ${hostList(job.nodeList)}`);
      return;
    }
    if (!isSaid && performance.now() - beginMs > PATIENCE_MS) {
      const { reason, detail } = await client.why(jobId);
      note([`Job ${jobId} waits (${reason}); Ctrl-C gives it up`, ...detail.map((line) => `  ${line}`)].join('\n'));
      isSaid = true;
    }
    await sleep(POLL_MS);
  }
}

/** Until the program at the other end has closed its side. */
async function relay(input: Socket, output: Socket, stdout: NodeJS.WriteStream, pipes: ShellPipes): Promise<void> {
  const { stdin } = process;
  const resize = () => {
    const size = terminalSize();
    const terminal = pipes.terminal();
    if (size === null || terminal === null) return;
    spawn('stty', ['-F', terminal, 'rows', String(size.rows), 'cols', String(size.columns)], { stdio: 'ignore' });
  };
  // The shell may be gone while something is still typed.
  input.on('error', () => undefined);
  output.on('error', () => undefined);
  const restore = stdin.isTTY ? rawTerminal() : () => undefined;
  process.on('SIGWINCH', resize);
  stdin.pipe(input);
  output.pipe(stdout, { end: false });
  await new Promise<void>((done) => output.once('close', done));
  stdin.unpipe(input);
  stdin.pause();
  input.destroy();
  process.off('SIGWINCH', resize);
  restore();
}

/**
 * Every key and every byte passes as it is, until the terminal is put back. Node's own raw mode goes on turning line feeds into line breaks, which the
 * terminal at the other end has done already.
 */
function rawTerminal(): () => void {
  const stty = (...args: string[]) =>
    spawnSync('stty', args, { stdio: ['inherit', 'pipe', 'ignore'], encoding: 'utf8' }).stdout.trim();
  const before = stty('-g');
  stty('raw', '-echo');
  const restore = () => void stty(before);
  process.once('exit', restore);
  return () => {
    process.off('exit', restore);
    restore();
  };
}

/** Null where nobody sits at a terminal. */
function terminalSize(): TerminalSize | null {
  const { stdin, stdout } = process;
  return stdin.isTTY && stdout.isTTY ? { rows: stdout.rows, columns: stdout.columns } : null;
}
