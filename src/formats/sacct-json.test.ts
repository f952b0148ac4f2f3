import { describe, expect, it } from 'vitest';
import { OrreryError } from '../contract/errors.ts';
import { readSacctJson } from './sacct-json.ts';

/** A job as Slurm 22.05 (dbv0.0.38) prints it, without what is not read. */
const OLD = {
  account: 'vision',
  allocation_nodes: 2,
  array: { job_id: 0, limits: { max: { running: { tasks: 0 } } }, task: null, task_id: null },
  association: { account: 'vision', cluster: 'c', partition: null, user: 'ada' },
  het: { job_id: 0, job_offset: null },
  job_id: 41,
  partition: 'learn',
  qos: 'high',
  state: { current: 'COMPLETED', reason: 'None' },
  steps: [{ state: 'COMPLETED', step: { job_id: 41 }, tres: { allocated: [] } }],
  time: { elapsed: 60, eligible: 1000, end: 1070, start: 1010, submission: 1000, limit: 30 },
  tres: {
    allocated: [
      { type: 'cpu', name: null, id: 1, count: 128 },
      { type: 'mem', name: null, id: 2, count: 2048 },
      { type: 'node', name: null, id: 4, count: 2 },
      { type: 'gres', name: 'gpu', id: 1001, count: 16 },
    ],
    requested: [{ type: 'cpu', name: null, id: 1, count: 2 }],
  },
  user: 'ada',
};

const number = (value: number) => ({ set: true, infinite: false, number: value });

/** The same as newer versions print it. */
const NEW = {
  ...OLD,
  job_id: 42,
  array: { job_id: 40, task_id: number(7), task: '', limits: { max: { running: { tasks: 0 } } } },
  state: { current: ['TIMEOUT'], reason: 'TimeLimit' },
  time: { ...OLD.time, limit: { set: false, infinite: true, number: 0 } },
  tres: {
    allocated: [
      { type: 'node', name: '', id: 4, count: 2 },
      { type: 'gres', name: 'gpu:a100', id: 1002, count: 16 },
    ],
    requested: [{ type: 'gres', name: 'gpu:a100', id: 1002, count: 16 }],
  },
};

const read = (...jobs: object[]) =>
  readSacctJson(JSON.stringify({ meta: {}, jobs, errors: [{ jobs: [{}] }] }, null, 1), 's.json');

describe('the output of sacct --json', () => {
  it('of old and new versions gives the same rows', () => {
    const { rows, bad, counts, originMs } = read(OLD, NEW);
    expect(bad).toEqual([]);
    expect(counts).toMatchObject({ records: 2, rows: 2 });
    expect(originMs).toBe(1_000_000);
    expect(rows).toMatchObject([
      {
        line: 4,
        job: '41',
        submitMs: 0,
        actualStartMs: 10_000,
        nodes: 2,
        gpusPerNode: 8,
        cpusPerNode: 64,
        memoryBytesPerNode: 1024 * 1024 ** 2,
        gpuType: null,
        runMs: 60_000,
        limitMs: 1_800_000,
        user: 'ada',
        account: 'vision',
        qos: 'high',
        partition: 'learn',
        outcome: 'COMPLETED',
      },
      { job: '40_7', limitMs: null, gpusPerNode: 8, gpuType: 'a100', cpusPerNode: null, outcome: 'TIMEOUT' },
    ]);
  });

  it('has the name of a reservation, which Slurm 22.05 prints as a number that is none of its', () => {
    const [of22, none, later] = [
      { id: 1, name: 3_206_944_640 },
      { id: 0, name: '' },
      { id: 1, name: 'course' },
    ].map((reservation) => read({ ...OLD, reservation }).rows[0]?.reservation);
    expect([of22, none, later]).toEqual([undefined, undefined, 'course']);
  });

  it('says on which line a bad job begins', () => {
    const text = `{"meta": {"a": "x\\"{["},\n"jobs": [\n${JSON.stringify(OLD)},\n  {"job_id": 0},\n{"job_id": 5, "time":\n {"submission": 0}},\n${JSON.stringify({ ...OLD, job_id: 6, state: { current: ['RUNNING'] } })}\n]}`;
    expect(readSacctJson(text, 's.json').bad).toEqual([
      { line: 4, reason: 'job_id is not one of a job', found: '0' },
      { line: 5, reason: 'time.submission is not a Unix time', found: '0' },
      { line: 7, reason: 'it has not ended', found: 'RUNNING' },
    ]);
  });

  it('takes Slurm\'s "no value" as no limit', () => {
    const { rows } = read({ ...OLD, time: { ...OLD.time, limit: 4_294_967_295 } });
    expect(rows).toMatchObject([{ limitMs: null }]);
  });

  it.each([
    ['{"jobs": 3}', /^s\.json:1 expected the output of sacct --json: an object with a list "jobs"$/],
    ['{"jobs": [', /^s\.json:1 expected JSON: /],
  ])('refuses %j', (text, message) => {
    expect(() => readSacctJson(text, 's.json')).toThrow(message);
    expect(() => readSacctJson(text, 's.json')).toThrow(OrreryError);
  });
});
