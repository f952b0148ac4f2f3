import { isInService, type NodeState } from '../../cluster/node.ts';
import { nodeSchema } from '../../contract/api.ts';
import type { NodeView } from '../../scheduler/types.ts';
import { nodeOutageOf } from '../nodes/outage-words.ts';
import { entryOf, heaviest, NAMES_MAX } from './bounded-labels.ts';
import type { Family } from './family.ts';

const NODE_STATES = nodeSchema.shape.state.options;
/** So many nodes that are out, or lemons, are named. */
const NODES_NAMED_MAX = 50;

/** What becomes of GPUs, CPUs and memory: held by jobs, free on nodes in service, free on nodes that are not. */
const USES = ['allocated', 'idle', 'out'] as const;
type Use = Record<(typeof USES)[number], number>;
type States = Record<NodeState, number>;

interface PartitionNodes {
  states: States;
  gpus: Use;
}

/** Sums over the nodes, by one pass. */
export class NodeSums {
  readonly states: States = noNodes();
  readonly partitions = new Map<string, PartitionNodes>();
  /** By type. */
  readonly gpus = new Map<string, Use>();
  readonly cpus = noUse();
  readonly memoryBytes = noUse();
  /** Nodes that get no jobs, by cause; those that are not named are counted as one. */
  readonly out = new Map<string, Map<string, number>>();
  readonly lemons: string[] = [];

  /** `partitionsOf`: of a node that does not say itself, by its name. */
  constructor(
    nodes: readonly NodeView[],
    partitionsOf: (nodeName: string) => readonly string[],
    isLemon: (nodeName: string) => boolean,
  ) {
    for (const node of nodes) this.#add(node, node.partitions ?? partitionsOf(node.spec.name));
    for (const { spec } of nodes) if (isLemon(spec.name)) this.lemons.push(spec.name);
  }

  #add(node: NodeView, partitions: readonly string[]): void {
    const { spec, state, free } = node;
    const total = spec.resources;
    const rest = isInService(state) ? 'idle' : 'out';
    const count = (use: Use, all: number, unused: number) => {
      use.allocated += all - unused;
      use[rest] += unused;
    };
    this.states[state] += 1;
    count(this.cpus, total.cpus, free.cpus);
    count(this.memoryBytes, total.memoryBytes, free.memoryBytes);
    if (total.gpus > 0) count(entryOf(this.gpus, spec.gpuType ?? 'untyped', noUse), total.gpus, free.gpus);
    for (const name of partitions.length === 0 ? ['none'] : partitions) {
      const partition = entryOf(this.partitions, name, () => ({ states: noNodes(), gpus: noUse() }));
      partition.states[state] += 1;
      count(partition.gpus, total.gpus, free.gpus);
    }
    const outage = nodeOutageOf(node);
    if (outage !== null) entryOf(this.out, outage.cause, () => new Map<string, number>()).set(spec.name, 1);
  }
}

export const NODE_FAMILIES: readonly Family<NodeSums>[] = [
  {
    name: 'orrery_nodes',
    help: 'Nodes.',
    labels: ['state'],
    read: ({ states }) => NODE_STATES.map((state) => [{ state }, states[state]]),
  },
  {
    name: 'orrery_partition_nodes',
    help: `Nodes of each partition; a node may be in several. The ${NAMES_MAX} with the most nodes.`,
    labels: ['partition', 'state'],
    *read({ partitions }) {
      for (const [partition, { states }] of largest(partitions)) {
        for (const state of NODE_STATES) yield [{ partition, state }, states[state]];
      }
    },
  },
  {
    name: 'orrery_partition_gpus',
    help: `GPUs of each partition; a node may be in several. The ${NAMES_MAX} with the most nodes.`,
    labels: ['partition', 'use'],
    *read({ partitions }) {
      for (const [partition, { gpus }] of largest(partitions)) {
        for (const use of USES) yield [{ partition, use }, gpus[use]];
      }
    },
  },
  {
    name: 'orrery_gpus',
    help: 'GPUs (CPU slots on a machine without): held by jobs, free on nodes in service (idle), free on nodes that are not (out).',
    labels: ['type', 'use'],
    *read({ gpus }) {
      for (const [type, sums] of heaviest(gpus, NAMES_MAX, (use) => total(use), sumOfUses)) {
        for (const use of USES) yield [{ type, use }, sums[use]];
      }
    },
  },
  {
    name: 'orrery_cpus',
    help: 'CPUs, as orrery_gpus.',
    labels: ['use'],
    read: ({ cpus }) => USES.map((use) => [{ use }, cpus[use]]),
  },
  {
    name: 'orrery_memory_bytes',
    help: 'Main memory of the nodes, as orrery_gpus.',
    labels: ['use'],
    read: ({ memoryBytes }) => USES.map((use) => [{ use }, memoryBytes[use]]),
  },
  {
    name: 'orrery_node_out',
    help: `1 for each node that gets no jobs, by cause; ${NODES_NAMED_MAX} of each cause are named, the rest are counted as other.`,
    labels: ['node', 'cause'],
    *read({ out }) {
      for (const [cause, nodes] of out) {
        for (const [node, count] of heaviest(nodes, NODES_NAMED_MAX, Number, add)) yield [{ node, cause }, count];
      }
    },
  },
  {
    name: 'orrery_node_lemon',
    help: `1 for each node that the lemon detector has found; ${NODES_NAMED_MAX} are named, the rest are counted as other.`,
    labels: ['node'],
    *read({ lemons }) {
      const nodes = new Map(lemons.map((name) => [name, 1]));
      for (const [node, count] of heaviest(nodes, NODES_NAMED_MAX, Number, add)) yield [{ node }, count];
    },
  },
];

function largest(partitions: NodeSums['partitions']): Map<string, PartitionNodes> {
  return heaviest(
    partitions,
    NAMES_MAX,
    ({ states }) => NODE_STATES.reduce((sum, state) => sum + states[state], 0),
    (a, b) => {
      const states = noNodes();
      for (const state of NODE_STATES) states[state] = a.states[state] + b.states[state];
      return { states, gpus: sumOfUses(a.gpus, b.gpus) };
    },
  );
}

function noUse(): Use {
  return { allocated: 0, idle: 0, out: 0 };
}

function noNodes(): States {
  return { idle: 0, mixed: 0, allocated: 0, draining: 0, drained: 0, down: 0 };
}

function total({ allocated, idle, out }: Use): number {
  return allocated + idle + out;
}

function sumOfUses(a: Use, b: Use): Use {
  return { allocated: a.allocated + b.allocated, idle: a.idle + b.idle, out: a.out + b.out };
}

function add(a: number, b: number): number {
  return a + b;
}
