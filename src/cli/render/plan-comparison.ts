import type { Compared } from '../plan/comparison.ts';
import { digits, layoutText, percent, secondsText, whole } from './plan-report.ts';
import { renderTable } from './table.ts';
import type { Terminal } from './terminal.ts';

/** Clusters side by side, each against the first. */
export function renderComparison(compared: readonly Compared[], terminal: Terminal): string {
  const table = renderTable<Compared>(
    [
      { header: 'CLUSTER', text: ({ plan }) => plan.cluster.name },
      { header: 'GPUS', align: 'right', text: ({ plan }) => whole(plan.gpus) },
      { header: 'BATCH', align: 'right', text: ({ plan }) => whole(plan.globalBatch) },
      { header: 'STEP', align: 'right', text: ({ plan }) => secondsText(plan.best.iterationSeconds) },
      { header: 'MFU', align: 'right', text: ({ plan }) => percent(plan.best.mfu) },
      { header: 'DAYS', align: 'right', isSecondary: true, text: ({ plan }) => digits(plan.best.days) },
      { header: 'WITH FAILURES', align: 'right', text: ({ plan }) => digits(plan.best.expectedDays) },
      { header: 'SPEED-UP', align: 'right', text: ({ strong }) => `${strong.speedUp.toFixed(2)} x` },
      { header: 'EFFICIENCY', align: 'right', text: ({ strong }) => percent(strong.efficiency) },
      { header: 'WEAK BATCH', align: 'right', isSecondary: true, text: ({ weak }) => whole(weak.globalBatch) },
      {
        header: 'WEAK SPEED-UP',
        align: 'right',
        isSecondary: true,
        text: ({ weak }) => `${weak.speedUp.toFixed(2)} x`,
      },
      { header: 'WEAK EFFICIENCY', align: 'right', isSecondary: true, text: ({ weak }) => percent(weak.efficiency) },
    ],
    compared,
    terminal,
  );
  const layouts = compared.map(({ plan }) => {
    const warning = plan.fits ? '' : '; does not fit into memory';
    return `  ${plan.cluster.name}: ${layoutText(plan.best.parallelism)}${warning}`;
  });
  const missing = new Set(compared.flatMap(({ plan }) => plan.best.notValidated));
  const labels = missing.size === 0 ? [] : ['', `Not validated by any published run: ${[...missing].join(', ')}`];
  return [table, '', 'Best layouts', ...layouts, ...labels].join('\n');
}
