import { resolve } from 'node:path';
import { type Cluster, expandNodes } from '../../cluster/cluster.ts';
import type { NodeSpec, Resources } from '../../cluster/node.ts';
import { OrreryError } from '../../contract/errors.ts';
import type { SlurmConf } from '../../formats/slurm-conf.ts';
import { swfMachine } from '../../formats/swf.ts';
import { loadCluster } from '../load-cluster.ts';
import { counted } from '../render/sim-words.ts';
import type { Overrides } from './overrides.ts';
import type { ReadingRemark } from './simulation-inputs.ts';
import { readTraceText } from './trace-file.ts';

/** A node of which nothing is said: a DGX A100 (two AMD EPYC 7742 of 64 cores, 1 TB, 8 GPUs). */
const NODE_DEFAULT: Resources = { cpus: 128, memoryBytes: 1e12, gpus: 8 };

/** What to do where nobody says how large the machine is. */
export const NO_CLUSTER =
  'cluster: missing: give --cluster NAME (`orrery clusters` lists them), --slurm-conf FILE or --set nodes=N';

/** The machine of a simulation. */
export interface SimulatedCluster {
  name: string;
  nodes: readonly NodeSpec[];
  /** Of a node; null where its file gives none. */
  powerWattsMax: number | null;
  /** Where it was not given: what it was taken from. */
  remarks?: readonly ReadingRemark[];
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

/** The machine that the header of a trace tells, with what `--set` changes: SWF's. Throws ORR_USAGE where it tells none, ORR_BAD_FILE. */
export async function traceCluster(file: string, overrides: Overrides): Promise<SimulatedCluster> {
  const { text, fileName } = await readTraceText(resolve(file));
  const machine = swfMachine(text);
  if (machine === null) throw new OrreryError('ORR_USAGE', NO_CLUSTER);
  const { nodes, cpusPerNode } = machine;
  const what = `no cluster is given: it is the one that the header of ${fileName} tells, ${counted(nodes, 'node')} of ${counted(cpusPerNode, 'CPU')}`;
  return {
    ...plainCluster({ gpusPerNode: 0, cpusPerNode, ...overrides, nodes }),
    name: `header of ${fileName}`,
    remarks: [{ what, examples: [] }],
  };
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
