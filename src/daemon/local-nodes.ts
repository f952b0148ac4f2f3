import { readMachine, virtualNodes } from '../backend/local/virtual-nodes.ts';
import type { NodeSpec } from '../cluster/node.ts';

const NODE_COUNT_DEFAULT = 3;

export interface LocalNodes {
  clusterName: string;
  specs: NodeSpec[];
  /** The machine's GPUs that each node's stand for; null on a machine without GPUs. */
  gpusOfNode: ReadonlyMap<string, readonly number[]> | null;
}

/** The virtual nodes that share this machine. */
export async function localNodes({ count }: { count: number | undefined }): Promise<LocalNodes> {
  const { nodes, gpusOfNode } = virtualNodes(await readMachine(), count ?? NODE_COUNT_DEFAULT);
  return { clusterName: 'local', specs: nodes, gpusOfNode };
}
