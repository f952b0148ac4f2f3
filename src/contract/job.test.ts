import { describe, expect, it } from 'vitest';
import {
  cpusPerTask,
  jobSpecSchema,
  memoryBytesPerNode,
  parseWarningSignal,
  tasksPerNode,
  timeLimitMs,
} from './job.ts';
import { toJobRequest } from './job-request.ts';

const parse = (job: object) => jobSpecSchema.safeParse({ command: ['true'], ...job });

function firstMessage(job: object): string {
  const { error } = parse(job);
  return `${error?.issues[0]?.path.join('.')}: ${error?.issues[0]?.message}`;
}

describe('a job as users write it', () => {
  it('needs nothing but a command', () => {
    const spec = jobSpecSchema.parse({ command: ['true'] });
    expect({
      nodes: spec.nodes,
      cpus: cpusPerTask(spec),
      memory: memoryBytesPerNode(spec),
      limit: timeLimitMs(spec),
    }).toEqual({
      nodes: 1,
      cpus: 1,
      memory: 512 * 1024 ** 2,
      limit: null,
    });
  });

  it.each([
    [{ time: '-5m' }, /^time: expected a time > 0 .*got "-5m"/],
    [{ time: 0 }, /^time: expected a time > 0 .*got "0"/],
    [{ time: [1] }, /^time: expected a time > 0 .*got \[1\]/],
    [{ memory: null }, /^memory: expected memory such as .*got null/],
    [{ env: { A: null } }, /^env.A: expected text, a number, true or false, got null/],
    [{ env: { A: 2 ** 60 } }, /^env.A: expected text: put a number of so many digits in quotes/],
    [{ time: '0' }, /^time: expected a time > 0/],
    [{ memory: 'much' }, /^memory: expected memory such as .*got "much"/],
    [{ time: '4000d' }, /^time: expected a time of at most 10 years/],
    [{ memory: '9999999G' }, /^memory: expected at most 8191T of memory, got "9999999G": too big/],
    [{ signal: 'USR1@65536' }, /^signal: expected at most 65535 seconds/],
    [{ nodes: 0 }, /^nodes: /],
    [{ nodes: 'eight' }, /^nodes: /],
    [{ after: 'afterburstbuffer:1' }, /^after: expected "afterok:ID/],
    [{ signal: 'USR9@10' }, /^signal: expected SIGNAL@SECONDS/],
    [{ env: { 'A-B': '1' } }, /^env.*: /],
    [{ command: [''] }, /^command: expected a program/],
    [{ command: ['a\0b'] }, /^command.0: expected text without NUL/],
    [{ nodelist: ['n1', 'n2'] }, /^nodelist: expected at most as many names as nodes are asked for, 1, got 2/],
    [{ nodes: 3, nodelist: ['n1', 'n2'], exclude: ['n2'] }, /^nodelist: expected no node of "exclude", got "n2"/],
    [{ memoryPerCpu: '0' }, /^memoryPerCpu: expected memory such as .*got "0"/],
    [{ memory: '1G', memoryPerGpu: '1G', gpusPerNode: 1 }, /^memoryPerGpu: expected only one of "memory"/],
    [{ memoryPerGpu: '1G' }, /^memoryPerGpu: expected a job with GPUs/],
    [{ gres: 'x:1,gpu:2' }, /^gres: expected no GPUs: they are gpusPerNode/],
    [{ comment: 'a\nb' }, /^comment: expected a text of one line/],
    [{ script: 'true' }, /: expected exactly one of "command" and "script"/],
    [{ command: undefined, script: '#!/bin/sh\r\n' }, /^script: expected a script without DOS line breaks/],
    [{ noodles: 1 }, /noodles/],
  ])('refuses %j with a line that says what it wants', (job, message) => {
    expect(firstMessage(job)).toMatch(message);
  });

  it('takes bare numbers as YAML and JSON write them: minutes, MiB, text', () => {
    const spec = jobSpecSchema.parse({
      command: ['true'],
      time: 10,
      memory: 100,
      env: { SEED: 5, RATE: 0.5, DEBUG: true },
    });
    expect([timeLimitMs(spec), toJobRequest(1, spec, 0).perNode.memoryBytes]).toEqual([600_000, 100 * 1024 ** 2]);
    expect(spec.env).toEqual({ SEED: '5', RATE: '0.5', DEBUG: 'true' });
  });

  it('names partitions with or without spaces between them, each once', () => {
    expect(jobSpecSchema.parse({ command: ['true'], partition: ' train, spare,train' }).partition).toBe('train,spare');
    expect(firstMessage({ partition: 'train, ,spare' })).toMatch(/^partition: expected a partition or several/);
    expect(firstMessage({ partition: ' ' })).toMatch(/^partition: expected a partition or several/);
  });

  it('asks for memory by node, by CPU or by GPU', () => {
    const bytes = (job: object) => memoryBytesPerNode(jobSpecSchema.parse({ command: ['true'], ...job }));
    expect(bytes({ memoryPerCpu: '1G', cpus: 3, tasksPerNode: 2 })).toBe(6 * 1024 ** 3);
    expect(bytes({ memoryPerGpu: '1G', gpusPerNode: 8, tasksPerNode: 1 })).toBe(8 * 1024 ** 3);
    expect(bytes({ memory: 0 })).toBe(0);
  });

  it('runs one task for each GPU, one where there are none', () => {
    const tasks = (job: object) => tasksPerNode(jobSpecSchema.parse({ command: ['true'], ...job }));
    expect([tasks({}), tasks({ gpusPerNode: 8 }), tasks({ gpusPerNode: 8, tasksPerNode: 1 })]).toEqual([1, 8, 1]);
  });

  it('reads warning signals in sbatch notation', () => {
    expect(parseWarningSignal('USR1@120')).toEqual({ name: 'SIGUSR1', leadMs: 120_000 });
    expect(parseWarningSignal('SIGTERM@5')).toEqual({ name: 'SIGTERM', leadMs: 5000 });
  });

  it('asks the scheduler for CPUs of all tasks of a node', () => {
    const spec = jobSpecSchema.parse({
      command: ['true'],
      nodes: 2,
      gpusPerNode: 4,
      cpus: 3,
      memory: '1G',
      time: '1:00',
    });
    expect(toJobRequest(7, spec, 1000)).toMatchObject({
      jobId: 7,
      submitMs: 1000,
      nodes: 2,
      perNode: { cpus: 12, memoryBytes: 1024 ** 3, gpus: 4 },
      timeLimitMs: 60_000,
    });
  });
});
