import { describe, expect, it } from 'vitest';
import { OrreryError } from '../contract/errors.ts';
import { readJobsCsv } from './jobs-csv.ts';
import { jobsCsvText } from './jobs-csv-text.ts';

const HEADER = 'job,submit_s,nodes,gpus_per_node,runtime_s,limit_s';

describe('a CSV of jobs', () => {
  it('may say from when on a job may start, and when it did', () => {
    const text = `${HEADER},begin_s,start_s\na,0,1,0,1,,60,75.5\nb,1,1,0,1,,,\nc,2,1,0,1,,soon,\n`;
    const { rows, bad } = readJobsCsv(text, 'jobs.csv');
    expect(rows.map(({ eligibleMs, actualStartMs }) => [eligibleMs, actualStartMs])).toEqual([
      [60_000, 75_500],
      [null, null],
    ]);
    expect(bad).toMatchObject([{ line: 4, reason: 'begin_s is not seconds or a date, or empty', found: '"soon"' }]);
  });

  it.each([';', '\t'])('may be separated by %j, with commas as decimal points', (separator) => {
    const lines = [HEADER, 'a|0,5|1|8|100,25|', '"b;\tc"|1|1|8|1|2', 'd|1.000,5|1|8|1|2'];
    const { rows, bad, counts } = readJobsCsv(
      lines.join('\n').replaceAll(/[|,](?=[a-z]|\|)|\|/g, separator),
      'jobs.csv',
    );
    expect(rows).toMatchObject([
      { job: 'a', submitMs: 500, runMs: 100_250, limitMs: null },
      { job: 'b;\tc', submitMs: 1000, limitMs: 2000 },
    ]);
    expect(bad).toEqual([{ line: 4, reason: 'submit_s is not seconds >= 0 or a date', found: '"1.000,5"' }]);
    expect([...counts.notes]).toEqual([['number with a decimal comma', 2]]);
  });

  it('may have dates for seconds, with or without a zone', () => {
    const text = `${HEADER},start_s\na,2026-01-31T10:00:00Z,1,0,1,,2026-01-31 10:00:30\nb,2026-01-31T11:00:05+01:00,1,0,1,,\n`;
    const { rows, originMs } = readJobsCsv(text, 'jobs.csv');
    expect(rows.map(({ submitMs, actualStartMs }) => [submitMs, actualStartMs])).toEqual([
      [0, 30_000],
      [5000, null],
    ]);
    expect(originMs).toBe(Date.UTC(2026, 0, 31, 10));
  });

  it('does not take milliseconds for seconds', () => {
    const { rows, bad } = readJobsCsv(`${HEADER}\na,1709286300000,1,8,100,\n`, 'jobs.csv');
    expect(rows).toEqual([]);
    expect(bad).toMatchObject([{ reason: 'submit_s is milliseconds, not seconds', found: '1709286300000' }]);
  });

  it('has each column once', () => {
    expect(() => readJobsCsv(`${HEADER},nodes\n`, 'jobs.csv')).toThrow(
      'jobs.csv:1 nodes: expected one column of this name, got two',
    );
  });

  it('may have arrays, with or without a throttle', () => {
    const text = `${HEADER},array\na,0,1,0,1,,12%4\nb,0,1,0,1,,sweep\nc,0,1,0,1,,\nd,0,1,0,1,,12%0\n`;
    const { rows, bad } = readJobsCsv(text, 'jobs.csv');
    expect(rows.map(({ array }) => array)).toEqual([
      { name: '12', runningMax: 4 },
      { name: 'sweep', runningMax: null },
      undefined,
    ]);
    expect(bad).toMatchObject([{ line: 5, reason: 'array is not an array such as 12, or 12%4', found: '"12%0"' }]);
  });

  it('has its columns in any order, and fields in quotes', () => {
    const text = `after,limit_s,runtime_s,"gpus_per_node",nodes,submit_s,job,user,account,qos,priority,partition,cpus_per_node,memory_per_node,gpu_type,exclusive,outcome
,,60.5,8,2,0,a,ada,vision,high,12,learn,64,200G,a100,true,failed\r
"a; afterok:b",3600,10,0,1,1.25,"c ""x"", y",,,,,,,,,,
"afterany:a,b",90,10,1,1,1,b,,,,,,,,,no,

`;
    const { rows, bad, counts } = readJobsCsv(text, 'jobs.csv');
    expect(bad).toEqual([]);
    expect(counts).toMatchObject({ records: 3, rows: 3, bad: 0 });
    expect(rows).toEqual([
      {
        line: 2,
        job: 'a',
        submitMs: 0,
        eligibleMs: null,
        actualStartMs: null,
        nodes: 2,
        gpusPerNode: 8,
        cpusPerNode: 64,
        memoryBytesPerNode: 200 * 1024 ** 3,
        gpuType: 'a100',
        isExclusive: true,
        runMs: 60_500,
        limitMs: null,
        user: 'ada',
        account: 'vision',
        qos: 'high',
        partition: 'learn',
        priority: 12,
        after: [],
        outcome: 'FAILED',
      },
      expect.objectContaining({
        line: 4,
        job: 'b',
        submitMs: 1000,
        isExclusive: false,
        limitMs: 90_000,
        outcome: 'COMPLETED',
        after: [
          { condition: 'afterany', job: 'a' },
          { condition: 'afterany', job: 'b' },
        ],
      }),
      expect.objectContaining({
        line: 3,
        job: 'c "x", y',
        gpusPerNode: 0,
        cpusPerNode: null,
        user: null,
        after: [
          { condition: 'afterany', job: 'a' },
          { condition: 'afterok', job: 'b' },
        ],
      }),
    ]);
  });

  it.each([
    ['a,0,1,8,60', 'not as many fields as the header', '5 of 6'],
    [',0,1,8,60,', 'job is empty', '""'],
    ['a,-1,1,8,60,', 'submit_s is not seconds >= 0 or a date', '"-1"'],
    ['a,,1,8,60,', 'submit_s is not seconds >= 0 or a date', '""'],
    ['a,0,0,8,60,', 'nodes is not an integer > 0', '"0"'],
    ['a,0,1.5,8,60,', 'nodes is not an integer > 0', '"1.5"'],
    ['a,0,1,-8,60,', 'gpus_per_node is not an integer >= 0', '"-8"'],
    ['a,0,1,8,0,', 'runtime_s is zero', 'a'],
    ['a,0,1,8,-5,', 'runtime_s is not seconds > 0', '"-5"'],
    ['a,0,1,8,long,', 'runtime_s is not seconds > 0', '"long"'],
    ['a,0,1,8,Infinity,', 'runtime_s is not seconds > 0', '"Infinity"'],
    ['a,0,1,8,60,0', 'limit_s is not seconds > 0, or empty for none', '"0"'],
    ['first,5,1,8,60,', 'job is given twice', 'first'],
  ])('reports %j with its line and reason, and reads the rest', (line, reason, found) => {
    const { rows, bad, counts } = readJobsCsv(`${HEADER}\nfirst,0,1,8,60,90\n${line}\nlast,9,1,8,60,90`, 'jobs.csv');
    expect(rows.map(({ job }) => job)).toEqual(['first', 'last']);
    expect(bad).toEqual([{ line: 3, reason, found }]);
    expect(counts).toMatchObject({ records: 3, rows: 2, bad: 1 });
  });

  it.each([
    ['priority', 'high', 'priority is not a number'],
    ['after', 'afterok:', 'after is not jobs such as "12 13", "afterok:12:13" or "after:12+5"'],
    ['after', 'aftercorr:a', 'after is a dependency other than after, afterok, afterany and afternotok'],
    ['after', 'afterok:a,expand:b', 'after is a dependency other than after, afterok, afterany and afternotok'],
    ['after', 'afterok:a?b c', 'after is not separated by "?" throughout, or nowhere'],
    ['after', 'singleton', 'after is a dependency other than after, afterok, afterany and afternotok'],
    ['outcome', 'lost', 'outcome is not COMPLETED, FAILED, CANCELLED, TIMEOUT or OUT_OF_MEMORY'],
    ['exclusive', 'maybe', 'exclusive is not true or false'],
    ['cpus_per_node', '1.5', 'cpus_per_node is not an integer >= 0'],
    ['memory_per_node', 'lots', 'memory_per_node is not memory such as 2G'],
  ])('reports a wrong %s', (column, value, reason) => {
    const { bad } = readJobsCsv(`${HEADER},${column}\na,0,1,8,60,,"${value}"\n`, 'jobs.csv');
    expect(bad).toEqual([{ line: 2, reason, found: `"${value}"` }]);
  });

  it.each([
    [
      'job,submit_s,nodes,runtime_s\n',
      'jobs.csv:1 missing column gpus_per_node: expected a header with job, submit_s, nodes, gpus_per_node, runtime_s',
    ],
    [`${HEADER},acount\n`, 'jobs.csv:1 acount: unknown column; did you mean "account"?'],
  ])('refuses the header %j', (text, message) => {
    expect(() => readJobsCsv(text, 'jobs.csv')).toThrow(new OrreryError('ORR_BAD_FILE', message));
  });

  it('takes columns in any case, and lines of blanks for none', () => {
    const text = `${HEADER.toUpperCase()}\n  \t\r\na,0,1,8,60,90\n`;
    expect(readJobsCsv(text, 'jobs.csv').counts).toMatchObject({ records: 1, rows: 1 });
  });

  it('takes dependencies in any case, and a comma too many for nothing', () => {
    const text = `${HEADER},after\na,0,1,8,60,,\nb,1,1,8,60,,"AfterOK:a,"\n`;
    expect(readJobsCsv(text, 'jobs.csv').rows[1]?.after).toEqual([{ condition: 'afterok', job: 'a' }]);
  });

  it('takes delays after a start, and lists of which one dependency is enough', () => {
    const text = `${HEADER},after\na,0,1,8,60,,\n12+1,0,1,8,60,,\nb,1,1,8,60,,after:a+10:12+1+2\nc,2,1,8,60,,after:a?afternotok:12+1\n`;
    const { rows } = readJobsCsv(text, 'jobs.csv');
    expect(rows[2]?.after).toEqual([
      { condition: 'after', job: 'a', delayMs: 600_000 },
      { condition: 'after', job: '12+1', delayMs: 120_000 },
    ]);
    expect(rows[2]?.isAnyEnough).toBeUndefined();
    expect(rows[3]).toMatchObject({
      isAnyEnough: true,
      after: [
        { condition: 'after', job: 'a' },
        { condition: 'afternotok', job: '12+1' },
      ],
    });
    expect(readJobsCsv(jobsCsvText(rows), 'again.csv').rows.map(({ after }) => after)).toEqual(
      rows.map(({ after }) => after),
    );
  });

  it('takes submissions of 1973 and later for Unix times', () => {
    const text = `${HEADER},begin_s\nb,1767225660.5,1,8,60,90,1767225700\na,1767225600.25,1,8,60,90,\n`;
    const { rows, originMs, aheadMs } = readJobsCsv(text, 'jobs.csv');
    expect(rows.map(({ job, submitMs, eligibleMs }) => [job, submitMs, eligibleMs])).toEqual([
      ['a', 250, null],
      ['b', 60_500, 100_000],
    ]);
    expect([originMs, aheadMs]).toEqual([1_767_225_600_000, 1_767_225_600_000]);
    expect(readJobsCsv(`${HEADER}\na,9e7,1,8,60,90\n`, 'jobs.csv')).toMatchObject({ originMs: null, aheadMs: 0 });
  });

  it('leaves other columns unread and says so', () => {
    const { rows, counts } = readJobsCsv(`${HEADER},colour_of_the_rack\na,0,1,8,60,,red\n`, 'jobs.csv');
    expect(rows).toHaveLength(1);
    expect([...counts.notes]).toEqual([['column "colour_of_the_rack" is not read', 1]]);
  });
});
