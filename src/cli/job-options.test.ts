import { Command, CommanderError } from 'commander';
import { describe, expect, it } from 'vitest';
import { OrreryError } from '../contract/errors.ts';
import type { JobSpecInput } from '../contract/job.ts';
import { register } from './commands/run.ts';
import { faultInFlags } from './job-validation.ts';
import { absorbOptionsAfterFile, fieldsFromOptions, type JobOptions, runTarget, withFields } from './job-options.ts';

/** What `orrery run ARGV` understands, without submitting it. */
function parse(...argv: string[]): { options: JobOptions & { wait?: boolean; snapshot?: boolean }; words: string[] } {
  const program = new Command('orrery')
    .enablePositionalOptions()
    .exitOverride()
    .configureOutput({ outputError: () => {} });
  const run = register(program).action(() => {});
  program.parse(['run', ...argv], { from: 'user' });
  const isAfterDashes = argv.at(-run.args.length - 1) === '--' && run.args.length > 0;
  const words = absorbOptionsAfterFile(run, run.args, isAfterDashes);
  return { options: run.opts(), words };
}

function refusal(action: () => unknown): string {
  try {
    action();
  } catch (error) {
    if (error instanceof OrreryError || error instanceof CommanderError) return error.message;
    throw error;
  }
  throw new Error('expected a refusal');
}

describe('the words of orrery run', () => {
  it('leaves the options of the command to the command', () => {
    const { options, words } = parse('-N', '2', '-t', '30m', '--', 'python3', 'train.py', '--nodes', '9');
    expect(words).toEqual(['python3', 'train.py', '--nodes', '9']);
    expect(fieldsFromOptions(options)).toEqual({ nodes: 2, time: '30m' });
    expect(parse('-c', '2', 'python3', 'train.py', '-c', '7', '--json').words).toEqual([
      'python3',
      'train.py',
      '-c',
      '7',
      '--json',
    ]);
  });

  it('tells commands, job files and scripts apart', () => {
    expect(runTarget(['job.yaml'], false)).toEqual({ kind: 'job file', path: 'job.yaml' });
    expect(runTarget(['a/job.yml'], false)).toEqual({ kind: 'job file', path: 'a/job.yml' });
    expect(runTarget(['job.sh'], false)).toEqual({ kind: 'script', path: 'job.sh', arguments: [] });
    for (const path of ['train.sbatch', 'train.slurm', 'a/train.job'])
      expect(runTarget([path], false)).toEqual({ kind: 'script', path, arguments: [] });
    expect(runTarget(['job.sh', '--', 'a', '-b'], false)).toMatchObject({ arguments: ['a', '-b'] });
    expect(runTarget(['./job.sh'], true)).toEqual({ kind: 'command', argv: ['./job.sh'] });
    expect(runTarget(['bash', 'job.sh'], false)).toEqual({ kind: 'command', argv: ['bash', 'job.sh'] });
    expect(runTarget(['hostname'], false)).toEqual({ kind: 'command', argv: ['hostname'] });
  });

  it('reads options behind a job file, where no command can be', () => {
    const { options, words } = parse('-N', '2', 'job.yaml', '--wait', '--no-snapshot', '-N', '3');
    expect(words).toEqual(['job.yaml']);
    expect(options).toMatchObject({ wait: true, snapshot: false, nodes: 3 });
  });

  it('refuses what a job file cannot take', () => {
    expect(refusal(() => parse('job.sh', 'argument'))).toMatch(
      /^job.sh takes its arguments behind a --, got "argument"/,
    );
    expect(refusal(() => parse('job.sh', ':', 'other.sh'))).toMatch(/heterogeneous job is not taken/);
    expect(refusal(() => parse('job.yaml', '--nodse', '2'))).toMatch(/"--nodse"/);
    expect(refusal(() => parse('-N', 'two', 'true'))).toBe('--nodes: expected an integer >= 1, got "two"');
    expect(refusal(() => parse('-N', '0', 'true'))).toBe('--nodes: expected an integer >= 1, got "0"');
    expect(refusal(() => parse('--nodse', '2', 'true'))).toMatch(/has no option --nodse: did you mean --nodes\?/);
  });
});

describe('flags of a job', () => {
  it('reach every field', () => {
    const { options } = parse(
      ...'-N 2 --gpus-per-node 4 --ntasks-per-node 3 -c 2 --mem 2G -t 1-12:00:00 -J demo -A ada -q high --priority 7'.split(
        ' ',
      ),
      ...'--env A=1 --env B=x=y --secret T --secret U,V --after afterok:1 --signal USR1@60 --max-requeues 5'.split(' '),
      ...'-L matlab:2 --gres tmpdisk:9 --switches 1@60 --comment mine -w n[6-7] -C a100|h100 -x n1,n[2-3] -x n5 --exclusive -H true'.split(
        ' ',
      ),
    );
    expect(faultInFlags(fieldsFromOptions(options))).toBeNull();
    expect(fieldsFromOptions(options)).toEqual({
      nodes: 2,
      gpusPerNode: 4,
      tasksPerNode: 3,
      cpus: 2,
      memory: '2G',
      time: '1-12:00:00',
      name: 'demo',
      account: 'ada',
      qos: 'high',
      priority: 7,
      env: { A: '1', B: 'x=y' },
      secrets: ['T', 'U', 'V'],
      after: 'afterok:1',
      signal: 'USR1@60',
      maxRequeues: 5,
      exclude: ['n1', 'n2', 'n3', 'n5'],
      nodelist: ['n6', 'n7'],
      constraint: 'a100|h100',
      licenses: 'matlab:2',
      gres: 'tmpdisk:9',
      switches: '1@60',
      comment: 'mine',
      exclusive: true,
      hold: true,
    });
  });

  it.each([
    [{ time: '-5m' }, /^--time: expected a time > 0 .*got "-5m"$/],
    [{ mem: 'lots' }, /^--mem: expected memory .*got "lots"$/],
    [{ env: ['NOVALUE'] }, /^--env: expected NAME=VALUE, got "NOVALUE"$/],
    [{ env: ['2X=1'] }, /^--env: .*environment variable name/],
    [{ secret: ['A-B'] }, /^--secret: expected an environment variable name$/],
    [{ exclude: ['n[3-1]'] }, /^--exclude: expected node names .*got "n\[3-1\]"$/],
    [{ nodelist: ['n['] }, /^--nodelist: expected node names .*got "n\["$/],
    [{ name: '' }, /^--name: expected a text of 1 to 200 characters, got ""$/],
    [{ after: '12' }, /^--after: expected "afterok:ID.* "singleton"/],
    [{ signal: 'USR1' }, /^--signal: expected SIGNAL@SECONDS/],
  ] satisfies [JobOptions, RegExp][])('%j are refused in one line that names the flag', (options, message) => {
    const said = refusal(() => {
      throw faultInFlags(fieldsFromOptions(options)) ?? new Error('no fault found');
    });
    expect(said).toMatch(message);
    expect(said).not.toContain('\n');
  });

  it('win over a job file; env and secrets add up', () => {
    const job = { command: ['true'], nodes: 4, time: '1h', env: { A: 'file', B: 'file' }, secrets: ['S'] };
    expect(withFields(job, { nodes: 2, env: { A: 'flag' }, secrets: ['S', 'T'] })).toEqual({
      command: ['true'],
      nodes: 2,
      time: '1h',
      env: { A: 'flag', B: 'file' },
      secrets: ['S', 'T'],
    });
    expect(withFields(job, {})).toEqual(job);
  });

  it('say memory in one way, whatever the file says', () => {
    expect(withFields({ memory: '1G', cpus: 2 }, { memoryPerCpu: '2G' })).toEqual({ memoryPerCpu: '2G', cpus: 2 });
    expect(withFields({ memoryPerGpu: '1G' }, { memory: '0' })).toEqual({ memory: '0' });
    expect(withFields({ memoryPerGpu: '1G' }, { cpus: 1 })).toEqual({ memoryPerGpu: '1G', cpus: 1 });
  });

  it('ask for GPUs in the words of --gres too', () => {
    const { options } = parse('--gres', 'gpu:a100:4,tmpdisk:9', 'true');
    expect(fieldsFromOptions(options)).toEqual({ gpusPerNode: 4, gpuType: 'a100', gres: 'tmpdisk:9' });
    expect(fieldsFromOptions(parse('--gres', 'gpu', 'true').options)).toEqual({ gpusPerNode: 1 });
    expect(refusal(() => fieldsFromOptions(parse('--gres', 'gpu:a100:many', 'true').options))).toMatch(
      /^--gres: expected an integer, or TYPE:N such as a100:8, got "gpu:a100:many"$/,
    );
  });

  it('make a job as large as the nodes that are named, unless they say how large it is', () => {
    const nodesOf = (job: JobSpecInput, fields: JobSpecInput) => withFields(job, fields).nodes;
    expect(nodesOf({}, { nodelist: ['n1', 'n2', 'n2'] })).toBe(2);
    expect(nodesOf({ nodes: 4 }, { nodelist: ['n1', 'n2'] })).toBe(4);
    expect(nodesOf({ nodes: 4 }, { nodelist: ['n1', 'n2'], nodes: 3 })).toBe(3);
    // What they cannot be together is said of the job, not of a flag beside a file.
    expect(faultInFlags({ nodelist: ['n1', 'n2'] })).toBeNull();
    expect(faultInFlags({ nodelist: ['n1', 'n2'] }, true)?.message).toMatch(/^--nodelist: expected at most/);
  });
});
