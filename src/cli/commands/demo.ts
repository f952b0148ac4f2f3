import { existsSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Command } from 'commander';
import { createClient } from '../../contract/client.ts';
import { OrreryError } from '../../contract/errors.ts';
import { findPython } from '../../backend/local/python.ts';
import { runDaemon } from '../../daemon/run-daemon.ts';
import { defineCommand } from '../command.ts';
import { type DemoReport, DrillDisplay, renderReport } from '../demo/render.ts';
import { trainingJob } from '../demo/training-job.ts';
import { runDrill } from '../demo/training-drill.ts';
import { submittedEnvironment } from '../environment.ts';
import { ExitStatus } from '../exit-status.ts';
import { homeFolder } from '../home.ts';
import { print, printJson } from '../output.ts';
import { packageFolder } from '../package-folder.ts';
import { terminalOf } from '../render/terminal.ts';

/** Halfway, and late enough that there is a checkpoint to come back to. */
const FAIL_AT = 0.5;

/** Flags of train.py. The quick one is long enough to be caught halfway. */
const FULL = ['--preset', 'demo'];
const QUICK = ['--preset', 'test', '--steps', '400', '--checkpoint-every', '40'];

export function register(program: Command): Command {
  return defineCommand(program, 'demo', {
    summary:
      'Train a language identifier on two of three virtual nodes, kill one halfway, and watch the run resume and finish.',
    examples: [
      ['orrery demo', 'a few minutes; leaves a model for orrery identify'],
      ['orrery demo --quick', 'the same drill with a toy model, in seconds'],
      ['orrery demo --json', 'the outcome as one JSON document'],
    ],
  })
    .option('--quick', 'a toy model: shows the drill, not the accuracy')
    .action(async (options: { json?: boolean; quick?: boolean }) => {
      const outcome = await runDemo(options.quick === true ? QUICK : FULL);
      if (options.json === true) printJson(outcome);
      else print(renderReport(outcome, terminalOf(process.stdout)));
      if (!outcome.isWhole) throw new ExitStatus(1);
    });
}

async function runDemo(flags: readonly string[]): Promise<DemoReport> {
  const startedMs = Date.now();
  const display = new DrillDisplay(process.stderr, terminalOf(process.stderr));
  const python = await findPython(process.env);
  if (python.isMissing) {
    throw new OrreryError(
      'ORR_PYTHON_MISSING',
      `no Python with PyTorch among ${python.tried.join(', ')}: npm start installs one, or set ORRERY_PYTHON`,
    );
  }
  const home = join(homeFolder(), 'demo');
  const daemon = await runDaemon({ home, host: '127.0.0.1', port: 0, nodeCount: 3 });
  const interrupt = onInterrupt(async () => {
    display.endLine();
    display.say('stopping: every process of the demo is being ended');
    await daemon.close({ cancel: true });
  });
  try {
    display.say(
      `cluster of 3 virtual nodes on this machine, home ${home}; PyTorch ${python.torchVersion} (${python.path})`,
    );
    const client = createClient({ url: daemon.url, token: daemon.token });
    await restore(client);
    const output = join(home, 'models', 'languages', new Date(startedMs).toISOString().replaceAll(/[:.]/g, '-'));
    const { environment } = submittedEnvironment(process.env);
    const request = await trainingJob({
      packageFolder: packageFolder(),
      home,
      python: python.path,
      output,
      flags,
      environment,
    });
    const report = await runDrill(client, request, FAIL_AT, (event) => display.show(event));
    display.endLine();
    if (report.state !== 'COMPLETED') await showWhy(client, report.jobId, display);
    // The model stays; what the run needed to come back to is of no more use, and large.
    if (report.state === 'COMPLETED')
      await rm((await client.job(report.jobId)).checkpointFolder, { recursive: true, force: true });
    const hasModel = report.state === 'COMPLETED' && existsSync(join(output, 'model.json'));
    const isWhole =
      hasModel && report.failedNode !== null && report.resumedFromStep !== null && report.accuracy !== null;
    return { ...report, isWhole, model: hasModel ? output : null, seconds: (Date.now() - startedMs) / 1000 };
  } catch (error) {
    // The daemon went away because it was told to: the exit status is the interruption's to give.
    if (interrupt.isPending()) await new Promise(() => undefined);
    throw error;
  } finally {
    await daemon.close({ cancel: true });
    interrupt.dispose();
  }
}

type Client = ReturnType<typeof createClient>;

/** As an earlier demo left it: its node is down, and if it was killed before it could clean up, its job waits. */
async function restore(client: Client): Promise<void> {
  for (const job of await client.jobs({})) await client.cancel(job.id);
  for (const node of await client.nodes()) await client.resumeNode(node.name);
}

async function showWhy(client: Client, jobId: number, display: DrillDisplay): Promise<void> {
  const job = await client.job(jobId);
  for (const attempt of job.attempts)
    display.say(`attempt ${attempt.attempt}: ${attempt.state} ${attempt.message ?? ''}`);
  let tail = '';
  for await (const chunk of client.logs(jobId, { tail: 10 })) tail += chunk.text;
  for (const line of tail.split('\n').slice(-20)) display.say(`  ${line}`);
}

/** Ctrl-C, a closed terminal or a plain kill: `clean` once, then exit 130. Further signals wait for it. */
function onInterrupt(clean: () => Promise<void>): { isPending: () => boolean; dispose: () => void } {
  let isCleaning = false;
  const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;
  const handler = () => {
    if (isCleaning) return;
    isCleaning = true;
    void clean().finally(() => process.exit(130));
  };
  for (const signal of signals) process.on(signal, handler);
  return {
    isPending: () => isCleaning,
    dispose: () => {
      for (const signal of signals) process.off(signal, handler);
    },
  };
}
