import { expect, it } from 'vitest';
import { readQueueCsv } from './queue-csv.ts';
import { readUsageCsv, usageCsvText } from './usage-csv.ts';

const HEADER = 'job,submit_s,start_s,nodes,gpus_per_node,runtime_s,state,node_list';
const read = (...lines: string[]) => readQueueCsv([HEADER, ...lines, ''].join('\n'), 'queue.csv');

it('a queue has jobs that run on their nodes, that wait, and that are held, in the order of submission', () => {
  const rows = read('b,-10,,1,0,60,PENDING,', 'a,-20.5,-5,2,8,60,RUNNING,"n[1-2]"', 'c,0,,1,0,60,held,');
  expect(
    rows.map(({ job, submitMs, actualStartMs, nodeNames, isHeld }) => [
      job,
      submitMs,
      actualStartMs,
      nodeNames,
      isHeld,
    ]),
  ).toEqual([
    ['a', -20_500, -5000, ['n1', 'n2'], false],
    ['b', -10_000, null, null, false],
    ['c', 0, null, null, true],
  ]);
});

it.each([
  ['a,-1,,1,0,60,DONE,', 'queue.csv:2 state is not RUNNING, PENDING or HELD, found "DONE"'],
  ['a,-1,-1,1,0,60,RUNNING,n[', 'queue.csv:2 node_list is not a host list, found "n["'],
  ['a,-1,,1,0,60,RUNNING,n1', 'queue.csv:2 start_s is not seconds <= 0, found ""'],
  ['a,-1,,0,0,60,PENDING,', 'queue.csv:2 nodes is not an integer > 0, found "0"'],
])('%s is refused', (line, message) => {
  expect(() => read(line)).toThrow(message);
});

it('use so far is read as it was written, with and without the factor in force', () => {
  const uses = [
    { account: 'vision', user: 'ada', billingSeconds: 12.5, factor: 0.25 },
    { account: 'vision', user: 'eve', billingSeconds: 0 },
  ];
  expect(readUsageCsv(usageCsvText(uses), 'usage.csv')).toEqual(uses);
  expect(() => readUsageCsv('account,user\nvision,ada\n', 'usage.csv')).toThrow('usage.csv:1 missing column billing_s');
  expect(() => readUsageCsv('account,user,billing_s\nvision,ada,-1\n', 'usage.csv')).toThrow('usage.csv:2 billing_s');
});
