import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { JobSpecInput } from '../contract/job.ts';
import { parseSbatchScript } from './sbatch-script.ts';

const script = (...lines: string[]) => ['#!/bin/bash', ...lines, 'srun python3 train.py', ''].join('\n');

const parse = (...lines: string[]) => {
  const { spec, warnings } = parseSbatchScript(script(...lines), 'job.sh');
  const { script: _, once, ...fields } = spec;
  expect(once).toBe(true);
  return { fields, warnings };
};

describe('#SBATCH lines become the job', () => {
  it.each<[string, Partial<JobSpecInput>]>([
    ['-J demo -N 2', { name: 'demo', nodes: 2 }],
    ['--job-name="my run" # the third', { name: 'my run' }],
    ['-N4 -c8', { nodes: 4, cpus: 8 }],
    ['--gpus-per-node=8 --mem=64G', { gpusPerNode: 8, memory: '64G' }],
    ['--gres=gpu:4', { gpusPerNode: 4 }],
    ['--gres gpu', { gpusPerNode: 1 }],
    ['-N 2 -G 16', { nodes: 2, gpusPerNode: 8 }],
    ['-N 2 -n 16', { nodes: 2, tasksPerNode: 8 }],
    ['--ntasks-per-node=8 -n 16 -N 2', { nodes: 2, tasksPerNode: 8 }],
    ['-t 1-12:00:00', { time: '1-12:00:00' }],
    ['--time=0', { time: 'UNLIMITED' }],
    ['-q high -A vision', { qos: 'high', account: 'vision' }],
    ['-p debug --reservation=course', { partition: 'debug', reservation: 'course' }],
    ['-a 1-9:2%2', { array: '1-9:2%2' }],
    ['--nice --nice=5', { nice: 5 }],
    ['--nice', { nice: 100 }],
    ['-d afterok:12:13,afterany:14', { after: 'afterok:12:13,afterany:14' }],
    ['--dependency=after:12+5:13?afterok:14', { after: 'after:12+5:13?afterok:14' }],
    ['-d singleton,afternotok:3', { after: 'singleton,afternotok:3' }],
    ['--signal=B:USR1@120', { signal: 'B:USR1@120' }],
    ['--signal=sigusr1@90', { signal: 'SIGUSR1@90' }],
    ['--signal=RB:12@90', { signal: 'B:USR2@90' }],
    ['--export=ALL', { env: {} }],
    ['--export=ALL,SEED=1,HOME,OPTIONS=a=b', { env: { SEED: '1', OPTIONS: 'a=b' } }],
    ['--signal USR2', { signal: 'USR2@60' }],
    ['-b now+2hours', { begin: 'now+2hours' }],
    ['-x n1,n[3-4]', { exclude: ['n1', 'n3', 'n4'] }],
    ['-w n[1-2],n5', { nodelist: ['n1', 'n2', 'n5'], nodes: 3 }],
    ['--nodelist=n1 -N 2 -n 4', { nodelist: ['n1'], nodes: 2, tasksPerNode: 2 }],
    ['-n 4 -w n1,n2', { nodelist: ['n1', 'n2'], nodes: 2, tasksPerNode: 2 }],
    ['-C "a100&nvlink"', { constraint: 'a100&nvlink' }],
    ['--gres=gpu:a100:2', { gpusPerNode: 2, gpuType: 'a100' }],
    ['--gres=gpu:a100', { gpusPerNode: 1, gpuType: 'a100' }],
    ['--gres=tmpdisk:100,gpu:2', { gpusPerNode: 2, gres: 'tmpdisk:100' }],
    ['--gpus-per-node=a100:8', { gpusPerNode: 8, gpuType: 'a100' }],
    ['--mem-per-cpu=4G -c 2', { memoryPerCpu: '4G', cpus: 2 }],
    ['--mem-per-gpu=64G --gres=gpu:1', { memoryPerGpu: '64G', gpusPerNode: 1 }],
    ['--mem=0 --exclusive', { memory: '0', exclusive: true }],
    ['--gpus-per-task=2', { gpusPerNode: 2, tasksPerNode: 1, slurmOptions: ['--gpus-per-task=2'] }],
    [
      '-N 2 -n 8 --gpus-per-task=a100:2',
      { nodes: 2, tasksPerNode: 4, gpusPerNode: 8, gpuType: 'a100', slurmOptions: ['--gpus-per-task=a100:2'] },
    ],
    ['--gpus-per-task=2 --ntasks-per-node=4', { tasksPerNode: 4, gpusPerNode: 8, slurmOptions: ['--gpus-per-task=2'] }],
    [
      '-N 2 -G 16 --gpus-per-task=4',
      { nodes: 2, gpusPerNode: 8, tasksPerNode: 2, slurmOptions: ['--gpus-per-task=4'] },
    ],
    ['--cpus-per-gpu=12 --gpus-per-node=8', { gpusPerNode: 8, cpus: 12 }],
    ['--cpus-per-gpu=12 --gpus-per-node=8 --ntasks-per-node=2', { gpusPerNode: 8, tasksPerNode: 2, cpus: 48 }],
    ['--ntasks-per-gpu=2 --gpus-per-node=4', { gpusPerNode: 4, tasksPerNode: 8 }],
    ['-L matlab:2 --switches=1@60 --comment="my run"', { licenses: 'matlab:2', switches: '1@60', comment: 'my run' }],
    ['--exclusive=user --contiguous', { slurmOptions: ['--exclusive=user', '--contiguous'] }],
    [
      '-m block:cyclic --mail-type=NONE --mail-type=END',
      { slurmOptions: ['--distribution=block:cyclic', '--mail-type=END'] },
    ],
    ['--open-mode=append', {}],
    ['--exclusive -H', { exclusive: true, hold: true }],
    ['--no-requeue', { maxRequeues: 0 }],
    ['--requeue', {}],
    ['-N 1 -N 3', { nodes: 3 }],
  ])('%s', (line, expected) => {
    expect(parse(`#SBATCH ${line}`)).toEqual({ fields: expected, warnings: [] });
  });

  it('up to the first line of the program, and only those', () => {
    const { spec } = parseSbatchScript(
      '#!/bin/sh\n\n# note\n##SBATCH -N 9\n#SBATCH -N 2\necho hi\n#SBATCH -N 3\n',
      'job.sh',
    );
    expect(spec.nodes).toBe(2);
    expect(spec.script).toContain('#SBATCH -N 3');
  });
});

describe('what sbatch knows and is not applied here is said', () => {
  it.each([
    ['-o out.txt', 'job.sh:2:9 --output is not applied: orrery logs shows what each rank writes'],
    ['--chdir=/x', 'job.sh:2:9 --chdir is not applied: a job runs in the folder that it is submitted in, or in a copy'],
    ['-n 4', 'job.sh:2:9 --ntasks=4: all on one node, since --nodes says no more'],
    ['-N 2-4', 'job.sh:2:9 --nodes=2-4: 2 are asked for'],
    ['--export=NONE', 'job.sh:2:9 --export=NONE: the rest of the environment goes along too'],
  ])('%s', (line, warning) => {
    expect(parse(`#SBATCH ${line}`).warnings).toEqual([expect.stringContaining(warning)]);
  });

  it('and that every rank runs a script in which nothing starts ranks', () => {
    const said = (program: string) => {
      const text = `#!/bin/bash\n#SBATCH -N 2 --ntasks-per-node=4\n# srun\n${program}\n`;
      const { spec, warnings } = parseSbatchScript(text, 'job.sh');
      return { once: spec.once, warnings };
    };
    const warnings = [expect.stringMatching(/^job.sh: every rank runs the whole script, since nothing in it starts/)];
    expect(said('python3 train.py')).toEqual({ once: undefined, warnings });
    const gpus = '#!/bin/bash\n#SBATCH --gres=gpu:4\npython3 train.py\n';
    expect(parseSbatchScript(gpus, 'job.sh').warnings).toEqual(warnings);
    for (const launcher of ['x=$(srun hostname)', 'torchrun train.py', 'python3 -m torch.distributed.run a.py']) {
      expect(said(launcher)).toEqual({ once: true, warnings: [] });
    }
  });
});

describe('a script with #SBATCH lines for one task', () => {
  it.each([
    ['', 'python3 train.py', undefined],
    ['#SBATCH --gpus-per-node=8', 'torchrun --nproc-per-node=8 train.py', true],
    ['#SBATCH --signal=B:USR1@60', 'python3 train.py', true],
    ['#SBATCH --signal=USR1@60', 'python3 train.py', undefined],
  ])('%s, %s: runs once, without the variables of a rank: %s', (line, program, once) => {
    const { spec, warnings } = parseSbatchScript(`#!/bin/bash\n#SBATCH -J one\n${line}\n${program}\n`, 'job.sh');
    expect(spec.once).toBe(once);
    expect(warnings).toEqual([]);
  });
});

it('says of what is handed on to Slurm that there is none on this machine', () => {
  const { slurmWarnings } = parseSbatchScript(script('#SBATCH --mail-type=END --gpus-per-task=1'), 'job.sh');
  expect(slurmWarnings).toEqual([
    'job.sh:2:9 --mail-type is not applied on this machine: orrery wait tells when a job has ended',
  ]);
});

describe('a script that cannot be taken as it is', () => {
  it.each([
    ['--nodse=2', 'job.sh:2:9 --nodse=2: not an option of sbatch; did you mean --nodes?'],
    ['-Z 2', 'job.sh:2:9 -Z: not an option of sbatch'],
    ['hetjob', 'job.sh:2:9 hetjob: a heterogeneous job is not taken: submit its parts as jobs, or with sbatch'],
    ['two', 'job.sh:2:9 two: expected an option of sbatch'],
    ['-c 4 --nodes two', 'job.sh:2:14 --nodes: expected an integer > 0, got "two"'],
    ['-N 0', 'job.sh:2:9 --nodes: expected an integer > 0, got 0'],
    ['-t never', 'job.sh:2:9 --time: expected a time > 0'],
    ['--mem=lots', 'job.sh:2:9 --mem: expected memory such as'],
    ['-N', 'job.sh:2:9 --nodes needs a value'],
    ['--hold=yes', 'job.sh:2:9 --hold takes no value'],
    ['-N 3 -n 16', 'job.sh:2:14 --ntasks: expected a multiple of the 3 nodes, got 16'],
    ['--array=10-1', 'job.sh:2:9 --array: expected tasks such as "0-15"'],
    ['--nice=-5', 'job.sh:2:9 --nice: expected an integer > 0, got "-5"'],
    ['-d after:12+0', 'job.sh:2:9 --dependency: expected a delay of 1 to'],
    ['-d afterok:12?afterok:13,after:14', 'job.sh:2:9 --dependency: expected only "," (all have to hold) or only "?"'],
    ['-d expand:12', 'job.sh:2:9 --dependency: expected "afterok:ID'],
    ['-x n[1', 'job.sh:2:9 --exclude: expected a host list'],
    ['-w n[1', 'job.sh:2:9 --nodelist: expected a host list'],
    ['-N 1 -w n1,n2', 'job.sh:2:14 --nodelist: expected at most as many names as nodes are asked for, 1, got 2'],
    ['--mem=1G --mem-per-cpu=1G', 'job.sh:2:18 --mem-per-cpu: expected only one of "memory", "memoryPerCpu" and'],
    ['--mem-per-gpu=1G', 'job.sh:2:9 --mem-per-gpu: expected a job with GPUs'],
    ['--cpus-per-gpu=4', 'job.sh:2:9 --cpus-per-gpu: expected a job with GPUs'],
    ['-G 8 --gpus-per-task=3', 'job.sh:2:14 --gpus-per-task=3: does not divide what a node has evenly, 8 among 3'],
    ['--switches=few', 'job.sh:2:9 --switches: expected a number of switches such as "1"'],
    ['--gres=gpu:a100:many', 'job.sh:2:9 --gres: expected [TYPE:]NUMBER of GPUs, got "gpu:a100:many"'],
    ['-J "open', 'a quote is not closed'],
  ])('%s', (line, message) => {
    expect(() => parse(`#SBATCH ${line}`)).toThrow(message);
  });

  it('has no #! line', () => {
    expect(() => parseSbatchScript('echo hi\n', 'job.sh')).toThrow('job.sh:1:1 expected a script whose first line');
  });
});

describe('a script without #SBATCH lines', () => {
  it('is the program of each rank', () => {
    const text = '#!/bin/bash\npython3 train.py\n';
    expect(parseSbatchScript(text, 'job.sh')).toEqual({ spec: { script: text }, warnings: [], slurmWarnings: [] });
  });

  it('would start ranks of ranks by an srun of its own, and that is said', () => {
    const { warnings } = parseSbatchScript('#!/bin/bash\nsrun python3 train.py\n', 'job.sh');
    expect(warnings).toEqual([
      expect.stringMatching(/^job.sh: every rank runs the whole script.* --once runs it once/),
    ]);
  });
});

it('reads back any job written as options, long or short', () => {
  const count = fc.integer({ min: 1, max: 9999 });
  const word = fc.stringMatching(/^[A-Za-z][\w.-]{0,12}$/);
  const job = fc.record(
    {
      name: fc.oneof(word, fc.stringMatching(/^[a-z ]{1,12}$/)),
      nodes: count,
      cpus: count,
      gpusPerNode: fc.nat(16),
      tasksPerNode: fc.integer({ min: 1, max: 1024 }),
      memory: fc.tuple(count, fc.constantFrom('', 'K', 'M', 'G')).map(([number, unit]) => `${number}${unit}`),
      account: word,
      qos: word,
      hold: fc.constant(true),
    },
    { requiredKeys: [] },
  );
  const flags: Record<string, [string, string | null]> = {
    name: ['--job-name', '-J'],
    nodes: ['--nodes', '-N'],
    cpus: ['--cpus-per-task', '-c'],
    gpusPerNode: ['--gpus-per-node', null],
    tasksPerNode: ['--ntasks-per-node', null],
    memory: ['--mem', null],
    account: ['--account', '-A'],
    qos: ['--qos', '-q'],
    hold: ['--hold', '-H'],
  };
  fc.assert(
    fc.property(job, fc.boolean(), fc.boolean(), (fields, isShort, isOneLine) => {
      const options = Object.entries(fields).map(([field, value]) => {
        const [long, short] = flags[field] ?? ['', null];
        if (value === true) return isShort && short !== null ? short : long;
        return isShort && short !== null ? `${short} "${value}"` : `${long}="${value}"`;
      });
      const lines = isOneLine ? [`#SBATCH ${options.join(' ')}`] : options.map((option) => `#SBATCH ${option}`);
      expect(parse(...lines)).toEqual({ fields, warnings: [] });
    }),
    { numRuns: 500 },
  );
});

it('refuses DOS line breaks, as sbatch does, and says where the first is', () => {
  expect(() => parseSbatchScript('#!/bin/sh\necho a\r\n', 'c.sh')).toThrow(
    "c.sh:2: DOS line breaks (\\r\\n): convert with dos2unix or sed -i 's/\\r$//'",
  );
});
