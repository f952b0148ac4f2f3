import type { NodeSpec, Resources } from '../cluster/node.ts';
import type { PartitionPolicy } from '../scheduler/policy.ts';
import type { TraceOptions } from './trace-options.ts';
import type { TraceRow } from './trace-row.ts';

const MEBI = 1024 ** 2;

/** What rows that ask for the same come to on this cluster. */
export interface Shape {
  /** How many nodes of the partition have what they ask for on each. */
  nodeCount: number;
  /** What a job takes on each node where it shares nodes. */
  shared: Resources;
  /** All of a node's memory for want of an amount. */
  isAllMemory: boolean;
  /** As little as a node has that has that: for jobs with whole nodes. */
  whole: Resources;
  /** Whoever has whole nodes asks for `shared` all the same: in Slurm, it is what its priority goes by. */
  isAsked: boolean;
  gpuType: string | null;
}

/** Kinds of nodes, and what rows ask of them: a few answers, since traces ask the same again and again. */
export class ShapeBook {
  private readonly options: TraceOptions;
  private readonly gpuTypes: ReadonlySet<string | null>;
  private readonly shapes = new Map<string, Shape | null>();
  /** Of partitions that do not have all nodes, by name; the empty name stands for all nodes. */
  private readonly kinds = new Map<string, readonly NodeKind[]>();
  /** Many in a row ask for the same. */
  private last: { row: TraceRow; partition: PartitionPolicy | undefined; shape: Shape | null } | null = null;

  constructor(options: TraceOptions) {
    this.options = options;
    this.gpuTypes = new Set(options.nodes.map(({ gpuType }) => gpuType));
  }

  /** Null where no node of the partition has what the row asks for. */
  of(row: TraceRow, partition: PartitionPolicy | undefined): Shape | null {
    const { last } = this;
    if (last !== null && last.partition === partition && asksTheSame(last.row, row)) return last.shape;
    const shape = this.find(row, partition);
    this.last = { row, partition, shape };
    return shape;
  }

  /** In words what no node of the partition has, and the most that one has: of a row that has no shape. */
  missingText(row: TraceRow, partition: PartitionPolicy | undefined): string {
    const { isMemoryConsumed = true } = this.options;
    const resources = this.kindsOf(partition).map(({ node }) => node.resources);
    const most = (of: keyof Resources) => resources.reduce((max, each) => Math.max(max, each[of]), 0);
    const { gpusPerNode, cpusPerNode, memoryBytesPerNode } = row;
    const mebi = (bytes: number) => `${Math.floor(bytes / MEBI)} MiB`;
    const parts: string[] = [];
    if ((gpusPerNode ?? 0) > most('gpus'))
      parts.push(most('gpus') === 0 ? 'GPUs' : `${gpusPerNode} GPUs (at most ${most('gpus')})`);
    if ((cpusPerNode ?? 0) > most('cpus')) parts.push(`${cpusPerNode} CPUs (at most ${most('cpus')})`);
    if (isMemoryConsumed && memoryBytesPerNode !== null && memoryBytesPerNode > most('memoryBytes')) {
      const asked = Math.ceil(memoryBytesPerNode / MEBI);
      parts.push(`${asked} MiB of memory (at most ${mebi(most('memoryBytes'))})`);
    }
    return parts.length === 0 ? `${askedText(row)} together` : parts.join(', ');
  }

  private find(row: TraceRow, partition: PartitionPolicy | undefined): Shape | null {
    const { isMemoryConsumed = true } = this.options;
    const memoryBytes = isMemoryConsumed ? row.memoryBytesPerNode : null;
    const key = `${row.gpusPerNode} ${row.cpusPerNode} ${memoryBytes} ${row.gpuType} ${partition?.name ?? ''}`;
    const known = this.shapes.get(key);
    if (known !== undefined) return known;
    const shape = this.newShape(row, memoryBytes, partition);
    this.shapes.set(key, shape);
    return shape;
  }

  private newShape(row: TraceRow, memoryBytes: number | null, partition: PartitionPolicy | undefined): Shape | null {
    const kinds = this.kindsOf(partition);
    // The main kind of node is the first; whoever asks for all of a node means one like it.
    const all = row.gpusPerNode === null ? kinds[0]?.node.resources : undefined;
    const gpus = row.gpusPerNode ?? all?.gpus ?? 0;
    const cpusMin = row.cpusPerNode ?? all?.cpus ?? 0;
    const memoryMin = memoryBytes ?? all?.memoryBytes ?? 0;
    const gpuType = row.gpuType !== null && this.gpuTypes.has(row.gpuType) ? row.gpuType : null;
    const fitting = kinds.filter(
      ({ node: { resources, gpuType: type } }) =>
        resources.gpus >= gpus &&
        resources.cpus >= cpusMin &&
        resources.memoryBytes >= memoryMin &&
        (gpuType === null || type === gpuType),
    );
    const [first, ...others] = fitting.map(({ node }) => node.resources);
    if (first === undefined) return null;
    // As little as a node of any of these kinds has: the job may have each of them.
    const whole = others.reduce(least, first);
    const { isMemoryConsumed = true, defaultAsk, cpusStep = 1 } = this.options;
    const ask = defaultAsk?.(gpus, partition?.name ?? null);
    const isAllMemory = memoryBytes === null && isMemoryConsumed && ask !== undefined && ask.memoryBytes === null;
    const share = whole.gpus > 0 && gpus > 0 ? gpus / whole.gpus : 1 / Math.max(1, whole.cpus);
    const cpus = row.cpusPerNode ?? ask?.cpus ?? Math.floor(whole.cpus * share);
    const ofShare = ask?.memoryBytes ?? Math.floor(whole.memoryBytes * share);
    return {
      nodeCount: fitting.reduce((sum, { count }) => sum + count, 0),
      shared: {
        cpus: Math.min(whole.cpus, Math.ceil(cpus / cpusStep) * cpusStep),
        // Where it never runs out nobody has a share: jobs of several shapes would keep each other out for want of it.
        memoryBytes: isMemoryConsumed ? (memoryBytes ?? (isAllMemory ? whole.memoryBytes : ofShare)) : 0,
        gpus,
      },
      isAllMemory,
      whole,
      isAsked: defaultAsk !== undefined && row.gpusPerNode !== null,
      gpuType,
    };
  }

  private kindsOf(partition: PartitionPolicy | undefined): readonly NodeKind[] {
    const names = partition?.nodes ?? null;
    const key = names === null ? '' : (partition?.name ?? '');
    let kinds = this.kinds.get(key);
    if (kinds === undefined) {
      const members = names === null ? null : new Set(names);
      const { nodes } = this.options;
      kinds = kindsAmong(members === null ? nodes : nodes.filter(({ name }) => members.has(name)));
      this.kinds.set(key, kinds);
    }
    return kinds;
  }
}

interface NodeKind {
  node: NodeSpec;
  count: number;
}

/** In the order in which they come. */
function kindsAmong(nodes: readonly NodeSpec[]): NodeKind[] {
  const byKey = new Map<string, NodeKind>();
  for (const node of nodes) {
    const { cpus, memoryBytes, gpus } = node.resources;
    const key = `${cpus} ${memoryBytes} ${gpus} ${node.gpuType}`;
    const kind = byKey.get(key);
    if (kind === undefined) byKey.set(key, { node, count: 1 });
    else kind.count += 1;
  }
  return [...byKey.values()];
}

function asksTheSame(a: TraceRow, b: TraceRow): boolean {
  return (
    a.gpusPerNode === b.gpusPerNode &&
    a.cpusPerNode === b.cpusPerNode &&
    a.memoryBytesPerNode === b.memoryBytesPerNode &&
    a.gpuType === b.gpuType
  );
}

/** The lesser of each. */
function least(a: Resources, b: Resources): Resources {
  return {
    cpus: Math.min(a.cpus, b.cpus),
    memoryBytes: Math.min(a.memoryBytes, b.memoryBytes),
    gpus: Math.min(a.gpus, b.gpus),
  };
}

/** What a row asks for on each node, in words. */
export function askedText({ gpusPerNode, cpusPerNode, memoryBytesPerNode, gpuType }: TraceRow): string {
  const parts = [
    gpusPerNode === null ? 'all that the first node has' : `${gpusPerNode} GPUs`,
    cpusPerNode === null ? null : `${cpusPerNode} CPUs`,
    memoryBytesPerNode === null ? null : `${Math.ceil(memoryBytesPerNode / MEBI)} MiB of memory`,
    gpuType === null ? null : `GPU type ${gpuType}`,
  ].filter((part) => part !== null);
  return parts.join(', ');
}
