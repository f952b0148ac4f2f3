import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { type Machine, readMachine, type VirtualCluster, virtualNodes } from '../../backend/local/virtual-nodes.ts';
import { type Cluster, expandNodes } from '../../cluster/cluster.ts';
import type { NodeSpec } from '../../cluster/node.ts';
import { OrreryError } from '../../contract/errors.ts';
import { parseClusterFile } from '../../formats/cluster-file.ts';
import { definite } from '../../lib/assert.ts';
import { readInputFile } from '../input-file.ts';
import { packageFolder } from '../package.ts';

const NODE_COUNT_DEFAULT = 3;

export interface LocalNodes {
  clusterName: string;
  specs: NodeSpec[];
  /** The machine's GPUs that each node's stand for; null on a machine without GPUs. */
  gpusOfNode: ReadonlyMap<string, readonly number[]> | null;
}

/**
 * The virtual nodes that share this machine: `count` of them, or those of a cluster file. What a file leaves to `auto` is shared out; what
 * it states is promised to jobs whether the machine has it or not, except for GPUs on a machine that has GPUs: those are real.
 * Throws ORR_BAD_FILE, ORR_USAGE.
 */
export async function localNodes(options: { count?: number; clusterFile?: string }): Promise<LocalNodes> {
  const { count, clusterFile } = options;
  const cluster = clusterFile === undefined ? null : readCluster(clusterFile);
  const machine = await readMachine();
  if (cluster === null) {
    const { nodes, gpusOfNode } = virtualNodes(machine, count ?? NODE_COUNT_DEFAULT);
    return { clusterName: 'local', specs: nodes, gpusOfNode };
  }
  if (count === undefined) return clusterNodes(cluster, machine);
  const [nodes, ...others] = cluster.nodeTypes;
  if (nodes === undefined || others.length > 0) {
    throw new OrreryError(
      'ORR_USAGE',
      `--nodes: cluster ${cluster.name} has several kinds of nodes: leave --nodes out`,
    );
  }
  return clusterNodes({ ...cluster, nodeTypes: [{ ...nodes, count }] }, machine);
}

/** The nodes of a cluster, dealt onto a machine. */
export function clusterNodes(cluster: Cluster, machine: Machine): LocalNodes {
  const types = cluster.nodeTypes.flatMap((type) => Array.from({ length: type.count }, () => type));
  const dealt = virtualNodes(machine, types.length);
  const auto = definite(dealt.nodes[0], 'a cluster has nodes').resources;
  const specs = expandNodes(cluster, auto).map((spec, index) => {
    if (types[index]?.gpusPerNode !== 'auto') return spec;
    const { resources, gpuType } = definite(dealt.nodes[index], 'every node is dealt');
    return { ...spec, gpuType: spec.gpuType ?? gpuType, resources: { ...spec.resources, gpus: resources.gpus } };
  });
  return { clusterName: cluster.name, specs, gpusOfNode: realGpus(specs, dealt) };
}

function realGpus(specs: readonly NodeSpec[], dealt: VirtualCluster): LocalNodes['gpusOfNode'] {
  const { nodes, gpusOfNode } = dealt;
  if (gpusOfNode === null) return null;
  return new Map(
    specs.map((spec, index) => {
      const gpus = gpusOfNode.get(nodes[index]?.name ?? '') ?? [];
      if (spec.resources.gpus > gpus.length) {
        throw new OrreryError(
          'ORR_BAD_FILE',
          `node ${spec.name} is to have ${spec.resources.gpus} GPUs; of this machine's it gets ${gpus.length}: use fewer nodes or GPUs`,
        );
      }
      return [spec.name, gpus];
    }),
  );
}

function readCluster(path: string): Cluster {
  const text = readInputFile(path, 'cluster file');
  const gpuFiles = readdirSync(join(packageFolder, 'catalog', 'gpus')).filter((name) => name.endsWith('.yaml'));
  return parseClusterFile(
    text,
    path,
    gpuFiles.map((name) => name.slice(0, -'.yaml'.length)),
  );
}
