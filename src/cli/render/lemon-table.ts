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
export function renderLemons(
  { nodes, isDraining, windowDays, xids }: LemonList,
  terminal: Terminal,
  nowMs: number,
): string {
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
    xidSentence(xids, nowMs),
  ].join('\n');
}

/** Whether 0 XID errors means that there were none. */
function xidSentence(xids: LemonList['xids'], nowMs: number): string {
  if (xids.source === 'machine') return 'XID errors are those that the daemon sees on this machine.';
  if (xids.source === 'none') return 'XID errors are not looked for: orrery up --health-interval 300 does.';
  const { folder, nodes, lastTime } = xids;
  if (lastTime !== null) {
    const many = nodes === 1 ? '1 node has' : `${nodes} nodes have`;
    return `XID errors are those that nodes report: ${many} in ${folder}, the last ${formatTime(lastTime, nowMs)}.`;
  }
  return `No node has reported XID errors yet: orrery health check --report ${folder} does, on the nodes.`;
}

export function signalHeader(signal: string): string {
  return HEADERS[signal] ?? signal;
}

export function short(value: number): string {
  return String(Number(value.toFixed(2)));
}
