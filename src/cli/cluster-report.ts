import { readFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import {
  bisectionBytesPerSecond,
  type Cluster,
  type ClusterTotals,
  type GpuType,
  totalsOf,
} from '../cluster/cluster.ts';
import { OrreryError } from '../contract/errors.ts';
import { parseClusterFile } from '../formats/cluster-file.ts';
import { errorCode } from '../lib/error-code.ts';
import { parseTop500File } from '../formats/top500-file.ts';
import { CHECKPOINT_BYTES_PER_PARAMETER, checkpointBytes, storageRate } from '../planner/checkpointing.ts';
import {
  estimateHpl,
  fitHpl,
  type HplEstimate,
  type HplFit,
  type Standing,
  standingIn,
  type Top500List,
} from '../planner/hpl.ts';
import { catalogueFile, catalogueNames } from './catalogue-file.ts';
import { gpuNames, loadGpuType } from './gpu-catalogue.ts';
import { packageFolder } from './package-folder.ts';

const CHECKPOINTED_PARAMETERS = 1e12;

/** A checkpoint of a model of 1 T parameters, written by all nodes at once. */
export interface CheckpointReport {
  parameters: number;
  bytesPerParameter: number;
  bytes: number;
  bytesPerSecond: number;
  seconds: number;
  /** Null: no tier's bandwidth is known, and a node is taken to write as fast as those that trained BLOOM. */
  tier: string | null;
}

/** A cluster with what follows from its figures. */
export interface ClusterReport extends Cluster {
  totals: ClusterTotals;
  gpuTypes: readonly GpuType[];
  /** Null without GPUs. */
  hplEstimate: HplEstimate | null;
  /** Of the measured run where there is one, else of the estimate. */
  standings: readonly Standing[];
  bisectionBytesPerSecond: number | null;
  /** The most that all nodes may draw; null where a kind of node does not say. */
  nodesPowerWattsMax: number | null;
  /** Null without GPUs. */
  checkpoint: CheckpointReport | null;
}

/** What clusters are read and compared with. */
export interface Catalogue {
  gpuTypes: ReadonlyMap<string, GpuType>;
  lists: readonly Top500List[];
  hplFit: HplFit;
}

/** The GPU types and lists of the catalogue. */
export async function readCatalogue(): Promise<Catalogue> {
  const gpuTypes = await readGpuTypes();
  const file = join(packageFolder(), 'catalog', 'top500.yaml');
  const { lists, anchors } = parseTop500File(await readFile(file, 'utf8'), basename(file), [...gpuTypes.keys()]);
  return { gpuTypes, lists, hplFit: fitHpl(anchors, gpuTypes) };
}

/** A cluster of the catalogue, or one from a file. Throws ORR_UNKNOWN_CLUSTER, ORR_BAD_FILE. */
export async function readCluster(nameOrPath: string, { gpuTypes, lists, hplFit }: Catalogue): Promise<ClusterReport> {
  const path = catalogueFile('cluster', nameOrPath);
  const yaml = await readFile(path, 'utf8').catch((cause: unknown) => {
    const code = errorCode(cause);
    const why = code === 'ENOENT' ? 'no such file' : code === 'EISDIR' ? 'a folder' : `cannot be read (${code})`;
    const known = catalogueNames('cluster').join(', ');
    const message = `unknown cluster ${JSON.stringify(nameOrPath)}: ${why}; known are ${known}; or give a path to a YAML file`;
    throw new OrreryError('ORR_UNKNOWN_CLUSTER', message, { cause });
  });
  const cluster = parseClusterFile(yaml, basename(path), [...gpuTypes.keys()]);
  const names = new Set(cluster.nodeTypes.map(({ gpuType }) => gpuType));
  const hplEstimate = estimateHpl(cluster, gpuTypes, hplFit);
  const low = cluster.hpl?.rmaxFlops ?? hplEstimate?.lowFlops;
  const high = cluster.hpl?.rmaxFlops ?? hplEstimate?.highFlops;
  const totals = totalsOf(cluster, gpuTypes);
  return {
    ...cluster,
    totals,
    gpuTypes: [...gpuTypes.values()].filter(({ name }) => names.has(name)),
    hplEstimate,
    standings: low === undefined || high === undefined ? [] : lists.map((list) => standingIn(list, low, high)),
    bisectionBytesPerSecond: bisectionBytesPerSecond(cluster),
    nodesPowerWattsMax: nodesPowerWattsMax(cluster),
    checkpoint: totals.gpus === 0 ? null : checkpointReport(cluster, totals.nodes),
  };
}

function nodesPowerWattsMax({ nodeTypes }: Cluster): number | null {
  let sum = 0;
  for (const { count, powerWattsMax } of nodeTypes) {
    if (powerWattsMax === null) return null;
    sum += count * powerWattsMax;
  }
  return sum;
}

function checkpointReport({ storage }: Cluster, nodes: number): CheckpointReport {
  const fastest = storage
    .flatMap(({ title, bytesPerSecond }) => (bytesPerSecond === null ? [] : [{ title, bytesPerSecond }]))
    .reduce<{ title: string; bytesPerSecond: number } | null>(
      (best, tier) => (best === null || tier.bytesPerSecond > best.bytesPerSecond ? tier : best),
      null,
    );
  const bytes = checkpointBytes(CHECKPOINTED_PARAMETERS);
  const bytesPerSecond = storageRate(nodes, fastest?.bytesPerSecond ?? null);
  return {
    parameters: CHECKPOINTED_PARAMETERS,
    bytesPerParameter: CHECKPOINT_BYTES_PER_PARAMETER,
    bytes,
    bytesPerSecond,
    seconds: bytes / bytesPerSecond,
    tier: fastest?.title ?? null,
  };
}

/** The GPU types of the catalogue by name. */
async function readGpuTypes(): Promise<Map<string, GpuType>> {
  const gpuTypes = await Promise.all(gpuNames().map(loadGpuType));
  return new Map(gpuTypes.map((gpuType) => [gpuType.name, gpuType]));
}
