import type { LemonList } from '../../contract/api.ts';
import { type Column, renderTable } from './table.ts';
import type { Terminal } from './terminal.ts';

type Row = LemonList['nodes'][number];

/** A row a node, a column a signal: its value, marked where it speaks against the node. */
export function renderLemons({ nodes, isDraining, windowDays }: LemonList, terminal: Terminal): string {
  const signals = nodes[0]?.evidence.map(({ signal }) => signal) ?? [];
  const columns: Column<Row>[] = [
    { header: 'NODE', text: ({ name }) => name },
    { header: 'VERDICT', text: ({ isLemon }) => (isLemon ? 'lemon' : ''), format: () => 'red' },
    ...signals.map(
      (signal, index): Column<Row> => ({
        header: signal,
        align: 'right',
        text: ({ evidence }) => {
          const { value = 0, isExceeded = false } = evidence[index] ?? {};
          return `${Number(value.toFixed(3))}${isExceeded ? '*' : ''}`;
        },
      }),
    ),
  ];
  const thresholds =
    nodes[0]?.evidence.map(({ signal, threshold }) => `${signal} ${Number(threshold.toFixed(3))}`) ?? [];
  return [
    renderTable(columns, nodes, terminal),
    '',
    `Of the last ${windowDays} days. * above the fleet's threshold: ${thresholds.join(', ')}.`,
    isDraining ? 'Lemon nodes are drained (the policy says lemons: drain).' : 'For advice only: nothing is drained.',
  ].join('\n');
}
