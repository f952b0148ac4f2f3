import type { LemonList } from '../../contract/api.ts';
import { type Column, renderTable } from './table.ts';
import type { Terminal } from './terminal.ts';

interface Row {
  name: string;
  verdict: string;
  cells: readonly string[];
}

/** The paper's names are too long for a screen. */
const HEADERS: Readonly<Record<string, string>> = {
  excl_jobid_count: 'EXCLUDED',
  xid_cnt: 'XIDS',
  tickets: 'TICKETS',
  out_count: 'OUT',
  multi_node_node_fails: 'MULTI-NODE FAILS',
  single_node_node_fails: 'SINGLE-NODE FAILS',
  single_node_node_failure_rate: 'RATE',
};

/** A row a node, a column a signal: its value, marked where it speaks against the node; last the thresholds of the fleet. */
export function renderLemons({ nodes, isDraining, windowDays }: LemonList, terminal: Terminal): string {
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
        header: HEADERS[signal] ?? signal,
        align: 'right',
        text: ({ cells }) => cells[index] ?? '',
      }),
    ),
  ];
  return [
    renderTable(columns, rows, terminal),
    '',
    `Of the last ${windowDays} days; * unusual in this fleet. ${
      isDraining ? 'Lemon nodes are drained (lemons: drain).' : 'For advice only: nothing is drained.'
    }`,
  ].join('\n');
}

function short(value: number): string {
  return String(Number(value.toFixed(2)));
}
