import { constants, hostname } from 'node:os';
import { resolve } from 'node:path';
import { type Command, Option } from 'commander';
import type { NodeAction } from '../../backend/slurm/nodes/node-action.ts';
import { HEALTH_OCCASIONS, type HealthOccasion, type HealthReport } from '../../contract/health.ts';
import { occasionsOf } from '../../health/check.ts';
import { thisMachine, toolEnvironment } from '../../health/machine.ts';
import { runChecks } from '../../health/run-checks.ts';
import { allChecks, chosenChecks } from '../../health/suite.ts';
import { drainReason, exitStatus, failures, HEALTH_REASON, isWell, isWorthReporting } from '../../health/verdict.ts';
import { defineCommand, integer, list } from '../command.ts';
import { ExitStatus } from '../exit-status.ts';
import { type ExpectationOptions, readExpectation } from '../health/expectation.ts';
import { renderChecks, renderReport, summary } from '../health/render.ts';
import { note, print, printJson } from '../output.ts';
import { terminalOf } from '../render/terminal.ts';

/** Of each call to Slurm: slurmd gives its health check 60 s for all. */
const SLURM_TIMEOUT_MS = 15_000;

interface Options extends ExpectationOptions {
  as?: HealthOccasion;
  checks?: string[];
  node?: string;
  drain?: boolean;
  requeue?: boolean;
  report?: string;
  json?: boolean;
}

export function register(program: Command): Command {
  const group = defineCommand(program, 'health', {
    summary:
      'Check the hardware and system of this node; from a shell, or as prolog, epilog, cron job or health check.',
    examples: [
      ['orrery health check', 'all checks that find something to look at'],
      ['orrery health list', 'all checks, with severity, what they read and when they run'],
    ],
  });
  addExpectation(
    defineCommand(group, 'check', {
      summary: 'Run checks on this machine. Exits 0 OK, 1 WARNING, 2 CRITICAL, 3 UNKNOWN.',
      examples: [
        ['orrery health check', 'what is here, each with what was found'],
        ['orrery health check --checks disk-space,clock-source', 'two of them'],
        ['orrery health check --as prolog', 'the ones of high severity; fails where one is CRITICAL'],
        ['orrery health check --json', 'for programs'],
      ],
    }),
  )
    .addOption(new Option('--as <occasion>', 'on whose behalf').choices(HEALTH_OCCASIONS))
    .option('--checks <names>', 'only these, by commas', list)
    .option('--drain', 'drain the node in Slurm where a check fails; --as healthcheck does')
    .option('--requeue', 'with it: where one of high severity fails, requeue its jobs')
    .option('--report <folder>', 'on shared storage: leave there what is found, for the lemon detector of a daemon')
    .option('--node <name>', "the node's name in Slurm (default: SLURMD_NODENAME, else the host's)")
    .action(check);
  addExpectation(
    defineCommand(group, 'list', {
      summary: 'List all checks: severity, when they run, what they find and read.',
      examples: [
        ['orrery health list', 'the built-in ones'],
        ['orrery health list --json', 'for programs'],
      ],
    }),
  ).action(listChecks);
  return group;
}

function addExpectation(command: Command): Command {
  return command
    .option('--expect <file>', 'YAML file that says what a healthy node has, and adds checks')
    .option('--cluster <name|file>', 'cluster of the catalogue or a cluster file: expect what its nodes have')
    .option('--node-type <prefix>', 'which of its kinds of nodes, by name prefix')
    .option('--gpus <n>', 'GPUs to expect', integer(0, 1024));
}

async function listChecks(options: Options): Promise<void> {
  const checks = allChecks(await readExpectation(options));
  if (options.json !== true) return print(renderChecks(checks, terminalOf(process.stdout)));
  printJson({
    checks: checks.map((check) => {
      const { name, severity, finds, reads } = check;
      return { name, severity, runsAs: [...occasionsOf(check)], finds, reads };
    }),
  });
}

async function check(options: Options): Promise<void> {
  const occasion = options.as ?? null;
  const expect = await readExpectation(options);
  const checks = chosenChecks(expect, { occasion, names: options.checks });
  const machine = thisMachine();
  // slurmd ends programs that take too long, people press Ctrl-C: what was started must not outlive it.
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    process.once(signal, () => {
      machine.stop();
      process.exit(128 + constants.signals[signal]);
    });
  }
  const node = options.node ?? process.env['SLURMD_NODENAME'] ?? (hostname().split('.')[0] || hostname());
  const report = await runChecks({ checks, machine, expect, occasion, node });
  const isDraining = occasion === 'healthcheck' || options.drain === true;
  const settled = isDraining ? await settle(report, options.requeue === true) : null;
  const folder = options.report === undefined ? expect.report : resolve(options.report);
  if (folder !== undefined && isWorthReporting(report)) {
    // Loaded only now, as above. Where the folder is away the verdict on the node is the same.
    const { leaveReport } = await import('../../health/report-file.ts');
    const complaint = await leaveReport(machine, folder, report);
    if (complaint !== null) note(complaint);
  }
  if (options.json === true) printJson({ ...report, ...(settled !== null && { nodeAction: settled }) });
  else say(report, settled);
  throw new ExitStatus(statusOf(report, settled));
}

/** Null where the node's state is left as it is. */
async function settle(report: HealthReport, isRequeuing: boolean): Promise<NodeAction | null> {
  const reason = drainReason(report);
  // What a prolog finds is not all there is to say for giving a node back.
  if (reason === null && (report.occasion !== 'healthcheck' || !isWell(report))) return null;
  // Loaded only now: a prolog that passes has no use for them.
  const [{ requeueJobs, settleNode }, { SlurmCommands }] = await Promise.all([
    import('../../backend/slurm/nodes/node-action.ts'),
    import('../../backend/slurm/slurm-commands.ts'),
  ]);
  const env = toolEnvironment(process.env);
  const commands = new SlurmCommands({ host: null, socketFolder: null, env, timeoutMs: SLURM_TIMEOUT_MS });
  const settled = await settleNode(commands, { name: report.node, reason, mark: HEALTH_REASON });
  const isUrgent = failures(report).some(({ severity }) => severity === 'high');
  if (!isRequeuing || !isUrgent || settled.action !== 'drained') return settled;
  const requeued = await requeueJobs(commands, settled.node);
  return { ...settled, message: requeued === '' ? settled.message : `${settled.message}; ${requeued}` };
}

function say(report: HealthReport, settled: NodeAction | null): void {
  const isLogged = report.occasion !== null;
  // Logs of slurmd and mails of cron: nothing where there is nothing to say.
  if (!isLogged) print(renderReport(report, terminalOf(process.stdout)));
  else if (report.status !== 'ok' && report.status !== 'skipped') print(summary(report));
  if (settled !== null && settled.message !== '') note(settled.message);
}

/** slurmd only logs the status of its health check: 0 says that the node is in the state in which it should be. */
function statusOf(report: HealthReport, settled: NodeAction | null): number {
  if (report.occasion !== 'healthcheck') return exitStatus(report, report.occasion);
  return settled?.action === 'refused' ? 2 : 0;
}
