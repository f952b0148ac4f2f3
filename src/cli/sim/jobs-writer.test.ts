import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { TwinJob } from '../../twin/types.ts';
import { JobsWriter } from './jobs-writer.ts';

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'orrery-jobs-'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function job(jobId: number, submitMs: number, nodes: number): TwinJob {
  return {
    request: {
      jobId,
      submitMs,
      priority: 0,
      nodes,
      perNode: { cpus: 1, memoryBytes: 1, gpus: 8 },
      gpuType: null,
      exclusive: true,
      timeLimitMs: null,
      excludedNodes: [],
      maxRequeues: 0,
      dependencies: [],
      isHeld: false,
    },
    workMs: 1000,
    outcome: 'COMPLETED',
    cancelAfterMs: null,
    checkpointing: null,
  };
}

const times = { queuedMs: 0, productiveMs: 0, lostMs: 0, overheadMs: 0 };
const allocation = { nodeIndices: [0], gpusPerNode: 8 };

describe('the CSV of jobs', () => {
  it('has a line for every job, ended or not', () => {
    const path = join(folder, 'jobs.csv');
    const writer = new JobsWriter(path, {
      nameOf: ({ request }) => (request.jobId === 4 ? 'a,"b' : `t${request.jobId}`),
    });
    const [ended, cancelled, running, pending] = [job(1, 0, 2), job(2, 1500, 1), job(3, 2000, 4), job(4, 2001, 1)];
    for (const each of [ended, cancelled, running, pending]) writer.jobSubmitted(each);
    writer.attemptStarted(ended, 1, allocation, 0, 1234);
    writer.attemptEnded({ job: ended });
    writer.attemptStarted(running, 1, allocation, 0, 3000);
    writer.attemptEnded({ job: running });
    writer.attemptStarted(running, 2, allocation, 0, 9000);
    writer.jobEnded({ job: ended, endMs: 60_000, state: 'COMPLETED', attempts: 1, startMs: 1234, ...times });
    writer.jobEnded({ job: cancelled, endMs: 2500, state: 'CANCELLED', attempts: 0, startMs: null, ...times });
    writer.close();
    expect(readFileSync(path, 'utf8').split('\n')).toEqual([
      'job,submit_s,start_s,end_s,state,nodes,attempts',
      't1,0,1.234,60,COMPLETED,2,1',
      't2,1.5,,2.5,CANCELLED,1,0',
      't3,2,9,,RUNNING,4,2',
      '"a,""b",2.001,,,PENDING,1,0',
      '',
    ]);
  });

  it('tells times in whole seconds where it is asked to', () => {
    const path = join(folder, 'seconds.csv');
    const writer = new JobsWriter(path, { nameOf: String, isWholeSeconds: true });
    const each = job(1, 1500, 1);
    writer.jobSubmitted(each);
    writer.attemptStarted(each, 1, allocation, 0, 1999);
    writer.jobEnded({ job: each, endMs: 60_999, state: 'COMPLETED', attempts: 1, startMs: 1999, ...times });
    writer.close();
    expect(readFileSync(path, 'utf8').split('\n')[1]?.split(',').slice(1, 4)).toEqual(['1', '1', '60']);
  });

  it('tells times as the trace counts them', () => {
    const path = join(folder, 'ahead.csv');
    const writer = new JobsWriter(path, { nameOf: String, aheadMs: 1_767_225_600_000 });
    const each = job(1, 1500, 1);
    writer.jobSubmitted(each);
    writer.attemptStarted(each, 1, allocation, 0, 1999);
    writer.close();
    expect(readFileSync(path, 'utf8').split('\n')[1]?.split(',').slice(1, 4)).toEqual([
      '1767225601.5',
      '1767225601.999',
      '',
    ]);
  });

  it('holds more than one piece of the buffer', () => {
    const path = join(folder, 'many.csv');
    const writer = new JobsWriter(path, { nameOf: ({ request }) => String(request.jobId) });
    for (let index = 1; index <= 20_000; index++) {
      const each = job(index, index, 1);
      writer.jobSubmitted(each);
      writer.attemptStarted(each, 1, allocation, 0, index);
      writer.jobEnded({ job: each, endMs: 99_000, state: 'COMPLETED', attempts: 1, startMs: index, ...times });
    }
    writer.close();
    const lines = readFileSync(path, 'utf8').trimEnd().split('\n');
    expect(lines.length).toBe(20_001);
    expect(lines.at(-1)).toBe('20000,20,20,99,COMPLETED,1,1');
  });

  it('says where it cannot be written', () => {
    expect(() => new JobsWriter(join(folder, 'none', 'x.csv'), { nameOf: () => '' })).toThrow('jobs-out: cannot write');
  });
});
