import { describe, expect, it } from 'vitest';
import { parseJobFile, parseJobLines } from './job-file.ts';

describe('a job file', () => {
  it('is a job with defaults filled in', () => {
    const text = 'name: demo\ncommand: [python3, train.py]\nnodes: 2\ntime: 30m\nenv: {A: b}\n';
    expect(parseJobFile(text, 'job.yaml')).toMatchObject({
      name: 'demo',
      nodes: 2,
      time: '30m',
      gpusPerNode: 0,
      env: { A: 'b' },
    });
  });

  it.each([
    ['command: [x]\ntime: -5m\n', 'job.yaml:2:1 time: expected a time > 0 such as "30m"'],
    ['command: [x]\nmemory: lots\n', 'job.yaml:2:1 memory: expected memory such as'],
    ['command: [x]\ngpus: 2\n', 'job.yaml:2:1 gpus: unknown key'],
    ['name: x\n', 'job.yaml:1:1 expected exactly one of "command" and "script"'],
    ['command: x\n', 'job.yaml:1:1 command: expected a list of words such as [python3, train.py], got "x"'],
  ])('%j is refused', (text, message) => {
    expect(() => parseJobFile(text, 'job.yaml')).toThrow(message);
  });
});

describe('job lines', () => {
  it('are one job a line, empty lines skipped', () => {
    const text = '{"command":["a"]}\n\n{"command":["b"],"nodes":2}\r\n';
    expect(parseJobLines(text, 'jobs.ndjson').map(({ command, nodes }) => [command, nodes])).toEqual([
      [['a'], 1],
      [['b'], 2],
    ]);
  });

  it.each([
    [
      '{"command":["a"]}\n{"command":["b"],"nodes":"two"}\n',
      'jobs.ndjson:2:18 nodes: expected an integer > 0, got "two"',
    ],
    ['{"command":["a"]}\n\n{"command":["b"]\n', 'jobs.ndjson:3:'],
    ['{"command":["a"]}\n7\n', 'jobs.ndjson:2:1 expected a map of keys and values, got 7'],
  ])('%j is refused at its line', (text, message) => {
    expect(() => parseJobLines(text, 'jobs.ndjson')).toThrow(message);
  });
});
