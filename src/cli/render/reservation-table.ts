import type { Reservation } from '../../contract/api.ts';
import { hostList } from './host-list.ts';
import { type Column, renderTable } from './table.ts';
import { formatTime } from './time.ts';
import type { Terminal } from './terminal.ts';

const FLAGS: Column<Reservation> = { header: 'FLAGS', isFlexible: true, text: ({ flags }) => flags.join(',') };

export function renderReservations(reservations: readonly Reservation[], nowMs: number, terminal: Terminal): string {
  return renderTable(
    [
      { header: 'NAME', text: ({ name }) => name },
      { header: 'STATE', text: ({ state }) => state },
      { header: 'START', text: ({ startTime }) => formatTime(startTime, nowMs) },
      { header: 'END', text: ({ endTime }) => formatTime(endTime, nowMs) },
      { header: 'NODES', isFlexible: true, text: ({ nodes }) => hostList(nodes) },
      { header: 'FOR', isFlexible: true, text: peopleOf },
      ...(reservations.some(({ flags }) => flags.length > 0) ? [FLAGS] : []),
      { header: 'OTHER JOBS', isFlexible: true, text: ({ otherJobs }) => otherJobs.join(',') },
    ],
    reservations,
    terminal,
  );
}

function peopleOf({ users, accounts }: Reservation): string {
  const parts = [
    ...(users.length > 0 ? [`users ${users.join(',')}`] : []),
    ...(accounts.length > 0 ? [`accounts ${accounts.join(',')}`] : []),
  ];
  return parts.length === 0 ? 'nobody' : parts.join(', ');
}
