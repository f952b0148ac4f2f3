import { describe, expect, it } from 'vitest';
import { OrreryError } from '../contract/errors.ts';
import { parseTres, readSacctDump } from './sacct-dump.ts';
import { readTrace } from './trace-file.ts';

const COLUMNS =
  'JobID|State|Submit|Eligible|Start|End|Elapsed|Timelimit|NNodes|AllocTRES|ReqTRES|User|Account|QOS|Partition';

type Field =
  | 'id'
  | 'state'
  | 'submit'
  | 'eligible'
  | 'start'
  | 'end'
  | 'elapsed'
  | 'limit'
  | 'nodes'
  | 'allocated'
  | 'requested';

/** A record that completed, with what is given in its place. */
function record(fields: Partial<Record<Field, string>> = {}): string {
  const { id = '7', state = 'COMPLETED', submit = '2026-01-31T10:00:00', eligible = submit } = fields;
  const {
    start = '2026-01-31T10:05:00',
    end = '2026-01-31T11:05:00',
    elapsed = '01:00:00',
    limit = '1-00:00:00',
  } = fields;
  const { nodes = '2', allocated = 'billing=128,cpu=128,gres/gpu:a100=16,gres/gpu=16,mem=2000G,node=2' } = fields;
  const { requested = 'billing=1,cpu=128,gres/gpu=16,node=2' } = fields;
  return [
    id,
    state,
    submit,
    eligible,
    start,
    end,
    elapsed,
    limit,
    nodes,
    allocated,
    requested,
    'ada',
    'vision',
    'high',
    'learn',
  ].join('|');
}

const read = (...records: string[]) => readSacctDump(`${COLUMNS}\n${records.join('\n')}\n`, 'sacct.txt');

describe('sacct with other columns', () => {
  const one = (header: string, record: string) => {
    const { rows, bad } = readSacctDump(`${header}\n${record}\n`, 'sacct.txt');
    expect(bad).toEqual([]);
    return rows[0];
  };
  const TIMES = '2026-01-31T10:00:00|2026-01-31T10:05:00|2026-01-31T11:05:00';

  it('has the raw id and nodes by another name, and a bar at the end of each line', () => {
    const header = 'JobIDRaw|State|Submit|Start|End|ReqNodes|ReqCPUS|ReqMem|TimelimitRaw|';
    expect(one(header, `7|COMPLETED|${TIMES}|2|8|16G|60|`)).toMatchObject({
      job: '7',
      nodes: 2,
      cpusPerNode: 4,
      memoryBytesPerNode: 8 * 1024 ** 3,
      limitMs: 3_600_000,
    });
  });

  it.each([
    ['4Gn', 4],
    ['2Gc', 8],
    ['8G', 4],
    ['0n', null],
    ['', null],
  ])('reads ReqMem %j', (text, gibPerNode) => {
    const row = one('JobID|State|Submit|Start|End|NNodes|NCPUS|ReqMem', `7|COMPLETED|${TIMES}|2|8|${text}`);
    expect(row?.memoryBytesPerNode).toBe(gibPerNode === null ? null : gibPerNode * 1024 ** 3);
  });

  it('reads the GPUs of AllocGRES', () => {
    const row = one('JobID|State|Submit|Start|End|NNodes|AllocGRES', `7|COMPLETED|${TIMES}|2|gpu:v100:8`);
    expect(row?.gpusPerNode).toBe(4);
  });

  it.each([',', ';', '\t'])('may be delimited by %j', (separator) => {
    const text = `JobID|State|Submit|Start|End|NNodes\n7|COMPLETED|${TIMES}|2\n7.batch|COMPLETED|${TIMES}|2\n`;
    const { format, rows, counts } = readTrace(text.replaceAll('|', separator), 'sacct.csv');
    expect([format, rows.length, counts.skipped.get('step of a job')]).toEqual(['sacct', 1, 1]);
  });
});

describe('the output of sacct -P', () => {
  it('gives a row for each job and skips steps', () => {
    const { rows, bad, counts, originMs } = read(
      record({ id: '8', submit: '2026-02-01T00:00:30', eligible: '2026-02-01T00:01:30', limit: 'UNLIMITED' }),
      record(),
      record({ id: '7.batch' }),
      record({ id: '7.extern' }),
      record({ id: '7.0' }),
      record({ id: '12_3.0' }),
    );
    expect(bad).toEqual([]);
    expect(counts).toMatchObject({ records: 6, rows: 2, bad: 0, skipped: new Map([['step of a job', 4]]) });
    expect(originMs).toBe(Date.UTC(2026, 0, 31, 10));
    expect(rows[0]).toEqual({
      line: 3,
      job: '7',
      submitMs: 0,
      eligibleMs: 0,
      actualStartMs: 300_000,
      nodes: 2,
      gpusPerNode: 8,
      cpusPerNode: 64,
      memoryBytesPerNode: 1000 * 1024 ** 3,
      gpuType: null,
      isExclusive: false,
      runMs: 3_600_000,
      limitMs: 86_400_000,
      user: 'ada',
      account: 'vision',
      qos: 'high',
      partition: 'learn',
      priority: 0,
      after: [],
      outcome: 'COMPLETED',
    });
    expect(rows[1]).toMatchObject({ job: '8', submitMs: 50_430_000, eligibleMs: 50_490_000, limitMs: null });
  });

  it.each([
    ['COMPLETED', 'COMPLETED'],
    ['FAILED', 'FAILED'],
    ['CANCELLED by 1000', 'CANCELLED'],
    ['TIMEOUT', 'TIMEOUT'],
    ['OUT_OF_MEMORY', 'OUT_OF_MEMORY'],
    ['NODE_FAIL', 'FAILED'],
    ['PREEMPTED', 'CANCELLED'],
  ])('takes a job that ended %s as one that comes to %s', (state, outcome) => {
    const { rows } = read(record({ state }));
    expect(rows).toMatchObject([{ outcome }]);
    expect(rows[0]?.isCancelledByUser === true).toBe(state.startsWith('CANCELLED'));
  });

  it.each([
    ['30:00', 1_800_000],
    ['01:02:03', 3_723_000],
    ['2-03:04:05', 183_845_000],
    ['Partition_Limit', null],
    ['', null],
  ])('reads the time limit %j', (limit, limitMs) => {
    expect(read(record({ limit })).rows).toMatchObject([{ limitMs }]);
  });

  it('reads arrays, parts of heterogeneous jobs, Unix times and a bar at the end of each line', () => {
    const text = `JobID|State|Submit|Start|End|ElapsedRaw|TimelimitRaw|NNodes|NCPUS|\n12_3|COMPLETED|1000|1060|1120|60|2|3|6|\n12+1|COMPLETED|1001|1060|1120|61|2|1|4|\n`;
    const { rows, bad, counts } = readSacctDump(text, 'sacct.txt');
    expect(bad).toEqual([]);
    expect(rows).toMatchObject([
      { job: '12_3', nodes: 3, cpusPerNode: 2, gpusPerNode: 0, runMs: 60_000, limitMs: 120_000 },
      { job: '12+1', submitMs: 1000, nodes: 1 },
    ]);
    expect([...counts.notes.keys()]).toEqual([
      'part of a heterogeneous job: counted as a job of its own',
      'no record has GPUs: Slurm records them where AccountingStorageTRES has gres/gpu',
    ]);
  });

  it('keeps a job whose name has bars, where one column alone has free text', () => {
    const lines = (header: string, fields: string) =>
      `JobID|${header}|State|Submit|ElapsedRaw|NNodes\n7|${fields}|COMPLETED|1000|60|2\n`;
    const { rows, bad, counts } = readSacctDump(lines('JobName', 'a|b||c'), 'sacct.txt');
    expect([rows.length, bad]).toEqual([1, []]);
    expect(rows[0]).toMatchObject({ job: '7', nodes: 2, runMs: 60_000 });
    expect([...counts.notes.keys()]).toContain('has what separates the columns in its JobName');
    // Which of two it is, nobody knows.
    const both = readSacctDump(lines('JobName|Comment', 'a|b|c'), 'sacct.txt');
    expect(both.bad).toEqual([{ line: 2, reason: 'not as many fields as the header', found: '8 of 7' }]);
  });

  it('reads dates with a zone, as SLURM_TIME_FORMAT=%FT%T%z prints them', () => {
    const times = '2026-01-31T10:00:00+0100|2026-01-31T09:05:00+0000|2026-01-31T04:00:00-0530';
    const { rows, originMs } = readSacctDump(`JobID|State|Submit|Start|End|NNodes\n7|COMPLETED|${times}|1\n`, 's');
    expect(originMs).toBe(Date.UTC(2026, 0, 31, 9));
    expect(rows).toMatchObject([{ actualStartMs: 300_000, runMs: 25 * 60_000 }]);
  });

  it('takes the last attempt of a job that was requeued, from when it was first submitted', () => {
    const { rows, bad } = read(
      record({ state: 'NODE_FAIL', elapsed: '00:10:00' }),
      record({ state: 'COMPLETED', submit: '2026-01-31T10:20:00', start: '2026-01-31T10:30:00', elapsed: '00:30:00' }),
    );
    expect(rows).toMatchObject([
      { line: 3, submitMs: 0, actualStartMs: 300_000, runMs: 1_800_000, outcome: 'COMPLETED' },
    ]);
    const reason = 'earlier attempt of a job that was requeued: its last one counts';
    expect(bad).toEqual([{ line: 2, reason, found: 'NODE_FAIL' }]);
  });

  it('does not know when one was cancelled that had been requeued: its start is that of another attempt', () => {
    const { rows } = read(
      record({ state: 'NODE_FAIL', elapsed: '00:10:00' }),
      record({
        state: 'CANCELLED by 0',
        submit: '2026-01-31T10:20:00',
        start: '2026-01-31T10:30:00',
        elapsed: '00:35:00',
      }),
    );
    expect(rows).toHaveLength(1);
    expect(rows[0]).not.toHaveProperty('isCancelledByUser');
  });

  it('says what a job asked for where it held more', () => {
    const requested = 'billing=2,cpu=4,mem=10G,node=2';
    expect(read(record({ requested })).rows).toMatchObject([
      {
        cpusPerNode: 64,
        gpusPerNode: 8,
        asked: { cpusPerNode: 2, gpusPerNode: 0, memoryBytesPerNode: 5 * 1024 ** 3 },
      },
    ]);
    expect(read(record()).rows[0]).not.toHaveProperty('asked');
  });

  it('says of a job that got more nodes than it asked for that its CPUs may be anywhere', () => {
    const allocated = 'billing=13,cpu=13,mem=13000M,node=5';
    const requested = 'billing=13,cpu=13,mem=13000M,node=1';
    expect(read(record({ nodes: '5', allocated, requested })).rows).toMatchObject([
      { nodes: 1, cpusPerNode: 13, memoryBytesPerNode: 13_000 * 1024 ** 2, isSpread: true },
    ]);
    expect(read(record({ nodes: '5', allocated, requested: allocated })).rows[0]).not.toHaveProperty('isSpread');
  });

  it('leaves a job on the nodes that it had where its memory is of each of them, as with select/linear', () => {
    const allocated = 'billing=32,cpu=32,mem=250G,node=2';
    const requested = 'billing=32,cpu=32,mem=125G,node=1';
    const [row] = read(record({ nodes: '2', allocated, requested })).rows;
    expect(row).toMatchObject({ nodes: 2, cpusPerNode: 16, memoryBytesPerNode: 125 * 1024 ** 3 });
    expect(row).not.toHaveProperty('isSpread');
  });

  it('keeps apart what waits, what runs, and what was cancelled before it ran', () => {
    const waiting = { start: 'Unknown', end: 'Unknown', elapsed: '00:00:00', allocated: '' };
    const { rows, open } = read(
      record({ id: '6' }),
      record({ id: '7', state: 'RUNNING', end: 'Unknown', elapsed: '00:10:00' }),
      record({ id: '8', state: 'PENDING', ...waiting }),
      record({ id: '9_[2-3,5%2]', state: 'PENDING', ...waiting }),
      record({ id: '10', state: 'CANCELLED by 0', ...waiting, start: 'None', end: '2026-01-31T10:07:00' }),
    );
    expect(rows.map(({ job }) => job)).toEqual(['6']);
    const told = open.map(({ job, actualStartMs, runMs, cancelAfterMs }) => [job, actualStartMs, runMs, cancelAfterMs]);
    expect(new Set(told)).toEqual(
      new Set([
        ['7', 300_000, 600_000, undefined],
        ['8', null, 0, undefined],
        ['9_2', null, 0, undefined],
        ['9_3', null, 0, undefined],
        ['9_5', null, 0, undefined],
        ['10', null, 0, 420_000],
      ]),
    );
  });

  it.each([
    ['a job that runs', { state: 'RUNNING', end: 'Unknown' }, 'it has not ended', 'RUNNING'],
    ['a job that waits', { state: 'PENDING', start: 'Unknown', end: 'Unknown' }, 'it has not ended', 'PENDING'],
    ['tasks that wait', { id: '12_[4-9%2]', state: 'PENDING' }, 'it has not ended', '12_[4-9%2] PENDING'],
    ['a job cancelled in the queue', { state: 'CANCELLED by 0', start: 'None' }, 'cancelled before it ran', '7'],
    ['a run time of zero', { elapsed: '00:00:00' }, 'run time is zero', '7, COMPLETED'],
    ['an end before the start', { elapsed: '', end: '2026-01-31T10:00:00' }, 'it ends before it starts', '7'],
    ['no run time', { elapsed: '', end: 'Unknown' }, 'run time is not known', '7'],
    ['a date that is none', { submit: 'yesterday' }, 'Submit is not a date such as 2026-01-31T12:00:00', '"yesterday"'],
    ['a limit that is none', { limit: 'soon' }, 'Timelimit is not a duration', '"soon"'],
    ['an id that is none', { id: 'seven' }, 'JobID is not one of a job', '"seven"'],
    ['no nodes', { nodes: '', allocated: '', requested: 'cpu=1' }, 'number of nodes is not known', '7'],
    ['too few fields', null, 'not as many fields as the header', '2 of 15'],
  ])('reports %s', (_, fields, reason, found) => {
    const { rows, bad } = read(fields === null ? '7|COMPLETED' : record(fields));
    expect(rows).toEqual([]);
    expect(bad).toEqual([{ line: 2, reason, found }]);
  });

  it('refuses a dump without what it needs, and says how to make one', () => {
    const message =
      /^sacct\.txt:1 missing column Submit, ElapsedRaw, NNodes: expected the output of sacct -aXP -o JobID,/;
    expect(() => readSacctDump('JobID|State\n1|COMPLETED\n', 'sacct.txt')).toThrow(message);
    expect(() => readSacctDump('JobID|State\n', 'sacct.txt')).toThrow(OrreryError);
  });
});

describe('trackable resources', () => {
  it('are counts, and bytes of memory', () => {
    expect(parseTres('billing=64,cpu=64,gres/gpu:a100=8,gres/gpu=8,mem=1.50T,node=1,energy=')).toEqual(
      new Map([
        ['billing', 64],
        ['cpu', 64],
        ['gres/gpu:a100', 8],
        ['gres/gpu', 8],
        ['mem', 1.5 * 1024 ** 4],
        ['node', 1],
        ['energy', 0],
      ]),
    );
    expect(parseTres('')).toEqual(new Map());
  });
});
