import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { jobSpecSchema } from '../../contract/job.ts';
import type { AcceptedJob } from '../../contract/journal.ts';
import { toJobRequest } from '../../contract/job-request.ts';
import { type JobFolders, prepareWorkFolder } from '../work-folder.ts';
import { planAttempt, planTasks } from './attempt-plan.ts';

const allocation = (nodeName: string, gpuIndices: number[]) => ({
  nodeName,
  resources: { cpus: 8, memoryBytes: 0, gpus: gpuIndices.length },
  gpuIndices,
});

describe('planTasks', () => {
  it('numbers ranks node by node and gives each its own GPU', () => {
    const tasks = planTasks([allocation('n1', [0, 1]), allocation('n3', [2, 5])], 2, 4);
    expect(
      tasks.map(({ rank, nodeRank, localRank, nodeName, gpuIndices }) => [
        rank,
        nodeRank,
        localRank,
        nodeName,
        gpuIndices,
      ]),
    ).toEqual([
      [0, 0, 0, 'n1', [0]],
      [1, 0, 1, 'n1', [1]],
      [2, 1, 0, 'n3', [2]],
      [3, 1, 1, 'n3', [5]],
    ]);
  });

  it('gives one task all GPUs of its node, and lets more tasks than GPUs share', () => {
    expect(planTasks([allocation('n1', [0, 1, 2, 3])], 1, 1)[0]?.gpuIndices).toEqual([0, 1, 2, 3]);
    expect(planTasks([allocation('n1', [4, 6])], 4, 1).map((task) => task.gpuIndices)).toEqual([[4], [4], [6], [6]]);
    expect(planTasks([allocation('n1', [])], 2, 1).map((task) => task.gpuIndices)).toEqual([[], []]);
  });
});

describe('the work folder', () => {
  let home: string;
  let folders: JobFolders;

  beforeEach(() => {
    home = mkdtempSync(join(tmpdir(), 'orrery-plan-'));
    folders = { job: (id) => join(home, 'jobs', String(id)), snapshot: (digest) => join(home, 'snapshots', digest) };
  });

  afterEach(() => rmSync(home, { recursive: true, force: true }));

  function plan(code: AcceptedJob['code'], secrets: Record<string, string> = {}) {
    const spec = jobSpecSchema.parse({ command: ['python3', 'train.py'], env: { A: 'job' } });
    const accepted: AcceptedJob = { spec, environment: { A: 'shell', B: 'shell' }, code };
    const job = { accepted, request: toJobRequest(4, spec, 0) };
    const limits = { killWaitMs: 1, logBytesMax: 1 };
    return { accepted, plan: planAttempt(job, 2, [allocation('n1', [])], secrets, folders, limits) };
  }

  it('is a copy of the snapshot, made once: later attempts find what earlier ones wrote', async () => {
    const digest = 'a'.repeat(64);
    mkdirSync(folders.snapshot(digest), { recursive: true });
    writeFileSync(join(folders.snapshot(digest), 'train.py'), 'as submitted');
    const first = plan({ submitFolder: home, snapshot: digest, gitCommit: 'c0ffee' });
    await prepareWorkFolder(first.plan, first.accepted, folders);
    writeFileSync(join(first.plan.workFolder, 'written.txt'), 'by attempt 1');
    await prepareWorkFolder(first.plan, first.accepted, folders);
    expect(readFileSync(join(first.plan.workFolder, 'train.py'), 'utf8')).toBe('as submitted');
    expect(readFileSync(join(first.plan.workFolder, 'written.txt'), 'utf8')).toBe('by attempt 1');
    expect(first.plan.attemptFolder).toBe(join(home, 'jobs', '4', 'attempts', '2'));
    expect(first.plan.environment['ORRERY_GIT_COMMIT']).toBe('c0ffee');
  });

  it('is the submit folder itself for a job that runs in place, and its absence is said', async () => {
    const gone = plan({ submitFolder: join(home, 'gone'), snapshot: null, gitCommit: null });
    expect(gone.plan.workFolder).toBe(join(home, 'gone'));
    await expect(prepareWorkFolder(gone.plan, gone.accepted, folders)).rejects.toThrow(/is gone: .*gone$/);
  });

  it("puts the job's own environment over the shell's, and secrets over both", () => {
    const { environment } = plan(null, { B: 'secret' }).plan;
    expect(environment).toMatchObject({ A: 'job', B: 'secret' });
  });
});
