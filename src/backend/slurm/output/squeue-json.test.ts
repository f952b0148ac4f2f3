import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { isEnded, isPending, shellStatus } from './slurm-job.ts';
import { slurmJobs, squeueRows } from './squeue-json.ts';

const read = (name: string) => readFileSync(join(import.meta.dirname, 'fixtures', name), 'utf8');
const byId = (name: string) => new Map(slurmJobs(squeueRows(read(name))).map((job) => [job.slurmJobId, job]));

describe('squeue --json', () => {
  it('of 22.05: what runs, where, with which GPUs', () => {
    const job = byId('squeue-22.05.json').get(1);
    expect(job).toMatchObject({
      name: 'run ning',
      state: 'RUNNING',
      nodeNames: ['dev1', 'dev2'],
      cpus: 4,
      gpuIndices: [
        [0, 1],
        [0, 1],
      ],
      memoryBytesPerNode: 100 * 1024 ** 2,
      startMs: 1_795_709_896_000,
      restarts: 0,
      arrayJobId: null,
    });
  });

  it('of 22.05: what waits, what is held, what is a task of an array', () => {
    const jobs = byId('squeue-22.05.json');
    expect(jobs.get(4)).toMatchObject({
      state: 'PENDING',
      reason: 'JobHeldUser',
      priority: 0,
      nodeNames: [],
      startMs: null,
    });
    expect(jobs.get(6)).toMatchObject({ reason: 'Dependency', dependency: 'afterok:1(unfulfilled)' });
    expect(jobs.get(3)).toMatchObject({ arrayJobId: 3, arrayTaskId: null, arrayTasks: '3-9%3' });
    expect(jobs.get(8)).toMatchObject({ arrayJobId: 3, arrayTaskId: 0, state: 'RUNNING' });
  });

  it('of 22.05 calls it Resources where nodes are out of service, and says so besides', () => {
    const document: { jobs: object[] } = JSON.parse(read('squeue-22.05.json'));
    const described = (state_description: string) => {
      const jobs = document.jobs.map((row) => ({ ...row, state_reason: 'Resources', state_description }));
      return slurmJobs(squeueRows(JSON.stringify({ jobs })))[0]?.reason;
    };
    const words = 'Nodes required for job are DOWN, DRAINED or reserved for jobs in higher priority partitions';
    expect(described(words)).toBe('ReqNodeNotAvail');
    expect(described('')).toBe('Resources');
  });

  it('of 22.05 says how a job ended as wait(2) does', () => {
    const jobs = byId('squeue-22.05.json');
    expect(jobs.get(5)).toMatchObject({ state: 'FAILED', exitStatus: { code: 3, signal: 0 } });
    expect(shellStatus(jobs.get(7)?.exitStatus ?? { code: 0, signal: 0 })).toBe(137);
  });

  it('of 23.11 has numbers with "set", states in lists, exit codes spelt out', () => {
    const jobs = byId('squeue-23.11.json');
    expect(jobs.get(101)).toMatchObject({
      state: 'RUNNING',
      restarts: 1,
      nodeNames: ['gpu-001', 'gpu-002'],
      gpuIndices: [
        [0, 3],
        [4, 5],
      ],
      cpus: 16,
    });
    expect(jobs.get(102)).toMatchObject({
      state: 'PENDING',
      reason: 'Priority',
      arrayTaskId: null,
      startMs: 1_795_719_900_000,
    });
    expect(jobs.get(103)).toMatchObject({ state: 'COMPLETED', isCompleting: true });
    expect(jobs.get(104)?.exitStatus).toEqual({ code: 0, signal: 9 });
    expect(jobs.get(105)?.exitStatus).toEqual({ code: 3, signal: 0 });
    expect(jobs.get(107)).toMatchObject({ arrayJobId: 106, arrayTaskId: 4 });
    expect([...jobs.values()].filter(isPending).map(({ slurmJobId }) => slurmJobId)).toEqual([102]);
    expect([...jobs.values()].filter(isEnded).map(({ slurmJobId }) => slurmJobId)).toEqual([104, 105]);
  });

  it('of 23.02 has exit codes as wait(2) does, in numbers with "set"', () => {
    const statusOf = (exitCode: unknown) => {
      const row = { job_id: 1, job_state: 'FAILED', exit_code: exitCode, start_time: 1_701_983_394, restart_cnt: 0 };
      return slurmJobs([row])[0]?.exitStatus;
    };
    expect(statusOf({ set: true, infinite: false, number: 75 * 256 })).toEqual({ code: 75, signal: 0 });
    expect(statusOf({ set: true, infinite: false, number: 9 })).toEqual({ code: 0, signal: 9 });
    expect(statusOf({ set: false, infinite: false, number: 0 })).toEqual({ code: 0, signal: 0 });
  });

  it('tells a job whose nodes are being started from one that runs, where that is said beside its state', () => {
    const rows = ['CONFIGURING', ['CONFIGURING'], ['RUNNING', 'CONFIGURING']].map((state) => ({
      job_id: 1,
      job_state: state,
    }));
    expect(slurmJobs(rows).map(({ state }) => state)).toEqual(['CONFIGURING', 'CONFIGURING', 'CONFIGURING']);
  });

  it('reads only the jobs that are wanted, and fails where one of them is not understood', () => {
    const text = JSON.stringify({ jobs: [{ name: 'ours', job_id: 1, job_state: 5 }, { name: 'theirs' }] });
    expect(slurmJobs(squeueRows(text), (name) => name === 'nobody')).toEqual([]);
    expect(() => slurmJobs(squeueRows(text), (name) => name === 'ours')).toThrow('job field job_state');
    expect(() => squeueRows('slurm_load_jobs error')).toThrow('not JSON');
  });

  it('does not take a slurmctld that does not answer for one that has no jobs', () => {
    expect(() => squeueRows(read('squeue-22.05-unanswered.json'))).toThrow(
      'squeue: slurm_load_jobs: Failed while looking for jobs: Unspecified error: jobs run on and are caught up with once it answers',
    );
    expect(() => squeueRows('{"jobs": [], "errors": [], "warnings": []}')).not.toThrow();
    const error = { description: 'Unable to find it', error: 'Unspecified error', source: 'dump' };
    expect(squeueRows(JSON.stringify({ jobs: [{ job_id: 7 }], errors: [error] }))).toEqual([{ job_id: 7 }]);
  });
});
