import type { NodeSummary } from '../../contract/api.ts';
import { formatMemory } from '../../lib/units.ts';
import { renderTable } from './table.ts';
import type { Format, Terminal } from './terminal.ts';

const STATE_FORMATS: Record<NodeSummary['state'], Format | null> = {
  idle: null,
  mixed: 'green',
  allocated: 'green',
  draining: 'yellow',
  drained: 'yellow',
  down: 'red',
};

export function renderNodes(nodes: readonly NodeSummary[], terminal: Terminal): string {
  return renderTable(
    [
      { header: 'NODE', text: (node) => node.name },
      ...(nodes.some(({ partitions }) => partitions.length > 0)
        ? [{ header: 'PARTITION', isFlexible: true as const, text: (node: NodeSummary) => node.partitions.join(',') }]
        : []),
      { header: 'STATE', text: (node) => node.state, format: (node) => STATE_FORMATS[node.state] },
      { header: 'CPUS', align: 'right', text: (node) => `${node.cpusFree}/${node.cpus}` },
      {
        header: 'MEMORY',
        align: 'right',
        text: (node) => `${formatMemory(node.memoryFreeBytes)}/${formatMemory(node.memoryBytes)}`,
      },
      { header: 'GPUS', align: 'right', text: (node) => `${node.gpusFree}/${node.gpus}` },
      { header: 'TYPE', isFlexible: true, text: (node) => node.gpuType ?? 'CPU slots' },
      { header: 'JOBS', isFlexible: true, text: (node) => node.jobs.join(',') },
      { header: 'REASON', isFlexible: true, text: (node) => node.reason ?? '' },
    ],
    nodes,
    terminal,
  );
}
