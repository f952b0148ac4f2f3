import { constants } from 'node:os';
import type { CustomHealthCheck } from '../contract/health.ts';
import { type Check, critical, type Finding, firstLine, ok, unknown, warning } from './check.ts';
import type { CommandOutcome } from './machine.ts';

/** A check of the site's own: any program with the exit statuses of Nagios. */
export function customCheck({ name, command, severity, timeoutSeconds, runsAs }: CustomHealthCheck): Check {
  return {
    name,
    severity,
    finds: 'what the site looks for',
    reads: command.join(' '),
    ...(runsAs !== undefined && { runsAs }),
    run: async ({ machine }) => judgeOutcome(await machine.run(command, timeoutSeconds * 1000)),
  };
}

/** Exit status 0, 1, 2 is OK, WARNING, CRITICAL, any other UNKNOWN; the first line of output says why. One that hangs is CRITICAL, as in Nagios. */
function judgeOutcome(outcome: CommandOutcome): Finding {
  if (outcome.kind === 'missing') return unknown(`there is no program ${outcome.program}`);
  if (outcome.kind === 'timedOut') return critical(`no answer within ${outcome.afterMs / 1000} s`);
  const { exitCode, stdout, stderr } = outcome;
  const message = firstLine(stdout) || firstLine(stderr) || endWords(exitCode);
  return ([ok, warning, critical][exitCode] ?? unknown)(message);
}

/** As a shell counts: 128 and more is a signal that ended it. */
function endWords(exitCode: number): string {
  const signal = Object.entries(constants.signals).find(([, number]) => number === exitCode - 128)?.[0];
  return signal === undefined ? `exit status ${exitCode}` : `ended by ${signal}`;
}
