import type { LemonList } from '../../contract/api.ts';
import { type Column, renderTable } from './table.ts';
import type { Terminal } from './terminal.ts';
import { formatTime } from './time.ts';

interface Row {
  name: string;
  verdict: string;
  cells: readonly string[];
}

/** The paper's names are too long for a screen. */
const HEADERS: Readonly<Partial<Record<string, string>>> = {
  excl_jobid_count: 'EXCLUDED',
  xid_cnt: 'XIDS',
  tickets: 'TICKETS',
  out_count: 'OUT',
  multi_node_node_fails: 'MULTI-NODE FAILS',
  single_node_node_fails: 'SINGLE-NODE FAILS',
  single_node_node_failure_rate: 'RATE',
};

/** A row a node, a column a signal: its value, marked where it speaks against the node; last the thresholds of the fleet. */
export function renderLemons(lemons: LemonList, terminal: Terminal, nowMs: number): string {
  const { nodes, isDraining, windowDays } = lemons;
  const signals = nodes[0]?.evidence ?? [];
  const rows: Row[] = nodes.map(({ name, isLemon, evidence }) => ({
    name,
    verdict: isLemon ? 'lemon' : '',
    cells: evidence.map(({ value, isExceeded }) => `${short(value)}${isExceeded ? '*' : ''}`),
  }));
  rows.push({ name: 'above', verdict: '', cells: signals.map(({ threshold }) => short(threshold)) });
  const columns: Column<Row>[] = [
    { header: 'NODE', text: ({ name }) => name },
    { header: 'VERDICT', text: ({ verdict }) => verdict, format: () => 'red' },
    ...signals.map(
      ({ signal }, index): Column<Row> => ({
        header: signalHeader(signal),
        align: 'right',
        text: ({ cells }) => cells[index] ?? '',
      }),
    ),
  ];
  return [
    renderTable(columns, rows, terminal),
    '',
    `Of the last ${windowDays} days; * unusual in this fleet. ${
      isDraining ? 'Lemon nodes are taken out (lemons: drain).' : 'For advice only: nothing is drained.'
    }`,
    xidSentence(lemons, nowMs),
  ].join('\n');
}

/** Whether 0 XID errors means that there were none. */
function xidSentence({ xids, nodes }: LemonList, nowMs: number): string {
  if (xids.source === 'machine') return 'XID errors are those that the daemon sees on this machine.';
  if (xids.source === 'none') return 'XID errors are not looked for: orrery up --health-interval 300 looks for them.';
  const { folder, lastTime } = xids;
  if (lastTime === null) {
    return `No node has left a report in ${folder}, so no XID errors are counted: run orrery health check --report there.`;
  }
  const many = `${xids.nodes} of ${nodes.length} have`;
  return `XID errors are those that nodes report in ${folder}: ${many}, the last ${formatTime(lastTime, nowMs)}.`;
}

export function signalHeader(signal: string): string {
  return HEADERS[signal] ?? signal;
}

export function short(value: number): string {
  return String(Number(value.toFixed(2)));
}
