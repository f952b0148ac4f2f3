import type { JobPriority, Share } from '../../contract/api.ts';
import { jobLabel } from '../../contract/job-array.ts';
import { type Column, renderTable } from './table.ts';
import type { Terminal } from './terminal.ts';

/** As `sprio` shows them. */
export function renderPriorities(priorities: readonly JobPriority[], terminal: Terminal): string {
  const part = (header: string, of: (job: JobPriority) => number): Column<JobPriority> => ({
    header,
    align: 'right',
    text: (job) => String(Math.round(of(job))),
  });
  return renderTable(
    [
      { header: 'JOBID', align: 'right', text: jobLabel },
      { header: 'USER', isFlexible: true, text: ({ user }) => user },
      { header: 'ACCOUNT', isFlexible: true, text: ({ account }) => account },
      part('PRIORITY', ({ priority }) => priority),
      part('AGE', ({ age }) => age),
      part('FAIRSHARE', ({ fairshare }) => fairshare),
      part('JOBSIZE', ({ jobSize }) => jobSize),
      part('PARTITION', ({ partition }) => partition),
      part('QOS', ({ qos }) => qos),
      ...(priorities.some(({ tres }) => tres > 0) ? [part('TRES', ({ tres }) => tres)] : []),
      part('OWN', ({ own }) => own),
    ],
    priorities,
    terminal,
  );
}

/** As `sshare` shows them. */
export function renderShares(shares: readonly Share[], terminal: Terminal): string {
  return renderTable(
    [
      { header: 'ACCOUNT', isFlexible: true, text: ({ account }) => account },
      { header: 'USER', isFlexible: true, text: ({ user }) => user },
      { header: 'SHARE', align: 'right', text: ({ share }) => share.toFixed(3) },
      { header: 'BILLED HOURS', align: 'right', text: ({ billingSeconds }) => (billingSeconds / 3600).toFixed(3) },
      { header: 'USE', align: 'right', text: ({ use }) => use.toFixed(3) },
      { header: 'FACTOR', align: 'right', text: ({ factor }) => factor.toFixed(3) },
    ],
    shares,
    terminal,
  );
}
