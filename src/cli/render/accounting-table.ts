import type { AccountingKey, AccountingRow } from '../../contract/api.ts';
import { type Column, renderTable } from './table.ts';
import type { Terminal } from './terminal.ts';

export function renderAccounting(rows: readonly AccountingRow[], by: AccountingKey, terminal: Terminal): string {
  const key: Column<AccountingRow>[] =
    by === 'job'
      ? [
          { header: 'JOBID', align: 'right', text: (row) => row.key },
          { header: 'NAME', isFlexible: true, text: (row) => row.name },
        ]
      : [
          { header: by.toUpperCase(), isFlexible: true, text: (row) => row.key },
          { header: 'JOBS', align: 'right', text: (row) => String(row.jobs) },
        ];
  return renderTable(
    [
      ...key,
      { header: 'GPU-HOURS', align: 'right', text: (row) => row.gpuHours.toFixed(3) },
      { header: 'CPU-HOURS', align: 'right', isSecondary: true, text: (row) => row.cpuHours.toFixed(3) },
      { header: 'LOST GPU-HOURS', align: 'right', text: lostText },
      { header: 'NODE FAILURES', align: 'right', text: (row) => String(row.nodeFailures) },
      { header: 'PREEMPTIONS', align: 'right', text: (row) => String(row.preemptions) },
      { header: 'ETTR', align: 'right', text: (row) => (row.ettr === null ? '-' : row.ettr.toFixed(3)) },
    ],
    rows,
    terminal,
  );
}

/** `12.500 (PREEMPTED)`: with how most of it was lost. */
function lostText({ lostGpuHours, lostGpuHoursByState }: AccountingRow): string {
  const [most] = Object.entries(lostGpuHoursByState).sort(([, a], [, b]) => b - a);
  return `${lostGpuHours.toFixed(3)}${most === undefined || lostGpuHours === 0 ? '' : ` (${most[0]})`}`;
}
