import { stringify } from 'yaml';
import type { NodeSpec } from '../cluster/node.ts';
import { formatHostList } from './host-list.ts';

const MEBI = 1024 ** 2;

/** Neighbours in the list of nodes that are alike. */
interface Kind {
  node: NodeSpec;
  names: string[];
}

/** A cluster file with these nodes, in this order: `expandNodes` gives them back. Memory is in whole MiB, as Slurm has it. */
export function clusterYaml(name: string, title: string, nodes: readonly NodeSpec[]): string {
  const kinds: Kind[] = [];
  for (const node of nodes) {
    const last = kinds.at(-1);
    if (last !== undefined && isAlike(last.node, node)) last.names.push(node.name);
    else kinds.push({ node, names: [node.name] });
  }
  const [first, ...others] = kinds.map(nodeTypeOf);
  return stringify({
    name: clusterName(name),
    title,
    nodes: first,
    ...(others.length > 0 && { otherNodes: others }),
  });
}

/** In the letters that the name of a cluster file may have. */
export function clusterName(name: string): string {
  const plain = name.toLowerCase().replaceAll(/[^a-z0-9-]+/g, '-');
  return /^[a-z0-9]/.test(plain) ? plain : `cluster${plain}`;
}

function nodeTypeOf({ node: { resources, gpuType, leaf, weight }, names }: Kind) {
  return {
    hosts: formatHostList(names),
    ...(leaf !== null && { leaf }),
    ...(weight !== undefined && { weight }),
    cpus: resources.cpus,
    memoryMebibytes: Math.max(1, Math.round(resources.memoryBytes / MEBI)),
    ...(resources.gpus > 0 && { gpusPerNode: resources.gpus }),
    ...(gpuType !== null && { gresType: gpuType }),
  };
}

function isAlike(a: NodeSpec, b: NodeSpec): boolean {
  return (
    a.leaf === b.leaf &&
    a.weight === b.weight &&
    a.gpuType === b.gpuType &&
    a.resources.cpus === b.resources.cpus &&
    a.resources.memoryBytes === b.resources.memoryBytes &&
    a.resources.gpus === b.resources.gpus
  );
}
