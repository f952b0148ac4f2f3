import type { Command } from 'commander';
import { defineCommand } from '../command.ts';
import type { Check } from '../doctor-check.ts';
import { examine } from '../doctor.ts';
import { ExitStatus } from '../exit-status.ts';
import { homeFolder } from '../home.ts';
import { print, printJson } from '../output.ts';
import { type Format, type Terminal, terminalOf } from '../render/terminal.ts';

const STATUS_FORMATS: Record<Check['status'], Format> = { ok: 'green', note: 'dim', warning: 'yellow', failed: 'red' };

export function register(program: Command): Command {
  return defineCommand(program, 'doctor', {
    summary:
      'Check Node, PyTorch, Slurm, GPUs, home, disk, shared folder, port and daemon; say what to do about each. Exits 1 if one failed.',
    examples: [
      ['orrery doctor', 'for people'],
      ['orrery doctor --json', 'for programs'],
    ],
  }).action(async (options: { json?: boolean }) => {
    const checks = await examine(homeFolder(), process.env);
    if (options.json === true) printJson({ checks });
    else print(render(checks, terminalOf(process.stdout)));
    if (checks.some((check) => check.status === 'failed')) throw new ExitStatus(1);
  });
}

function render(checks: readonly Check[], terminal: Terminal): string {
  return checks
    .flatMap(({ name, status, detail, advice }) => [
      `${terminal.paint(STATUS_FORMATS[status], status.padEnd(7))}  ${name.padEnd(8)} ${detail}`,
      ...(advice === null ? [] : [`${' '.repeat(18)}-> ${advice}`]),
    ])
    .join('\n');
}
