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

export function nodeFormat(state: NodeSummary['state']): Format | null {
  return STATE_FORMATS[state];
}

/** A row a node; below, in words, how many are out for their health or as lemons. */
export function renderNodes(nodes: readonly NodeSummary[], terminal: Terminal): string {
  const table = renderTable(
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
      { header: 'REASON', isFlexible: true, text: reasonOf },
    ],
    nodes,
    terminal,
  );
  const sentence = outageSentence(nodes);
  return sentence === null ? table : `${table}\n\n${sentence}`;
}

/** What a health check or the lemon detector is the cause of in words, anything else as it was given. */
function reasonOf({ outage, reason }: NodeSummary): string {
  if (outage?.cause === 'health' || outage?.cause === 'lemon')
    return outage.words.replace(/^is (?:out (?:after a|as a|because)|a) /, '');
  return reason ?? '';
}

function outageSentence(nodes: readonly NodeSummary[]): string | null {
  const count = (cause: NonNullable<NodeSummary['outage']>['cause']) =>
    nodes.filter(({ outage }) => outage?.cause === cause).length;
  const [unfit, lemons] = [count('health'), count('lemon')];
  if (unfit + lemons === 0) return null;
  const parts = [
    ...(unfit === 0 ? [] : [`${unfit} ${unfit === 1 ? 'node is' : 'nodes are'} out after a failed health check`]),
    ...(lemons === 0
      ? []
      : [`${lemons} ${lemons === 1 ? 'node gets' : 'nodes get'} no jobs as ${lemons === 1 ? 'a lemon' : 'lemons'}`]),
  ];
  return `${parts.join(', ')}: orrery nodes show NODE says more.`;
}
