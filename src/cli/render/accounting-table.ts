import type { AccountingRow } from '../../contract/api.ts';
import { type Column, renderTable } from './table.ts';
import type { Terminal } from './terminal.ts';

export function renderAccounting(rows: readonly AccountingRow[], by: 'account' | 'job', terminal: Terminal): string {
  const key: Column<AccountingRow>[] =
    by === 'job'
      ? [
          { header: 'JOBID', align: 'right', text: (row) => row.key },
          { header: 'NAME', isFlexible: true, text: (row) => row.name },
        ]
      : [
          { header: 'ACCOUNT', isFlexible: true, text: (row) => row.key },
          { header: 'JOBS', align: 'right', text: (row) => String(row.jobs) },
        ];
  return renderTable(
    [
      ...key,
      { header: 'GPU-HOURS', align: 'right', text: (row) => row.gpuHours.toFixed(3) },
      { header: 'CPU-HOURS', align: 'right', text: (row) => row.cpuHours.toFixed(3) },
      { header: 'NODE FAILURES', align: 'right', text: (row) => String(row.nodeFailures) },
      { header: 'ETTR', align: 'right', text: (row) => (row.ettr === null ? '-' : row.ettr.toFixed(3)) },
    ],
    rows,
    terminal,
  );
}
