import { describe, expect, it } from 'vitest';
import { describeFailure } from './command-line.ts';
import { createProgram } from './program.ts';

/** What is said of a command line that is wrong; nothing of it is carried out. */
async function said(line: string): Promise<unknown> {
  const argv = line.split(' ').filter((word) => word !== '');
  try {
    const program = await createProgram(argv);
    program.hook('preAction', () => {
      throw new Error('it was understood');
    });
    await program.parseAsync(argv, { from: 'user' });
  } catch (error) {
    return describeFailure(error);
  }
  throw new Error('expected an error');
}

describe('a command line that is wrong', () => {
  it.each([
    ['quee', 'orrery has no command "quee": did you mean queue? orrery --help lists them'],
    ['squeue', 'orrery has no command "squeue": did you mean queue? orrery --help lists them'],
    ['frobnicate', 'orrery has no command "frobnicate": orrery --help lists them'],
    ['help nope', 'orrery has no command "nope": orrery --help lists them'],
    ['help quee', 'orrery has no command "quee": did you mean queue? orrery --help lists them'],
    ['--foo', 'orrery has no option --foo: orrery --help lists them'],
    ['queue --stat', 'orrery queue has no option --stat: did you mean --state? orrery queue --help lists them'],
    ['queue -n', 'orrery queue has no option -n: orrery queue --help lists them'],
    [
      'run --gpus-per-nodes 2 -- true',
      'orrery run has no option --gpus-per-nodes: did you mean --gpus-per-node? orrery run --help lists them',
    ],
    [
      'run --noodles=3 -- true',
      'orrery run has no option --noodles: did you mean --nodes? orrery run --help lists them',
    ],
    ['run -N', '--nodes: a value is missing: expected -N, --nodes <n>'],
    ['run -N two -- true', '--nodes: expected an integer >= 1, got "two"'],
    ['nodes drain n1 --reason', '--reason: a value is missing: expected --reason <text>'],
    ['nodes drain', 'orrery nodes drain: <node> is missing: expected orrery nodes drain [options] <node>'],
    [
      'nodes drain n1 n2',
      'orrery nodes drain: expected one argument, got "n1" "n2": orrery nodes drain [options] <node>',
    ],
    ['nodes drian n1', 'orrery nodes has no command "drian": did you mean drain? orrery nodes --help lists them'],
    ['job sho 1', 'orrery job has no command "sho": did you mean show? orrery job --help lists them'],
    ['down now', 'orrery down: expected no argument, got "now": orrery down [options]'],
    ['why', 'orrery why: <job> is missing: expected orrery why [options] <job>'],
    ['why abc', '<job>: expected a job id such as 12, or 12_3 for a task of an array, got "abc"'],
    ['up --backend pbs', '--backend: expected local or slurm, got "pbs"'],
    ['up --port 99999', '--port: expected an integer between 0 and 65535, got "99999"'],
    ['accounting --by team', '--by: expected account, user or job, got "team"'],
    ['completion tcsh', '<shell>: expected bash, zsh or fish, got "tcsh"'],
    ['queue --state WAITING', expect.stringMatching(/^--state: expected one of PENDING, .*, got "WAITING"$/)],
    ['reservations create', 'orrery reservations create: --nodes is missing: expected --nodes <nodes>'],
  ])('%s', async (line, message) => {
    expect(await said(line)).toEqual({ code: 'ORR_USAGE', message, status: 2 });
  });
});
