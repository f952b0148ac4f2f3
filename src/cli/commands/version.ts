import type { Command } from 'commander';
import { defineCommand } from '../command.ts';
import { print, printJson } from '../output.ts';
import { version } from '../version.ts';

export function register(program: Command): Command {
  return defineCommand(program, 'version', {
    summary: 'Print the version of Orrery and of Node.',
    examples: [
      ['orrery version', 'for people'],
      ['orrery version --json', 'for programs'],
    ],
  }).action((options: { json?: boolean }) => {
    if (options.json === true) printJson({ version, node: process.versions.node });
    else print(`orrery ${version} (Node ${process.versions.node})`);
  });
}
