import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { toJobRequest } from '../../../contract/job-request.ts';
import { type JobSpec, jobSpecSchema } from '../../../contract/job.ts';
import { slurm } from '../mirror/mirror.test-support.ts';
import type { SlurmPartition } from '../output/scontrol-text.ts';
import type { SlurmJob } from '../output/slurm-job.ts';
import type { SlurmProgram } from '../slurm-commands.ts';
import { parseAssociationManager } from './association-manager.ts';
import { limitReason } from './limit-reason.ts';
import { explainLimit, parseRunning } from './limit-table.ts';
import { limitedSubmission } from './limited-submission.ts';

const RECORDED = readFileSync(
  join(import.meta.dirname, '..', 'output', 'fixtures', 'limits', 'assoc-mgr-22.05.txt'),
  'utf8',
);
const RUNNING = [
  '66|opsann|vision|short|gpu|29:56|cpu=1,mem=64M,node=1,billing=1,gres/gpu=1|',
  '67|opsann|vision|short|gpu|1-00:29:56|cpu=1,mem=64M,node=1,billing=1,gres/gpu=2|',
  '68|opscat|other|normal|gpu|UNLIMITED|cpu=1,mem=64M,node=1,billing=1,gres/gpu=4|',
].join('\n');
const PARTITIONS: SlurmPartition[] = ['gpu', 'all'].map((name) => ({
  name,
  isDefault: name === 'gpu',
  isUp: true,
  nodeNames: [],
  priorityTier: 1,
  maxTimeSeconds: null,
  defaultTimeSeconds: null,
  qos: name === 'all' ? 'partqos' : null,
}));

const OWN = { user: 'opsann', account: 'vision', qos: 'short', partition: 'gpu' };

/** Sentences about a job of opsann's; `changed` is what the manager says otherwise than as recorded. */
function explain(fields: Partial<SlurmJob>, changed: readonly [string, string] = ['', '']): Promise<string[] | null> {
  const run = (program: SlurmProgram, args: readonly string[]) => {
    if (program === 'squeue') return Promise.resolve(RUNNING);
    expect(args).toContain('users=opsann');
    expect(RECORDED).toContain(changed[0]);
    return Promise.resolve(RECORDED.replace(...changed));
  };
  const tres = 'cpu=1,mem=64M,node=1,billing=1,gres/gpu=2';
  return explainLimit(slurm({ ...OWN, slurmJobId: 70, tres, timeLimitMs: 3_600_000, ...fields }), { run }, PARTITIONS);
}

describe('the limit that keeps a job from starting', () => {
  it('is one of a QOS, for all its jobs', async () => {
    expect(await explain({ reason: 'QOSGrpGRES' })).toEqual([
      'QOS short has 4 GPUs for all its jobs (GrpTRES=gres/gpu=4): 3 GPUs in use, and this job asks for 2 GPUs.',
      'It is in use by 67 (opsann, 2 GPUs, 1-00:29:56 left), 66 (opsann, 1 GPU, 00:29:56 left).',
      'It starts when 1 GPU of these is free again. A job for 1 GPU at most would not wait for this.',
    ]);
  });

  it.each<[string, Partial<SlurmJob>, string, RegExp]>([
    [
      'QOSMaxGRESPerUser',
      {},
      'QOS short gives one user 3 GPUs at a time (MaxTRESPU=gres/gpu=3): opsann has 3 GPUs, and this job asks for 2 GPUs.',
      /^It starts when 2 GPUs of these are free again\.$/,
    ],
    [
      'QOSMaxGRESPerUser',
      { tres: 'cpu=8,gres/gpu=8' },
      'QOS short gives one user 3 GPUs at a time (MaxTRESPU=gres/gpu=3): opsann has 3 GPUs, and this job asks for 8 GPUs.',
      /^It never starts like this: ask for 3 GPUs at most/,
    ],
    [
      'QOSMaxJobsPerUserLimit',
      {},
      'QOS short lets one user run 2 jobs at a time (MaxJobsPU=2): opsann runs 2.',
      /one of them has ended/,
    ],
    [
      'QOSMaxSubmitJobPerUserLimit',
      {},
      'QOS short lets one user have 4 jobs waiting or running (MaxSubmitPU=4): opsann has 2.',
      /taken when one of them/,
    ],
    [
      'MaxGRESPerAccount',
      {},
      'QOS short gives one account 4 GPUs at a time (MaxTRESPA=gres/gpu=4): account vision has 3 GPUs, and this job asks for 2 GPUs.',
      /^It starts when 1 GPU of these is free again\. A job for 1 GPU at most/,
    ],
    ['QOSGrpJobsLimit', {}, 'QOS short lets 5 jobs run at a time (GrpJobs=5): 2 run.', /one of them has ended/],
    [
      'QOSGrpWallLimit',
      {},
      'QOS short has 4-20:40:00 for all its jobs (GrpWall=4-20:40:00): 00:03:51 are used up, and this job asks for 01:00:00.',
      /operator allows more/,
    ],
    [
      'QOSGrpCPUMinutesLimit',
      {},
      'QOS short has 9000 CPU minutes for all its jobs (GrpTRESMins=cpu=9000): 5 CPU minutes are used up, and this job asks for 60 CPU minutes.',
      /operator allows more/,
    ],
    [
      'QOSGrpCPURunMinutesLimit',
      {},
      'QOS short lets what runs have 8000 CPU minutes ahead of it by its time limits (GrpTRESRunMins=cpu=8000): it has 60 CPU minutes, and this job asks for 60 CPU minutes.',
      /shorter --time/,
    ],
    [
      'QOSMaxGRESPerJob',
      { tres: 'gres/gpu=4' },
      'QOS short gives one job 2 GPUs at most (MaxTRES=gres/gpu=2): this job asks for 4 GPUs.',
      /^It never starts like this: ask for less/,
    ],
    [
      'QOSMaxMemoryPerJob',
      { tres: 'mem=2G' },
      'QOS short gives one job 1000M of memory at most (MaxTRES=mem=1000M): this job asks for 2G of memory.',
      /never starts/,
    ],
    [
      'QOSMaxCpuPerNode',
      { tres: 'cpu=16,node=2' },
      'QOS short gives one job 4 CPUs at most on a node (MaxTRESPerNode=cpu=4): this job asks for 8 CPUs.',
      /never starts/,
    ],
    [
      'QOSMaxWallDurationPerJobLimit',
      { timeLimitMs: 172_800_000 },
      'QOS short lets no job run longer than 1-00:00:00 (MaxWall=1-00:00:00): the time limit of this one is 2-00:00:00.',
      /scontrol update JobId=70 TimeLimit=1-00:00:00/,
    ],
    [
      'QOSMinCpuNotSatisfied',
      { tres: 'cpu=0' },
      'QOS short takes no job with less than 1 CPU (MinTRES=cpu=1): this job asks for 0 CPUs.',
      /ask for more/,
    ],
    [
      'AssocMaxJobsLimit',
      {},
      'Account vision lets opsann run 3 jobs at a time (MaxJobs=3): opsann runs 2.',
      /one of them has ended/,
    ],
    [
      'AssocMaxWallDurationPerJobLimit',
      { timeLimitMs: 86_400_000 },
      'Account vision lets no job run longer than 12:00:00 (MaxWall=12:00:00): the time limit of this one is 1-00:00:00.',
      /TimeLimit=12:00:00/,
    ],
  ])('is told of %s', async (reason, fields, first, last) => {
    const sentences = await explain({ reason, ...fields });
    expect(sentences?.[0]).toBe(first);
    expect(sentences?.at(-1)).toMatch(last);
  });

  it('is one of the account above, of which another account has the rest', async () => {
    const sentences = await explain({ reason: 'AssocGrpGRES', tres: 'gres/gpu=5' });
    expect(sentences?.[0]).toBe(
      'Account research, above vision, has 6 GPUs for all its jobs (GrpTRES=gres/gpu=6): 3 GPUs in use, and this job asks for 5 GPUs.',
    );
    expect(sentences?.[1]).toMatch(/^It is in use by 67 .*66 /);
  });

  it("is the partition's QOS where that has it, and not the job's", async () => {
    const fields = { reason: 'QOSGrpJobsLimit', partition: 'all', qos: 'normal' };
    const set = ['    GrpJobs=N(0) GrpJobsAccrue=N(0) GrpSubmitJobs=N(0) GrpWall=N(0.20)', '    GrpJobs=1(1)'] as const;
    expect((await explain(fields, set))?.[0]).toBe(
      'QOS partqos of its partition lets 1 job run at a time (GrpJobs=1): 1 runs.',
    );
  });

  it('is not known where Slurm tells nothing, or names none', async () => {
    const silent = { run: () => Promise.reject(new Error('denied')) };
    expect(await explainLimit(slurm({ ...OWN, reason: 'QOSGrpGRES' }), silent, PARTITIONS)).toBeNull();
    expect(await explain({ reason: 'Priority' })).toBeNull();
    expect(await explain({ reason: 'QOSGrpGRES', qos: 'unheard' })).toBeNull();
  });
});

describe('what is read', () => {
  it('has limits with their use, of users also as later Slurms name them', () => {
    const { qos, associations } = parseAssociationManager(RECORDED.replace('      1001\n', '      opsann(1001)\n'));
    expect(qos.map(({ name }) => name)).toEqual(['short', 'partqos']);
    expect(qos[0]?.users.get(1001)?.get('MaxTRESPU gres/gpu')).toEqual({ limit: 3, used: 3 });
    expect(qos[0]?.limits.get('GrpTRES mem')).toEqual({ limit: 2000 * 1024 ** 2, used: 128 * 1024 ** 2 });
    expect(associations.map(({ account, user, parent }) => [account, user, parent])).toEqual([
      ['root', '', ''],
      ['research', '', 'root'],
      ['vision', '', 'research'],
      ['vision', 'opsann', ''],
    ]);
    expect(parseAssociationManager('slurm_load_assoc_mgr_info error: Access/permission denied')).toEqual({
      associations: [],
      qos: [],
    });
  });

  it('knows the ids of users, also of root', () => {
    const text = RECORDED.replace('UserName=opsann(1001)', 'UserName=root(0)');
    expect(parseAssociationManager(text).associations.map(({ userId }) => userId)).toEqual([null, null, null, 0]);
  });

  it('leaves out lines of running jobs that are none', () => {
    expect(parseRunning(`x\n${RUNNING}\n|||||||`).map(({ label, leftMs }) => [label, leftMs])).toEqual([
      ['66', 1_796_000],
      ['67', 88_196_000],
      ['68', null],
    ]);
  });

  it('takes reasons for what they are', () => {
    expect(limitReason('QOSMaxNodeMinutesPerJob')).toEqual({
      owner: 'qos',
      scope: 'job',
      counted: 'node',
      minutes: 'used',
    });
    expect(limitReason('MaxMemPerLimit')).toBeNull();
    expect(limitReason('QOSUsageThreshold')).toBeNull();
  });
});

describe('a job that sbatch did not take', () => {
  const spec = jobSpecSchema.parse({ command: ['true'], memory: '16M' });
  const refused = (limit: string, fields: Partial<JobSpec> = {}) => ({
    phase: 'none' as const,
    request: toJobRequest(7, { ...spec, ...fields }, 0),
    hindrance: `sbatch: ${limit}: Batch job submission failed: Job violates accounting/QOS policy`,
  });
  const cluster = { partitions: PARTITIONS, defaultAccount: 'vision', defaultQos: { vision: 'short' } };

  it('is under the limits that Slurm would put it under', () => {
    const reason = 'QOSMaxSubmitJobPerUserLimit';
    expect(limitedSubmission(refused(reason), 'opsann', cluster)).toMatchObject({ ...OWN, reason });
    const asked = { account: 'other', qos: 'long', partition: 'all' };
    expect(limitedSubmission(refused(reason, asked), 'opsann', cluster)).toMatchObject({ ...asked, reason });
    expect(limitedSubmission(refused(reason, { account: 'other' }), 'opsann', cluster)?.qos).toBe('normal');
    // Its association in another partition has another one: no limit is told of a QOS that it may not get.
    expect(limitedSubmission(refused(reason), 'opsann', { ...cluster, defaultQos: { vision: null } })?.qos).toBe('');
    expect(limitedSubmission({ ...refused(reason), hindrance: 'sbatch: no answer' }, 'opsann', cluster)).toBeNull();
  });

  it('is told the limit with its value and its use, as one that Slurm has', async () => {
    const limited = limitedSubmission(refused('QOSMaxSubmitJobPerUserLimit'), 'opsann', cluster);
    if (limited === null) throw new Error('expected a limit');
    const run = (program: SlurmProgram) =>
      Promise.resolve(
        program === 'squeue' ? RUNNING : RECORDED.replaceAll(/MaxSubmitJobsPU=\w*/g, 'MaxSubmitJobsPU=5'),
      );
    expect(await explainLimit(limited, { run }, PARTITIONS)).toEqual([
      expect.stringMatching(
        /^QOS short lets one user have 5 jobs waiting or running \(MaxSubmitPU=5\): opsann has \d+\.$/,
      ),
      'It is taken when one of them has ended.',
    ]);
  });
});
