import { basename } from 'node:path';
import type { Cluster, NodeType } from '../../cluster/cluster.ts';
import { OrreryError } from '../../contract/errors.ts';
import { type HealthExpectation, NO_EXPECTATION } from '../../contract/health.ts';

/** Where it is said what a node should have: by a cluster's node type, a file, a flag. Of two that say something the later goes before. */
export interface ExpectationOptions {
  expect?: string;
  cluster?: string;
  nodeType?: string;
  gpus?: number;
}

/** Of the memory a cluster file states: firmware and kernel keep some of it. */
const MEMORY_SHARE_MIN = 0.95;

/** Throws ORR_BAD_FILE, ORR_UNKNOWN_CLUSTER, ORR_USAGE. */
export async function readExpectation(options: ExpectationOptions): Promise<HealthExpectation> {
  const file = options.expect === undefined ? NO_EXPECTATION : await readFile(options.expect);
  const cluster = options.cluster === undefined ? {} : await ofCluster(options.cluster, options.nodeType);
  const flags = options.gpus === undefined ? {} : { count: options.gpus };
  const gpus = { ...cluster.gpus, ...file.gpus, ...flags };
  return {
    ...file,
    ...(Object.keys(gpus).length > 0 && { gpus }),
    ...(cluster.infiniband !== undefined && { infiniband: { ...cluster.infiniband, ...file.infiniband } }),
    ...(cluster.memory !== undefined && { memory: { ...cluster.memory, ...file.memory } }),
    ...(cluster.cpus !== undefined && { cpus: { ...cluster.cpus, ...file.cpus } }),
  };
}

// Loaded where they are used only: a prolog without a file has no need of a YAML parser.
async function readFile(path: string): Promise<HealthExpectation> {
  const [{ parseHealthFile }, { readText }] = await Promise.all([
    import('../../formats/health-file.ts'),
    import('../read-text.ts'),
  ]);
  return parseHealthFile(await readText(path), basename(path));
}

type OfCluster = Pick<HealthExpectation, 'gpus' | 'infiniband' | 'memory' | 'cpus'>;

async function ofCluster(nameOrFile: string, namePrefix: string | undefined): Promise<OfCluster> {
  const [{ loadCluster }, { loadGpuType }] = await Promise.all([
    import('../load-cluster.ts'),
    import('../gpu-catalogue.ts'),
  ]);
  const cluster = await loadCluster(nameOrFile);
  const node = nodeType(cluster, namePrefix);
  const gpuType = node.gpuType === null ? null : await loadGpuType(node.gpuType);
  return expectationOf(cluster, node, gpuType?.title ?? null);
}

function nodeType({ name, nodeTypes }: Cluster, namePrefix: string | undefined): NodeType {
  const found = nodeTypes.find((type) => namePrefix === undefined || type.namePrefix === namePrefix);
  if (found !== undefined && (namePrefix !== undefined || nodeTypes.length === 1)) return found;
  const prefixes = nodeTypes.map((type) => type.namePrefix).join(', ');
  throw new OrreryError(
    'ORR_USAGE',
    `--node-type: cluster ${name} has the kinds of nodes ${prefixes}: name one of them`,
  );
}

/** What a node of this type has, as far as the cluster file says it. */
function expectationOf({ fabric }: Pick<Cluster, 'fabric'>, node: NodeType, gpuTitle: string | null): OfCluster {
  const { cpus, memoryBytes, gpusPerNode } = node;
  const ports = fabric?.linksPerNode ?? null;
  const bytesPerSecond = fabric?.linkBytesPerSecond ?? null;
  // Of `NVIDIA A100-SXM4-80GB` the model: how a driver writes the rest differs.
  const type = gpuTitle === null ? null : (/\b[A-Z]+\d+\w*\b/.exec(gpuTitle.replace('NVIDIA', ''))?.[0] ?? null);
  const isInfiniBand = /infiniband/i.test(fabric?.title ?? '');
  return {
    ...(typeof gpusPerNode === 'number' && { gpus: { count: gpusPerNode, ...(type !== null && { type }) } }),
    ...(isInfiniBand &&
      ports !== null && {
        infiniband: { ports, ...(bytesPerSecond !== null && { gigabitsPerSecond: (bytesPerSecond * 8) / 1e9 }) },
      }),
    ...(typeof memoryBytes === 'number' && { memory: { gigabytesMin: (memoryBytes / 1e9) * MEMORY_SHARE_MIN } }),
    ...(typeof cpus === 'number' && { cpus: { count: cpus } }),
  };
}
