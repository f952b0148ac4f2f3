import { execFile, execFileSync, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, readlinkSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';
import { type JobSpecInput, jobSpecSchema } from '../../../contract/job.ts';
import { batchJob } from './batch-script.test-support.ts';
import { NO_ROOM_STATUS } from '../mirror/end-words.ts';
import { environment, runScript, runsOf, withJob } from './script-run.test-support.ts';
import { type BatchJob, batchSubmission } from './batch-script.ts';
import { slurmArrayName } from './job-key.ts';

/** Only those beside the ones that every job has. */
function options(spec: JobSpecInput, fields: Partial<BatchJob> = {}): string[] {
  const common = new Set(batchSubmission(batchJob({ command: ['true'] })).options);
  return batchSubmission(batchJob({ command: ['true'], ...spec }, fields)).options.filter(
    (option) => !common.has(option),
  );
}

describe('what sbatch is called with', () => {
  it('for a gang, as a whole', async () => {
    const gang = batchJob(
      {
        command: ['python3', 'train.py'],
        nodes: 4,
        gpusPerNode: 8,
        gpuType: 'a100',
        cpus: 12,
        memory: '900G',
        time: '1-12:00:00',
        signal: 'USR1@120',
        partition: 'train',
      },
      { base: 2, excludedNodes: ['dgx-007'] },
    );
    const { options: words, script } = batchSubmission(gang);
    await expect(`${words.join('\n')}\n\n${script}`).toMatchFileSnapshot('golden/gang.txt');
  });

  it('for tasks of an array, as a whole', async () => {
    const key = { first: 40, min: 10, step: 5 };
    const array = { key, taskIds: [10, 15, 20, 30], runningMax: 2 };
    const slurmName = slurmArrayName('sweep', '0a1b2c3d', key, 1);
    const fields = { jobId: 40, array, slurmName, jobFolder: '/shared/orrery 100%/jobs/40' };
    const { options: words, script } = batchSubmission(batchJob({ command: ['true'] }, fields));
    const [head = ''] = script.split('# Whoever comes second');
    await expect(`${words.join('\n')}\n\n${head}`).toMatchFileSnapshot('golden/array.txt');
  });

  it('is the same for the same job', () => {
    const job = batchJob({ command: ['true'] });
    expect(batchSubmission(job)).toEqual(batchSubmission(structuredClone(job)));
  });

  it.each<[string, JobSpecInput, string[]]>([
    [
      'an account, a QOS, a partition, a reservation',
      { account: 'research', qos: 'high', partition: 'train', reservation: 'r1' },
      ['--qos=high', '--account=research', '--partition=train', '--reservation=r1'],
    ],
    ['no QOS where the job does not say', { qos: 'normal' }, []],
    [
      'nodes that it has to run on, and leaves out of those to be spared',
      { nodes: 3, nodelist: ['n1', 'n3'] },
      ['--nodes=3', '--nodelist=n1,n3', '--exclude=n2'],
    ],
    ['features of nodes', { constraint: 'a100&nvlink' }, ['--constraint=a100&nvlink']],
    ['all memory of a node', { memory: 0 }, ['--mem=0']],
    ['memory for each CPU', { memoryPerCpu: '1.5G' }, ['--mem-per-cpu=1536M']],
    ['memory for each GPU', { memoryPerGpu: '2G', gpusPerNode: 1 }, ['--mem-per-gpu=2048M', '--gpus-per-node=1']],
    [
      'what else only Slurm knows of',
      { gres: 'tmpdisk:9', licenses: 'matlab:2', switches: '1@60', comment: 'my run' },
      ['--gres=tmpdisk:9', '--licenses=matlab:2', '--switches=1@60', '--comment=my run'],
    ],
    [
      'what is handed on as it is',
      { slurmOptions: ['--mail-type=END', '--contiguous'] },
      ['--mail-type=END', '--contiguous'],
    ],
    ['whole nodes', { exclusive: true }, ['--exclusive']],
    ['nice', { nice: 100 }, ['--nice=100']],
    ['memory in whole MiB, rounded up', { memory: '1.5K' }, ['--mem=1M']],
    ['a time limit that is rounded up to seconds', { time: '1.5s' }, ['--time=0-00:00:02']],
    ['days', { time: '9-01:02:03' }, ['--time=9-01:02:03']],
    ['GPUs of any type', { gpusPerNode: 2 }, ['--ntasks-per-node=2', '--gpus-per-node=2']],
  ])('says %s', (_what, spec, expected) => {
    const excludedNodes = spec.nodelist === undefined ? [] : ['n2', 'n3'];
    expect(options({ command: ['true'], ...spec }, { excludedNodes })).toEqual(expected);
  });

  it('leaves CPUs and memory to Slurm where the job does not say', () => {
    const { options: words, script } = batchSubmission(
      batchJob({ command: ['true'], gpusPerNode: 8, exclusive: true }),
    );
    expect(words.filter((word) => /^--(?:mem|cpus)/.test(word))).toEqual([]);
    expect(script).toContain("\ncpus_per_task=''\n");
  });

  it('says what follows from other jobs and nodes', () => {
    const fields = { isHeld: true, dependency: 'afterok:7,afterany:9', excludedNodes: ['n1', 'n2'] };
    expect(options({ command: ['true'] }, fields)).toEqual([
      '--hold',
      '--exclude=n1,n2',
      '--dependency=afterok:7,afterany:9',
      '--kill-on-invalid-dep=no',
    ]);
  });

  it('keeps words of users in one argument, and out of the script', () => {
    const odd = '$(touch /tmp/x); `id` "a" \'b\'';
    const { options: words, script } = batchSubmission(
      batchJob({ command: [odd], env: { A: odd }, partition: odd, account: odd }),
    );
    expect(words).toContain(`--partition=${odd}`);
    expect(script).not.toContain('touch');
  });

  it('survives folders with blanks, quotes and percent signs', () => {
    const { options: words, script } = batchSubmission(
      batchJob({ command: ['true'] }, { jobFolder: "/s h/it's 100%/12" }),
    );
    expect(words).toContain("--output=/s h/it's 100%%/12/batch.log");
    expect(script).toContain(`job='/s h/it'\\''s 100%/12'`);
    expect(script).toContain(`folder_pattern='/s h/it'\\''s 100%%/12/attempts'`);
  });

  it('names the jobs before it by their own ids', () => {
    const predecessors = [
      { condition: 'afterok', jobId: 7, nodes: 1 },
      { condition: 'afterany', jobId: 9, nodes: 4 },
    ] as const;
    const { script } = batchSubmission(batchJob({ command: ['true'] }, { predecessors }));
    expect(script).toContain(`\npredecessors='afterok:7:1 afterany:9:4'\n`);
  });

  it('is a script that a POSIX shell reads', () => {
    const { script } = batchSubmission(batchJob({ command: ['true'] }));
    expect(spawnSync('/bin/sh', ['-n'], { input: script, encoding: 'utf8' })).toMatchObject({ status: 0, stderr: '' });
    execFileSync('/bin/sh', ['-n', join(import.meta.dirname, 'slurm-rank.sh')]);
  });
});

describe('the claim of the batch script', () => {
  it('is taken once: by one job of Slurm, once an attempt', () => {
    return withJob((folder) => {
      expect(runScript(folder, {}, { SLURM_JOB_ID: '50' })).toBe(0);
      expect(runScript(folder, {}, { SLURM_JOB_ID: '51' })).toBe(73);
      expect(runScript(folder, {}, { SLURM_JOB_ID: '50' })).toBe(73);
      expect(runScript(folder, {}, { SLURM_JOB_ID: '51', SLURM_RESTART_COUNT: '1' })).toBe(73);
      expect(runsOf(folder)).toBe(1);
    });
  });

  it('is refused after an attempt that ended by itself, and not after one that was told to end', () => {
    return withJob((folder) => {
      expect(runScript(folder, { tasks: 'touch "$attempt_folder/begun"; exit 4' }, { SLURM_JOB_ID: '50' })).toBe(4);
      expect(runScript(folder, {}, { SLURM_JOB_ID: '50', SLURM_RESTART_COUNT: '1' })).toBe(4);
      expect(runsOf(folder)).toBe(1);
      writeFileSync(join(folder, 'job', 'attempts', '1', 'exit'), '143 TERM\n');
      expect(runScript(folder, {}, { SLURM_JOB_ID: '50', SLURM_RESTART_COUNT: '1' })).toBe(0);
      expect(runsOf(folder)).toBe(2);
    });
  });

  it('is given back where srun began no task', () => {
    return withJob((folder) => {
      expect(runScript(folder, { tasks: 'exit 1' }, { SLURM_JOB_ID: '50' })).toBe(75);
      expect(runScript(folder, {}, { SLURM_JOB_ID: '50' })).toBe(0);
    });
  });

  it('is refused to a submission that another has taken the place of', () => {
    return withJob((folder) => {
      writeFileSync(join(folder, 'job', 'submission'), '2\n');
      expect(runScript(folder, {}, { SLURM_JOB_ID: '50' })).toBe(73);
      expect(runScript(folder, { submission: 2 }, { SLURM_JOB_ID: '51' })).toBe(0);
    });
  });

  it.each([
    // As SLURM_JOB_CPUS_PER_NODE says them: of 2 ranks on each of the nodes.
    ['8', {}, 4],
    ['40(x2),36', {}, 18],
    ['9,112(x31)', {}, 4],
    ['1', {}, 1],
    ['8', { cpus: 3 }, 3],
  ])('has srun share %s CPUs among the ranks of a job that says %j: %i each', (given, spec, expected) => {
    return withJob((folder) => {
      const tasks = `for word; do case $word in --cpus-per-task=*) echo "\${word#*=}" > '${folder}/cpus' ;; esac; done`;
      const job = { tasks, spec: { command: ['true'], tasksPerNode: 2, ...spec } };
      runScript(folder, job, { SLURM_JOB_ID: '50', SLURM_JOB_CPUS_PER_NODE: given });
      expect(readFileSync(join(folder, 'cpus'), 'utf8')).toBe(`${expected}\n`);
    });
  });

  it.each<[name: string, rankErr: string, srunErr: string, expected: string]>([
    [
      'accounting killed it',
      'slurmstepd-n1: error: StepId=38.0 exceeded memory limit (261750784 > 209715200), being killed\nslurmstepd-n1: error: *** STEP 38.0 ON n1 CANCELLED AT 2026-11-27T00:23:26 ***\n',
      'srun: error: n1: task 0: Killed\n',
      'slurmstepd-n1: error: StepId=38.0 exceeded memory limit (261750784 > 209715200), being killed\n',
    ],
    [
      'the kernel killed it',
      'slurmstepd: error: Detected 1 oom_kill event in StepId=38.0. Some of the step tasks have been OOM Killed.\n',
      'srun: error: n1: task 0: Out Of Memory\n',
      'slurmstepd: error: Detected 1 oom_kill event in StepId=38.0. Some of the step tasks have been OOM Killed.\n',
    ],
    [
      'the kernel killed it, by an older Slurm',
      'slurmstepd: error: Detected 2 oom-kill event(s) in StepId=38.0 cgroup. Some of your processes may have been killed by the cgroup out-of-memory handler.\n',
      'srun: error: n1: task 0: Exited with exit code 1\n',
      'slurmstepd: error: Detected 2 oom-kill event(s) in StepId=38.0 cgroup. Some of your processes may have been killed by the cgroup out-of-memory handler.\n',
    ],
    [
      'it had been near its limit once',
      'slurmstepd: error: Exceeded step memory limit at some point.\n',
      'srun: error: n1: task 0: Exited with exit code 1\n',
      '',
    ],
    [
      'the program speaks of memory',
      'torch.cuda.OutOfMemoryError: CUDA out of memory\nsaw slurmstepd: error: Detected 1 oom_kill event in StepId=9.0\n',
      'srun: error: n1: task 0: Exited with exit code 1\n',
      '',
    ],
  ])('keeps what Slurm says where %s', (_name, rankErr, srunErr, expected) => {
    return withJob((folder) => {
      writeFileSync(join(folder, 'rank.err'), `${'a long trace\n'.repeat(2000)}${rankErr}`);
      writeFileSync(join(folder, 'srun.err'), srunErr);
      const tasks = `touch "$attempt_folder/begun"; cat '${folder}/srun.err' >&2
cp '${folder}/rank.err' "$attempt_folder/rank-0.err"; exit 137`;
      expect(runScript(folder, { tasks }, { SLURM_JOB_ID: '50' })).toBe(137);
      expect(readFileSync(join(folder, 'job', 'attempts', '1', 'exit'), 'utf8')).toBe('137\n');
      expect(readFileSync(join(folder, 'job', 'attempts', '1', 'memory'), 'utf8')).toBe(expected);
    });
  });

  it.each([
    ['of the rank that ran out of memory, where srun tells of one that it asked to end for that', true, '137'],
    ['of a rank that was asked to end', false, '143 TERM'],
  ])('has the end %s', (_name, isOut, exit) => {
    return withJob((folder) => {
      const words = isOut ? 'slurmstepd-n1: error: StepId=38.0 exceeded memory limit (2 > 1), being killed' : '';
      const tasks = `touch "$attempt_folder/begun"; echo '${words}' > "$attempt_folder/rank-1.err"; exit 143`;
      runScript(folder, { tasks }, { SLURM_JOB_ID: '50' });
      expect(readFileSync(join(folder, 'job', 'attempts', '1', 'exit'), 'utf8')).toBe(`${exit}\n`);
    });
  });

  it('writes its end in room that it took before its tasks began: a disk that is full by then does not keep its nodes', () => {
    return withJob((folder) => {
      const tasks = `touch "$attempt_folder/begun"; ln "$attempt_folder/exit.tmp" '${folder}/room'; wc -c < '${folder}/room' > '${folder}/size'; exit 3`;
      expect(runScript(folder, { tasks }, { SLURM_JOB_ID: '50' })).toBe(3);
      expect(readFileSync(join(folder, 'size'), 'utf8').trim()).toBe('1');
      expect(readFileSync(join(folder, 'room'), 'utf8')).toBe('3\n');
      expect(readFileSync(join(folder, 'job', 'attempts', '1', 'exit'), 'utf8')).toBe('3\n');
    });
  });

  it('begins nothing where the folder of the job takes no claim, and does not say that another has it', () => {
    return withJob((folder) => {
      writeFileSync(join(folder, 'job', 'owners'), '');
      expect(runScript(folder, {}, { SLURM_JOB_ID: '50' })).toBe(NO_ROOM_STATUS);
      expect(existsSync(join(folder, 'runs'))).toBe(false);
    });
  });

  it('begins nothing where the claim is taken and there is no room for its end, and leaves the attempt to whoever comes next', () => {
    return withJob((folder) => {
      const attempt = join(folder, 'job', 'attempts', '1');
      mkdirSync(attempt, { recursive: true });
      // A link lies in the directory, and is made on a disk that has no block left for what is in a file.
      symlinkSync('/dev/full', join(attempt, 'exit.tmp'));
      const tasks = `rm -f "$attempt_folder/exit.tmp"`;
      expect(runScript(folder, { tasks }, { SLURM_JOB_ID: '50' })).toBe(NO_ROOM_STATUS);
      expect(existsSync(join(folder, 'runs'))).toBe(false);
      rmSync(join(attempt, 'exit.tmp'));
      expect(runScript(folder, {}, { SLURM_JOB_ID: '50' })).toBe(0);
    });
  });

  it('asks its own cluster, whatever a file of the login shell names', () => {
    return withJob((folder) => {
      const tasks = `echo "\${SLURM_CLUSTERS-none}" > '${folder}/clusters'`;
      runScript(folder, { tasks }, { SLURM_JOB_ID: '50', SLURM_CLUSTERS: 'other' });
      expect(readFileSync(join(folder, 'clusters'), 'utf8')).toBe('none\n');
    });
  });

  it('is of the job that is the task of the array', () => {
    return withJob((folder) => {
      const array = { key: { first: 40, min: 10, step: 5 }, taskIds: [10, 15, 20], runningMax: null };
      const jobFolder = join(folder, 'jobs', '40');
      for (const id of ['41', '42']) {
        mkdirSync(join(folder, 'jobs', id), { recursive: true });
        writeFileSync(join(folder, 'jobs', id, 'submission'), '1\n');
      }
      const run = (taskId: string, slurmJobId: string) =>
        runScript(folder, { jobFolder, array }, { SLURM_JOB_ID: slurmJobId, SLURM_ARRAY_TASK_ID: taskId });
      expect(run('15', '51')).toBe(0);
      expect(run('15', '52')).toBe(73);
      expect(run('20', '50')).toBe(0);
      expect(run('10', '53')).toBe(74);
      expect(['41', '42'].map((id) => readlinkSync(join(folder, 'jobs', id, 'owners', '1')))).toEqual(['51', '50']);
    });
  });

  it('needs the folder of jobs', () => {
    return withJob((folder) => {
      expect(runScript(folder, { jobFolder: join(folder, 'nowhere') }, { SLURM_JOB_ID: '50' })).toBe(74);
    });
  });

  it('is taken by exactly one of many at once', () => {
    return withJob(async (folder) => {
      writeFileSync(join(folder, 'srun'), '#!/bin/sh\nexit 0\n', { mode: 0o755 });
      const { script } = batchSubmission(batchJob({ command: ['true'] }, { jobFolder: join(folder, 'job') }));
      writeFileSync(join(folder, 'batch.sh'), script);
      const outcomes = await Promise.allSettled(
        Array.from({ length: 12 }, (_, index) => {
          const env = environment(folder, { SLURM_JOB_ID: String(50 + index) });
          return promisify(execFile)('/bin/sh', [join(folder, 'batch.sh')], { env });
        }),
      );
      expect(outcomes.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
    });
  });

  it('asks Pyxis for the image of a container where Slurm has it, and names Apptainer to the ranks elsewhere', () => {
    return withJob((folder) => {
      const image = 'nvcr.io#nvidia/pytorch:22.01-py3';
      const work = join(folder, 'my work');
      writeFileSync(join(folder, 'job', 'job.sh'), `work_folder='${work}'\n`);
      const callOf = (help: string, attempt: number) => {
        const srun = [
          '#!/bin/sh',
          `[ "$1" != --help ] || { echo '${help}'; exit 0; }`,
          `printf '<%s>' "$@" > '${folder}/call'`,
          '',
        ];
        writeFileSync(join(folder, 'srun'), srun.join('\n'), { mode: 0o755 });
        writeFileSync(join(folder, 'job', 'submission'), `${attempt}\n`);
        const spec = jobSpecSchema.parse({ command: ['true'], image });
        const job = batchJob(spec, { jobFolder: join(folder, 'job'), submission: attempt, base: attempt - 1 });
        const env = environment(folder, { SLURM_JOB_ID: String(50 + attempt) });
        spawnSync('/bin/sh', [], { input: batchSubmission(job).script, env, stdio: ['pipe', 'ignore', 'ignore'] });
        return readFileSync(join(folder, 'call'), 'utf8');
      };
      const withPyxis = callOf('--container-image=[USER@][REGISTRY#]IMAGE[:TAG]|PATH', 1);
      expect(withPyxis).toContain(
        `<--container-image=${image}><--container-mounts=${folder}/job,/shared/orrery/slurm,${work}><--export=ALL>`,
      );
      expect(withPyxis).toMatch(/<>$/);
      const without = callOf('--contiguous', 2);
      expect(without).not.toContain('container-image');
      expect(without).toMatch(/<apptainer>$/);
    });
  });

  it('has Apptainer run a rank in the image, with the folders it needs', () => {
    return withJob((folder) => {
      const job = join(folder, 'job');
      writeFileSync(join(folder, 'apptainer'), '#!/bin/sh\nprintf "<%s>" "$@"\n', { mode: 0o755 });
      const text = `export PATH='${folder}':/usr/bin:/bin\nwork_folder='${folder}'\nimage='a b.sif'\nset -- python3 'train it.py'\n`;
      writeFileSync(join(job, 'job.sh'), text);
      const script = join(import.meta.dirname, 'slurm-rank.sh');
      const env = {
        PATH: '/usr/bin:/bin',
        SLURM_NTASKS: '1',
        SLURM_STEP_NUM_NODES: '1',
        SLURM_PROCID: '0',
        SLURM_LOCALID: '0',
        SLURM_NODEID: '0',
      };
      const { stdout, status } = spawnSync('/bin/sh', [script, job, job, '1', 'localhost', '20000', 'apptainer'], {
        env,
        encoding: 'utf8',
      });
      expect(stdout).toBe(`<exec><--bind><${job},${folder}><--pwd><${folder}><a b.sif><python3><train it.py>`);
      expect(status).toBe(0);
    });
  });
});
