import { type Cluster, expandNodes } from '../../cluster/cluster.ts';
import type { NodeSpec, Resources } from '../../cluster/node.ts';
import { OrreryError } from '../../contract/errors.ts';
import type { SlurmConf } from '../../formats/slurm-conf.ts';
import { loadCluster } from '../load-cluster.ts';
import type { Overrides } from './overrides.ts';

/** A node of which nothing is said: a DGX A100 (two AMD EPYC 7742 of 64 cores, 1 TB, 8 GPUs). */
const NODE_DEFAULT: Resources = { cpus: 128, memoryBytes: 1e12, gpus: 8 };

/** The machine of a simulation. */
export interface SimulatedCluster {
  name: string;
  nodes: readonly NodeSpec[];
  /** Of a node; null where its file gives none. */
  powerWattsMax: number | null;
}

/** The nodes of a cluster of the catalogue or of a file, with what `--set` changes. Throws ORR_UNKNOWN_CLUSTER, ORR_BAD_FILE, ORR_USAGE. */
export async function clusterOf(nameOrFile: string, overrides: Overrides): Promise<SimulatedCluster> {
  const cluster = await loadCluster(nameOrFile);
  const { nodes, gpusPerNode, cpusPerNode } = overrides;
  const [main, ...others] = cluster.nodeTypes;
  if (nodes !== undefined && (others.length > 0 || main?.names !== undefined)) {
    throw new OrreryError(
      'ORR_USAGE',
      `set nodes: cluster ${cluster.name} ${others.length > 0 ? 'has several kinds of nodes' : 'names its nodes'}: give a cluster file with the nodes you mean`,
    );
  }
  const nodeTypes = cluster.nodeTypes.map((nodeType) => ({
    ...nodeType,
    count: nodes ?? nodeType.count,
    cpus: cpusPerNode ?? nodeType.cpus,
    gpusPerNode: gpusPerNode ?? nodeType.gpusPerNode,
  }));
  const changed: Cluster = { ...cluster, nodeTypes };
  return {
    name: cluster.name,
    nodes: expandNodes(changed, NODE_DEFAULT),
    powerWattsMax: main?.powerWattsMax ?? null,
  };
}

/** So many nodes of which nothing else is said, for traces that come without their cluster. */
export function plainCluster({ nodes = 0, gpusPerNode, cpusPerNode }: Overrides): SimulatedCluster {
  const resources: Resources = {
    ...NODE_DEFAULT,
    gpus: gpusPerNode ?? NODE_DEFAULT.gpus,
    cpus: cpusPerNode ?? NODE_DEFAULT.cpus,
  };
  const digits = String(nodes).length;
  const specs = Array.from({ length: nodes }, (_, index): NodeSpec => {
    const name = `node${String(index + 1).padStart(digits, '0')}`;
    return { name, resources, gpuType: null, leaf: null };
  });
  return { name: 'plain nodes', nodes: specs, powerWattsMax: null };
}

/** The nodes of a slurm.conf. Throws ORR_USAGE. */
export function slurmCluster({ clusterName, nodes }: SlurmConf, overrides: Overrides): SimulatedCluster {
  for (const name of ['nodes', 'gpusPerNode', 'cpusPerNode'] as const) {
    if (overrides[name] !== undefined) {
      throw new OrreryError('ORR_USAGE', `set ${name}: the nodes are those of the slurm.conf: change it there`);
    }
  }
  return { name: clusterName ?? 'slurm.conf', nodes, powerWattsMax: null };
}
