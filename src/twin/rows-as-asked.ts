import { rowPartitions } from './row-partitions.ts';
import type { TraceOptions } from './trace-options.ts';
import type { TraceRow } from './trace-row.ts';

/**
 * Records say what jobs held. One that had whole nodes, since its partition gives no less or since it held all CPUs of its nodes and asked for fewer, might have
 * had any nodes with what it asked for: the row that comes back says that, and that it has whole nodes. Other rows come back as they are.
 */
export function rowsAsAsked({
  nodes,
  policy: { partitions },
  isExclusive = false,
  exclusivePartitions = [],
}: Pick<TraceOptions, 'nodes' | 'policy' | 'isExclusive' | 'exclusivePartitions'>): (row: TraceRow) => TraceRow {
  const partitionsOf = rowPartitions(partitions);
  const wholeNames = new Set(exclusivePartitions);
  /** CPUs that nodes of a partition have. */
  const sizes = new Map<string, ReadonlySet<number>>();
  const sizesOf = (name: string, members: readonly string[] | null) => {
    let known = sizes.get(name);
    if (known === undefined) {
      const own = members === null ? null : new Set(members);
      const kept = own === null ? nodes : nodes.filter((node) => own.has(node.name));
      sizes.set(name, (known = new Set(kept.map(({ resources }) => resources.cpus))));
    }
    return known;
  };
  return (row) => {
    if (row.asked === undefined && row.isSpread !== true) return row;
    // Those that ran name one, and in several whoever waits is told by the first.
    const [partition] = partitionsOf(row.partition).all;
    const name = partition?.name ?? '';
    if (row.isSpread === true) return onNodesAsLarge(row, Math.max(...sizesOf(name, partition?.nodes ?? null)));
    const { asked, ...held } = row;
    if (asked === undefined) return row;
    const isFull = () => {
      const cpus = row.cpusPerNode ?? 0;
      return sizesOf(name, partition?.nodes ?? null).has(cpus) && (asked.cpusPerNode ?? cpus) < cpus;
    };
    const isWhole = isExclusive || wholeNames.has(name) || isFull();
    return isWhole ? { ...held, ...asked, isExclusive: true } : row;
  };
}

/** On as many nodes as it takes where none has all its CPUs. */
function onNodesAsLarge(row: TraceRow, cpusMax: number): TraceRow {
  const cpus = row.nodes * (row.cpusPerNode ?? 1);
  const nodes = Math.max(row.nodes, Math.ceil(cpus / cpusMax));
  if (nodes === row.nodes || !Number.isFinite(nodes)) return row;
  const bytes = row.memoryBytesPerNode;
  const memoryBytesPerNode = bytes === null ? null : Math.ceil((bytes * row.nodes) / nodes);
  return { ...row, nodes, cpusPerNode: Math.ceil(cpus / nodes), memoryBytesPerNode };
}
