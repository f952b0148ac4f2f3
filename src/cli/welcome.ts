import type { Terminal } from './render/terminal.ts';

const FIRST_THINGS = [
  ['orrery demo', 'train a model across nodes, lose one, and watch it finish'],
  ['orrery up --detach', 'start the daemon on this machine'],
  ['orrery run -N 2 --follow -- hostname', 'run a job on two nodes and see its output'],
  ['orrery queue --all', 'list jobs, those that ended too'],
  ['orrery sim --scenario rsc-phase1 --days 7', 'see a week of 6,080 GPUs go by in seconds'],
  ['orrery doctor', 'check what this machine has and what is missing'],
] as const;

/** What `orrery` alone says. */
export function welcome(terminal: Terminal): string {
  const width = Math.max(...FIRST_THINGS.map(([line]) => line.length));
  return [
    'Orrery: an AI research supercluster in software. Six things to try first:',
    '',
    ...FIRST_THINGS.map(([line, effect]) => `  ${terminal.paint('bold', line.padEnd(width))}  ${effect}`),
    '',
    'All commands: orrery --help. One command: orrery help COMMAND.',
  ].join('\n');
}
