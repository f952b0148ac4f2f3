import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { readSwf, swfMachine } from './swf.ts';

const HEADER = '; Version: 2.2\n; UnixStartTime: 1640995200\n; MaxNodes: 4\n; MaxProcs: 8\n;\n';

/** A job line, its 18 fields by name; what is not given is not known. */
function job(
  fields: Partial<
    Record<
      'job' | 'submit' | 'wait' | 'run' | 'given' | 'asked' | 'limit' | 'status' | 'user' | 'group' | 'after' | 'think',
      number
    >
  >,
): string {
  const { job: id = 1, submit = 0, wait = -1, run = 60, given = -1, asked = 1, limit = -1, status = 1 } = fields;
  const { user = -1, group = -1, after = -1, think = -1 } = fields;
  return [id, submit, wait, run, given, -1, -1, asked, limit, -1, status, user, group, -1, -1, -1, after, think].join(
    ' ',
  );
}

describe('a trace in the Standard Workload Format', () => {
  it('gives a row for each job, in order of submission, in milliseconds', () => {
    const lines = [
      job({ job: 2, submit: 30, run: 90, asked: 5, limit: 3600, wait: 12, user: 7, group: 3 }),
      '   1\t10.5   -1  60 2 -1 -1 -1 -1 -1 0 -1 -1 -1 -1 -1 -1 -1 \r',
    ];
    const { rows, bad, counts, originMs } = readSwf(`${HEADER}${lines.join('\n')}`);
    expect(bad).toEqual([]);
    expect(counts).toMatchObject({ records: 2, rows: 2, bad: 0 });
    expect(originMs).toBe(1_640_995_200_000);
    expect(rows).toMatchObject([
      { line: 7, job: '1', submitMs: 10_500, nodes: 1, runMs: 60_000, limitMs: null, outcome: 'FAILED', user: null },
      {
        line: 6,
        job: '2',
        submitMs: 30_000,
        actualStartMs: 42_000,
        nodes: 3,
        gpusPerNode: null,
        isExclusive: true,
        runMs: 90_000,
        limitMs: 3_600_000,
        outcome: 'COMPLETED',
        user: 'u7',
        account: 'g3',
      },
    ]);
  });

  it('takes processors as whole nodes, as so many to a node, or as GPUs', () => {
    const text = [job({ job: 1, asked: 12 }), job({ job: 2, asked: 5 }), job({ job: 3, asked: 17 })].join('\n');
    const sizes = (options: Parameters<typeof readSwf>[1]) =>
      readSwf(text, options).rows.map(({ nodes, gpusPerNode }) => [nodes, gpusPerNode]);
    expect(sizes({})).toEqual([
      [12, null],
      [5, null],
      [17, null],
    ]);
    expect(sizes({ processorsPerNode: 4 })).toEqual([
      [3, null],
      [2, null],
      [5, null],
    ]);
    expect(sizes({ isProcessorGpu: true })).toEqual([
      [2, 6],
      [1, 5],
      [3, 6],
    ]);
    expect([...readSwf(text, { isProcessorGpu: true }).counts.notes.values()]).toEqual([1]);
  });

  it('waits for the preceding job where it is there', () => {
    const { rows, counts } = readSwf(
      [job({ job: 1 }), job({ job: 2, after: 1, think: 30 }), job({ job: 3, after: 9 })].join('\n'),
    );
    expect(rows.map(({ after }) => after)).toEqual([[], [{ condition: 'afterany', job: '1' }], []]);
    expect([...counts.notes]).toEqual([
      ['think time after the preceding job: left out', 1],
      ['follows a job that is not there before it: does not wait for it', 1],
    ]);
  });

  it.each([
    ['too few numbers', '1 2 3', 'not 18 numbers', '3 numbers: 1 2 3'],
    ['too many numbers', `${job({})} 1`, 'not 18 numbers', expect.stringMatching(/^more numbers/)],
    ['a word', job({}).replace('60', 'sixty'), 'not 18 numbers', expect.stringMatching(/sixty/)],
    ['two numbers run together', job({}).replace('60', '6-0'), 'not 18 numbers', expect.stringMatching(/6-0/)],
    ['a lone minus', job({}).replace('60', '-'), 'not 18 numbers', expect.anything()],
    ['a run time of zero', job({ run: 0 }), 'run time is zero', 'job 1, status 1'],
    ['a run time that is not known', job({ run: -1 }), 'run time is not known', 'job 1, -1'],
    ['a job that was cancelled in the queue', job({ run: -1, status: 5 }), 'cancelled before it ran', 'job 1, -1'],
    ['a negative submit time', job({ submit: -3 }), 'submit time is not >= 0', '-3'],
    ['no processors', job({ asked: 0 }), 'number of processors is not known', 'job 1, -1'],
    ['half a processor', job({ asked: 1.5 }), 'number of processors is not an integer', 'job 1, 1.5'],
  ])('reports %s with its line and reason', (_, line, reason, found) => {
    const { rows, bad, counts } = readSwf(`${HEADER}${job({ job: 77 })}\n\n${line}\n`);
    expect(rows).toHaveLength(1);
    expect(bad).toEqual([{ line: 8, reason, found }]);
    expect(counts).toMatchObject({ records: 2, rows: 1, bad: 1 });
    expect(counts.byReason).toEqual(new Map([[reason, 1]]));
  });

  it('counts a number that comes twice, and parts of a job whose whole is there', () => {
    const { counts } = readSwf(
      [job({ status: 1 }), job({ status: 1 }), job({ status: 2 }), job({ status: 3 })].join('\n'),
    );
    expect(counts).toMatchObject({ records: 4, rows: 1, bad: 1 });
    expect(counts.skipped).toEqual(new Map([['part of a job that is on a line of its own', 2]]));
  });
});

describe('the machine of a header', () => {
  it.each([
    ['; MaxNodes: 128 (two racks)\n;MaxProcs: 512\n1 2\n; MaxProcs: 9\n', { nodes: 128, cpusPerNode: 4 }],
    ['; MaxProcs: 430\n', { nodes: 430, cpusPerNode: 1 }],
    ['; MaxNodes: 100\n', { nodes: 100, cpusPerNode: 1 }],
    ['; MaxNodes: 100\n; MaxProcs: 338\n', { nodes: 338, cpusPerNode: 1 }],
    ['; MaxNodes: -1\n; Version: 2.2\n', null],
    ['', null],
  ])('has nodes of so many processors: %j', (text, machine) => {
    expect(swfMachine(text)).toEqual(machine);
  });
});

const traces = join(
  process.env['ORRERY_DATA'] ?? join(import.meta.dirname, '..', '..', '..', 'shared', 'data'),
  'traces',
);

describe.skipIf(!existsSync(traces))('real logs (skipped where there is no ORRERY_DATA)', () => {
  it('reads the 100,000 jobs of the large trace', () => {
    const text = gunzipSync(readFileSync(join(traces, 's100k.swf.gz'))).toString('latin1');
    const { counts, rows } = readSwf(text);
    expect(counts).toMatchObject({ records: 100_000, rows: 100_000, bad: 0 });
    expect(swfMachine(text)).toEqual({ nodes: 2000, cpusPerNode: 1 });
    const nodeHours = rows.reduce((sum, { nodes, runMs }) => sum + nodes * (runMs / 3_600_000), 0);
    // As the trace is described where it comes from: 5.70 million node-hours.
    expect(nodeHours / 1e6).toBeCloseTo(5.7, 1);
  });

  it('reads the head of the HPC2N log and says what it can not use', () => {
    const { counts } = readSwf(readFileSync(join(traces, 'swf', 'hpc2n.swf'), 'latin1'), { processorsPerNode: 2 });
    expect(counts.records).toBe(3170);
    expect(counts.rows + counts.bad).toBe(3170);
    expect(counts.byReason).toEqual(new Map([['run time is not known', 25]]));
  });
});
