import { writeSync } from 'node:fs';
import { constants } from 'node:os';
import { parseArgs } from 'node:util';
import { pino } from 'pino';
import { OrreryError } from '../contract/errors.ts';
import { errorLine } from '../lib/error-message.ts';
import { SCHEDULER_TYPES, type SchedulerType } from '../scheduler/policy.ts';
import { healthOptions } from './nodes/health-options.ts';
import { type Daemon, type DaemonOptions, runDaemon } from './run-daemon.ts';
import { LEMON_RULES, type LemonRule } from './slurm-file.ts';
import type { SlurmOptions } from './slurm-world.ts';

/** What is still under way once the daemon has stopped may take so long. */
const LINGER_MS = 10_000;

/** The daemon as a process of its own; `orrery up` starts it. Ends with one line `orrery: ...` on stderr where it cannot start. */
async function main(): Promise<void> {
  const log = pino({ base: null, timestamp: pino.stdTimeFunctions.isoTime }, { write: writeLogLine });
  let daemon: Daemon | undefined;
  let isStopping = false;
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    process.on(signal, () => {
      // The second one is meant: no more waiting. The journal is complete at every instant.
      if (isStopping || daemon === undefined) process.exit(128 + constants.signals[signal]);
      isStopping = true;
      void daemon.close();
    });
  }
  daemon = await runDaemon({
    ...readArguments(process.argv.slice(2)),
    log,
    onShutdownRequest: () => (isStopping = true),
    onClosed: () => {
      // A thread that waits for a file server that hangs keeps the process, and process.exit() waits for it too. All that matters is on disk.
      setTimeout(() => process.kill(process.pid, 'SIGKILL'), LINGER_MS).unref();
    },
  });
}

/** On a full disk a line is lost and the daemon goes on: pino's own writer would wait for space and answer nobody meanwhile. */
function writeLogLine(line: string): void {
  try {
    writeSync(process.stdout.fd, line);
  } catch {
    // Nowhere left to say it.
  }
}

function readArguments(argv: string[]): DaemonOptions {
  const { values } = parseArgs({
    args: argv,
    options: {
      home: { type: 'string' },
      host: { type: 'string' },
      port: { type: 'string' },
      nodes: { type: 'string' },
      cluster: { type: 'string' },
      scheduler: { type: 'string' },
      policy: { type: 'string' },
      backend: { type: 'string' },
      'slurm-host': { type: 'string' },
      shared: { type: 'string' },
      'health-reports': { type: 'string' },
      lemons: { type: 'string' },
      'poll-ms': { type: 'string' },
      'health-interval': { type: 'string' },
      'health-expect': { type: 'string' },
    },
  });
  if (values.home === undefined)
    throw new OrreryError('ORR_USAGE', '--home: missing: expected the folder of the daemon');
  const interval = values['health-interval'];
  const checks = {
    healthIntervalSeconds: interval === undefined ? 0 : integer('--health-interval', interval, 0, 86_400),
    healthExpect: values['health-expect'] ?? null,
  };
  const health = healthOptions(checks.healthIntervalSeconds, checks.healthExpect);
  return {
    home: values.home,
    ...(health !== null && { health }),
    ...(values.host !== undefined && { host: values.host }),
    ...(values.port !== undefined && { port: integer('--port', values.port, 0, 65_535) }),
    ...(values.nodes !== undefined && { nodeCount: integer('--nodes', values.nodes, 1, 10_000) }),
    ...(values.cluster !== undefined && { clusterFile: values.cluster }),
    ...(values.scheduler !== undefined && { schedulerType: schedulerType(values.scheduler) }),
    ...(values.policy !== undefined && { policyFile: values.policy }),
    ...(values.backend === 'slurm' && { slurm: { ...slurmOptions(values), health: checks } }),
  };
}

interface SlurmValues {
  'slurm-host'?: string;
  shared?: string;
  'health-reports'?: string;
  lemons?: string;
  'poll-ms'?: string;
}

function slurmOptions(values: SlurmValues): SlurmOptions {
  const { 'slurm-host': host, shared, 'health-reports': reports, lemons, 'poll-ms': pollMs } = values;
  return {
    ...(reports !== undefined && { reports }),
    ...(lemons !== undefined && { lemons: lemonRule(lemons) }),
    ...(host !== undefined && { host }),
    ...(shared !== undefined && { shared }),
    ...(pollMs !== undefined && {
      pollMs: { min: integer('--poll-ms', pollMs, 10, 60_000), max: 10 * Number(pollMs) },
    }),
  };
}

function integer(flag: string, text: string, min: number, max: number): number {
  const value = Number(text);
  if (/^\d+$/.test(text) && value >= min && value <= max) return value;
  throw new OrreryError('ORR_USAGE', `${flag}: expected an integer from ${min} to ${max}, got ${JSON.stringify(text)}`);
}

function schedulerType(text: string): SchedulerType {
  const known = SCHEDULER_TYPES.find((type) => type === text);
  if (known !== undefined) return known;
  const expected = SCHEDULER_TYPES.join(' or ');
  throw new OrreryError('ORR_USAGE', `--scheduler: expected ${expected}, got ${JSON.stringify(text)}`);
}

function lemonRule(text: string): LemonRule {
  const known = LEMON_RULES.find((rule) => rule === text);
  if (known !== undefined) return known;
  throw new OrreryError('ORR_USAGE', `--lemons: expected ${LEMON_RULES.join(' or ')}, got ${JSON.stringify(text)}`);
}

main().catch((error: unknown) => {
  const isOurs = error instanceof OrreryError;
  const line = errorLine(error);
  process.stderr.write(`orrery: ${line}\n`);
  if (!isOurs && error instanceof Error) process.stderr.write(`${error.stack}\n`);
  process.exit(isOurs ? error.exitCode : 1);
});
