import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { OrreryError } from '../contract/errors.ts';
import { readTrace, traceFormat } from './trace-file.ts';

describe('the format of a trace', () => {
  it.each([
    ['; Version: 2.2\n', 'swf'],
    ['\n   1 0 -1 60 1 -1 -1 1 60 -1 1 1 1 1 1 1 -1 -1\n', 'swf'],
    ['JobID|User|State\n', 'sacct'],
    ['User|JobID|State|\n', 'sacct'],
    ['{"meta": {}}', 'sacct-json'],
    ['timestamp,duration,num_gpus,gpu_time,cluster\n', 'philly'],
    [
      'name,cpu_milli,memory_mib,num_gpu,gpu_milli,gpu_spec,qos,pod_phase,creation_time,deletion_time,scheduled_time',
      'openb',
    ],
    ['\uFEFFsubmit_s,job,runtime_s\n', 'csv'],
    ['"job","submit_s"\n', 'csv'],
    ['job;submit_s;nodes\n', 'csv'],
    ['submit_s\tjob\n', 'csv'],
  ])('of %j is %s', (text, format) => {
    expect(traceFormat(text)).toBe(format);
  });

  it.each([
    ['', 'an empty file'],
    ['a,b,c\n', 'a first line "a,b,c"'],
  ])('of %j is none', (text, found) => {
    const read = () => readTrace(text, 'jobs.txt');
    expect(read).toThrow(OrreryError);
    expect(read).toThrow(new RegExp(`^jobs.txt:1 expected a trace \\(SWF, .*\\), got ${found}$`));
  });
});

describe('the text of a trace', () => {
  const job = '1 0 0 60 1 -1 -1 1 60 -1 1 1 1 1 1 1 -1 -1';

  it('may begin with a byte order mark, and end its lines as it likes', () => {
    for (const end of ['\n', '\r\n', '\r']) {
      for (const text of [`\uFEFF${job}${end}`, `\uFEFF; Version: 2.2${end}${job}${end}`]) {
        const { rows, bad } = readTrace(text, 'a.swf');
        expect([rows.length, bad]).toEqual([1, []]);
      }
    }
  });

  it.each([
    ['JobID           JobName  Partition\n------- ---\n', /^a:1 expected the output of sacct with -P/],
    ['100|train|COMPLETED\n', /^a:1 expected a header as the first line, got a record of sacct/],
  ])('that is nearly one is told how to become one: %j', (text, message) => {
    expect(() => readTrace(text, 'a')).toThrow(message);
  });
});

const PHILLY = 'timestamp,duration,num_gpus,gpu_time,cluster\n';

describe('a Philly trace', () => {
  it('counts from the first submission and lays GPUs out on nodes', () => {
    const text = `${PHILLY}2017-10-09 07:01:55,66.5,1,66.5,a\n2017-10-09 07:01:25,10,12,120,b\n2017-10-09 07:02:00,9,9,81,b\n`;
    const { rows, bad, counts, originMs } = readTrace(text, 'p.csv');
    expect(bad).toEqual([]);
    expect(originMs).toBe(Date.UTC(2017, 9, 9, 7, 1, 25));
    expect(rows).toMatchObject([
      { line: 3, job: '3', submitMs: 0, nodes: 2, gpusPerNode: 6, runMs: 10_000, account: 'b' },
      { line: 2, job: '2', submitMs: 30_000, nodes: 1, gpusPerNode: 1, runMs: 66_500, limitMs: null },
      { line: 4, submitMs: 35_000, nodes: 2, gpusPerNode: 5 },
    ]);
    expect([...counts.notes.values()]).toEqual([1]);
    expect(readTrace(text, 'p.csv', { gpusPerNode: 4 }).rows[0]).toMatchObject({ nodes: 3, gpusPerNode: 4 });
  });

  it.each([
    ['2017-02-30 00:00:00,1,1,1,a', 'timestamp is not a date such as 2017-10-09 07:01:55', '2017-02-30 00:00:00'],
    ['2017-02-20 00:00:00,0,1,1,a', 'duration is zero', '0'],
    ['2017-02-20 00:00:00,-1,1,1,a', 'duration is not seconds > 0', '-1'],
    ['2017-02-20 00:00:00,1e999,1,1,a', 'duration is not seconds > 0', '1e999'],
    ['2017-02-20 00:00:00,5,0,1,a', 'num_gpus is not an integer > 0', '0'],
    ['2017-02-20 00:00:00,5,1.5,1,a', 'num_gpus is not an integer > 0', '1.5'],
    ['2017-02-20 00:00:00,5', 'not as many fields as the header', '2 of 5'],
  ])('reports %j', (line, reason, found) => {
    expect(readTrace(`${PHILLY}${line}\n`, 'p.csv').bad).toEqual([{ line: 2, reason, found }]);
  });
});

const OPENB =
  'name,cpu_milli,memory_mib,num_gpu,gpu_milli,gpu_spec,qos,pod_phase,creation_time,deletion_time,scheduled_time\n';

describe('an openb pod list', () => {
  it('gives pods that ran, with shares of a GPU as whole ones', () => {
    const pods = [
      'b,6000,12288,1,460,V100M16|V100M32,LS,Running,427061,427161,427071',
      'a,11908,47104,2,1000,T4,BE,Failed,100,190,110',
      'c,1000,1024,0,0,,Burstable,Succeeded,427061,427062,427061',
    ];
    const { rows, bad, counts } = readTrace(`${OPENB}${pods.join('\n')}\n`, 'o.csv');
    expect(bad).toEqual([]);
    expect(rows).toMatchObject([
      {
        job: 'a',
        submitMs: 100_000,
        runMs: 80_000,
        gpusPerNode: 2,
        cpusPerNode: 12,
        gpuType: 'T4',
        qos: 'BE',
        outcome: 'FAILED',
      },
      {
        job: 'b',
        actualStartMs: 427_071_000,
        gpusPerNode: 1,
        cpusPerNode: 6,
        gpuType: null,
        memoryBytesPerNode: 12_288 * 1024 ** 2,
      },
      { job: 'c', gpusPerNode: 0, cpusPerNode: 1, runMs: 1000, outcome: 'COMPLETED' },
    ]);
    expect([...counts.notes.values()]).toEqual([1, 1, 1]);
  });

  it.each([
    ['a,1,1,1,1000,,LS,Pending,5,9,', 'it was never scheduled', 'pod_phase Pending'],
    ['a,1,1,1,1000,,LS,Running,5,,6', 'it has not ended', 'pod_phase Running'],
    ['a,1,1,1,1000,,LS,Failed,5,6,6', 'run time is zero', 'a'],
    ['a,1,1,1,1000,,LS,Failed,5,6,7', 'deletion_time is before scheduled_time', '6'],
    ['a,1,1,1,1000,,LS,Failed,5,9,4', 'scheduled_time is before creation_time', '4'],
    ['a,1,1,-1,1000,,LS,Failed,5,9,6', 'num_gpu is not an integer >= 0', '-1'],
    ['a,1,1,1,1000,,LS,Lost,5,9,6', 'pod_phase is not one of a pod that ran', 'Lost'],
  ])('reports %j', (line, reason, found) => {
    expect(readTrace(`${OPENB}${line}\n`, 'o.csv').bad).toEqual([{ line: 2, reason, found }]);
  });
});

const traces = join(
  process.env['ORRERY_DATA'] ?? join(import.meta.dirname, '..', '..', '..', 'shared', 'data'),
  'traces',
);

describe.skipIf(!existsSync(traces))('real traces (skipped where there is no ORRERY_DATA)', () => {
  it('reads all of Philly', () => {
    const { rows, counts } = readTrace(
      readFileSync(join(traces, 'philly', 'philly_jobs.csv'), 'utf8'),
      'philly_jobs.csv',
    );
    expect(counts).toMatchObject({ records: 82_247, rows: 82_247, bad: 0 });
    const gpuHours = rows.reduce(
      (sum, { nodes, gpusPerNode, runMs }) => sum + nodes * (gpusPerNode ?? 0) * (runMs / 3.6e6),
      0,
    );
    // As its README counts them.
    expect(Math.round(gpuHours)).toBe(978_078);
  });

  it('reads all of openb', () => {
    const { counts } = readTrace(
      readFileSync(join(traces, 'openb', 'openb_pod_list_default.csv'), 'utf8'),
      'openb.csv',
    );
    expect(counts).toMatchObject({ records: 8152, rows: 7255, bad: 897 });
    expect(counts.byReason).toEqual(new Map([['it was never scheduled', 897]]));
  });
});
