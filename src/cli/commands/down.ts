import { setTimeout as sleep } from 'node:timers/promises';
import type { Command } from 'commander';
import { OrreryError } from '../../contract/errors.ts';
import { defineCommand } from '../command.ts';
import { connect } from '../connection.ts';
import { expectHere, readDaemonFile } from '../daemon-address.ts';
import { errorCode } from '../../lib/error-code.ts';
import { homeFolder } from '../home.ts';
import { print, printJson } from '../output.ts';

const POLL_MS = 20;
/** Cancelled jobs have 30 s (KillWait) between SIGTERM and SIGKILL. */
const STOP_MS_MAX = 90_000;

export function register(program: Command): Command {
  return defineCommand(program, 'down', {
    summary: 'Stop the daemon. Running jobs run on and the next orrery up finds them; --cancel ends them first.',
    examples: [
      ['orrery down', 'stop the daemon, leave its jobs running'],
      ['orrery down --cancel', 'end all jobs, then stop: no process is left'],
    ],
  })
    .option('--cancel', 'cancel all jobs first')
    .action(async (options: { cancel?: boolean; json?: boolean }) => {
      const home = homeFolder();
      const daemon = readDaemonFile(home);
      // What runs under its number here is none of it.
      if (daemon !== null) expectHere(home, daemon);
      if (daemon === null || !isAlive(daemon.pid)) {
        if (options.json === true) printJson({ pid: null });
        else print(`No daemon runs for ${home}`);
        return;
      }
      const { pid } = await connect(home).shutdown({ cancel: options.cancel === true });
      for (const startedMs = Date.now(); isAlive(pid); await sleep(POLL_MS)) {
        if (Date.now() - startedMs > STOP_MS_MAX) {
          throw new OrreryError('ORR_FAILED', `the daemon (pid ${pid}) has not ended after ${STOP_MS_MAX / 1000} s`);
        }
      }
      if (options.json === true) printJson({ pid });
      else print(options.cancel === true ? 'Stopped; all jobs were ended' : 'Stopped; running jobs were left alone');
    });
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return errorCode(error) === 'EPERM';
  }
}
