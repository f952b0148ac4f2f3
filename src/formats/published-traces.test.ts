import { describe, expect, it } from 'vitest';
import { readTrace } from './trace-file.ts';

const HELIOS = 'job_id,user,vc,gpu_num,cpu_num,node_num,state,submit_time,start_time,end_time,duration,queue\n';
const HELIOS_TIMES = '2020-06-09 18:41:01,2020-06-09 18:41:31,2020-06-09 18:51:31,600,30';

describe('a log of Helios', () => {
  it('is read as published', () => {
    const text = `${HELIOS}7,ub,vcJ,16,64,2,FAILED,${HELIOS_TIMES}\n8,uc,vcK,0,3,1,NODE_FAIL,2020-06-09 18:41:00,2020-06-09 18:41:00,2020-06-09 18:41:09,9,0\n`;
    const { format, rows, bad, counts, originMs } = readTrace(text, 'cluster_log.csv');
    expect([format, bad, originMs]).toEqual(['helios', [], Date.UTC(2020, 5, 9, 18, 41)]);
    expect(rows).toMatchObject([
      { job: '8', gpusPerNode: 0, cpusPerNode: 3, runMs: 9000, outcome: 'FAILED' },
      {
        job: '7',
        line: 2,
        submitMs: 1000,
        actualStartMs: 31_000,
        nodes: 2,
        gpusPerNode: 8,
        cpusPerNode: 32,
        runMs: 600_000,
        limitMs: null,
        user: 'ub',
        account: 'vcJ',
        outcome: 'FAILED',
      },
    ]);
    expect([...counts.notes.keys()]).toEqual(['NODE_FAIL: its run time is as long as the cluster let it run']);
  });

  it('of Acme has zones, columns of its own, and a duration with the wait in it', () => {
    const header =
      'job_id,user,node_num,gpu_num,cpu_num,mem_per_pod_GB,shared_mem_per_pod,type,state,submit_time,start_time,end_time,fail_time,stop_time,duration,queue,gpu_time';
    const times = '2023-05-17 11:00:58+00:00,2023-05-17 19:01:08+08:00,2023-05-17 11:01:16+00:00';
    const { rows, bad } = readTrace(
      `${header}\ndlc,uf,8,64,960,1000,100.0,Other,FAILED,${times},,,18,10.0,1152.0\n`,
      'trace_kalos.csv',
    );
    expect(bad).toEqual([]);
    expect(rows).toMatchObject([
      { job: 'dlc', nodes: 8, gpusPerNode: 8, cpusPerNode: 120, actualStartMs: 10_000, runMs: 8000 },
    ]);
  });

  it.each([
    [`7,u,v,1,1,1,RUNNING,${HELIOS_TIMES}`, 'it has not ended', 'RUNNING'],
    [`7,u,v,1,1,0,COMPLETED,${HELIOS_TIMES}`, 'node_num is not an integer > 0', '"0"'],
    [`7,u,v,some,1,1,COMPLETED,${HELIOS_TIMES}`, 'gpu_num is not an integer >= 0', '"some"'],
    ['7,u,v,1,1,1,CANCELLED,2020-06-09 18:41:01,,,,', 'cancelled before it ran', '7'],
    ['7,u,v,1,1,1,FAILED,2020-06-09 18:41:01,,,,', 'run time is not known', '7'],
    ['7,u,v,1,1,1,FAILED,today,,,60,', 'submit_time is not a date such as 2020-06-09 18:41:01', '"today"'],
    ['7,u,v', 'not as many fields as the header', '3 of 12'],
  ])('reports %j', (line, reason, found) => {
    expect(readTrace(`${HELIOS}${line}\n`, 'h.csv').bad).toEqual([{ line: 2, reason, found }]);
  });
});

interface PhillyAttempt {
  start_time: string | null;
  end_time: string | null;
  detail: { ip: string; gpus: string[] }[];
}

const machine = (gpus: number) => ({ ip: 'm4', gpus: Array.from({ length: gpus }, (_, index) => `gpu${index}`) });
const attempt = (start: string | null, end: string | null, ...gpus: number[]): PhillyAttempt => ({
  start_time: start === null ? null : `2017-10-07 ${start}`,
  end_time: end === null ? null : `2017-10-07 ${end}`,
  detail: gpus.map(machine),
});
const job = (status: string, attempts: PhillyAttempt[], jobid = 'app_1') => ({
  status,
  vc: 'ee9e8c',
  jobid,
  attempts,
  submitted_time: '2017-10-07 01:11:39',
  user: 'ce2f4c',
});
const read = (...jobs: unknown[]) => readTrace(JSON.stringify(jobs, null, 1), 'cluster_job_log');

describe("a log of Philly's jobs", () => {
  it('counts the last attempt, from the submission, and lays its GPUs out on nodes', () => {
    const { format, rows, bad, counts } = read(
      job('Pass', [attempt('01:12:09', '01:13:23', 8), attempt('01:13:30', '02:13:30', 8, 4)]),
      job('Killed', [attempt('01:12:00', '01:12:10', 2)], 'app_2'),
    );
    expect([format, bad]).toEqual(['philly-json', []]);
    expect(rows).toMatchObject([
      {
        job: 'app_1',
        line: 2,
        submitMs: 0,
        actualStartMs: 30_000,
        runMs: 3_600_000,
        nodes: 2,
        gpusPerNode: 6,
        user: 'ce2f4c',
        account: 'ee9e8c',
        outcome: 'COMPLETED',
      },
      { job: 'app_2', nodes: 1, gpusPerNode: 2, outcome: 'CANCELLED' },
    ]);
    expect([...counts.notes]).toEqual([['was tried again: its last attempt counts', 1]]);
  });

  it.each([
    ['one that was never scheduled', job('Killed', []), 'it was never scheduled', 'app_1, Killed'],
    ['one that runs', job('Pass', [attempt('01:12:09', null, 8)]), 'it has not ended', 'app_1'],
    ['one without a start', job('Pass', [attempt(null, '01:12:09', 8)]), 'run time is not known', 'app_1'],
    ['one without GPUs', job('Pass', [attempt('01:12:09', '01:13:23')]), 'number of GPUs is not known', 'app_1'],
    ['what is none', 7, 'submitted_time is not a date such as 2017-10-07 01:11:39', 'null'],
  ])('reports %s', (_, entry, reason, found) => {
    const { rows, bad } = read(job('Pass', [attempt('01:12:09', '01:13:23', 1)], 'app_0'), entry);
    expect(rows).toHaveLength(1);
    expect(bad).toMatchObject([{ reason, found }]);
  });

  it('says on which line a bad job begins', () => {
    const good = JSON.stringify(job('Pass', [attempt('01:12:09', '01:13:23', 1)]));
    const text = `[${good},\n\n${JSON.stringify(job('Killed', []))}]`;
    expect(readTrace(text, 'cluster_job_log').bad).toMatchObject([{ line: 3 }]);
  });

  it('is told from other lists', () => {
    expect(() => readTrace('[{"a": 1}]', 'a.json')).toThrow(/^a.json:1 expected a trace/);
    expect(() => readTrace('[{"submitted_time": ', 'a.json')).toThrow(/^a.json:1 expected JSON: /);
  });
});
