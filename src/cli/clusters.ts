import { readdirSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { type Cluster, type ClusterTotals, type GpuType, totalsOf } from '../cluster/cluster.ts';
import { OrreryError } from '../contract/errors.ts';
import { parseClusterFile, parseGpuFile } from '../formats/cluster-file.ts';
import { clusterFile, clusterNames } from './cluster-argument.ts';
import { packageFolder } from './package-folder.ts';
import { clusterFacts, type Fact, peakText, quantity } from './render/cluster-facts.ts';
import { renderTable } from './render/table.ts';
import { terminalOf } from './render/terminal.ts';

/** A cluster with what follows from its figures. */
export interface ClusterReport extends Cluster {
  totals: ClusterTotals;
  gpuTypes: readonly GpuType[];
}

/** The catalogue: every cluster, and a table of them. */
export async function listClusters(): Promise<{ clusters: ClusterReport[]; text: string }> {
  const clusters = await Promise.all(clusterNames().map((name) => readCluster(name)));
  const text = renderTable<ClusterReport>(
    [
      { header: 'CLUSTER', text: ({ name }) => name },
      { header: 'NODES', align: 'right', text: ({ totals }) => totals.nodes.toLocaleString('en') },
      { header: 'GPUS', align: 'right', text: ({ totals }) => totals.gpus.toLocaleString('en') },
      { header: 'GPU TYPE', text: ({ gpuTypes }) => gpuTypes.map(({ name }) => name).join(' ') || '-' },
      { header: 'FP64 PEAK', align: 'right', text: ({ totals }) => peakText(totals) },
      { header: 'BF16 PEAK', align: 'right', text: ({ totals }) => quantity(totals.gpuPeakFlops.bf16, 'FLOP/s') },
      { header: 'HPL', align: 'right', text: ({ hpl }) => quantity(hpl?.rmaxFlops, 'FLOP/s') },
      { header: 'WHAT IT IS', isFlexible: true, text: ({ title }) => title },
    ],
    clusters,
    terminalOf(process.stdout),
  );
  return { clusters, text };
}

/** One cluster of the catalogue, or one from a file: its figures and the source of each. Throws ORR_UNKNOWN_CLUSTER, ORR_BAD_FILE. */
export async function showCluster(nameOrPath: string): Promise<{ cluster: ClusterReport; text: string }> {
  const cluster = await readCluster(nameOrPath);
  const citations: string[] = [];
  const cite = ({ source }: Fact) => {
    if (source === null) return '';
    if (!citations.includes(source)) citations.push(source);
    return `[${citations.indexOf(source) + 1}]`;
  };
  const facts = clusterFacts(cluster).map((fact) => ({ ...fact, mark: cite(fact) }));
  const table = renderTable<(typeof facts)[number]>(
    [
      { header: 'FIGURE', text: ({ label }) => label },
      { header: 'VALUE', isFlexible: true, text: ({ value }) => value },
      { header: 'SOURCE', text: ({ mark }) => mark },
    ],
    facts,
    terminalOf(process.stdout),
  );
  const head = [`${cluster.name}: ${cluster.title}`, ...(cluster.note === null ? [] : [cluster.note])];
  const sources = citations.map((source, index) => `[${index + 1}] ${source}`);
  const text = [...head, '', table, ...(sources.length > 0 ? ['', 'Sources', ...sources] : [])].join('\n');
  return { cluster, text };
}

async function readCluster(nameOrPath: string): Promise<ClusterReport> {
  const path = clusterFile(nameOrPath);
  const gpuTypes = await readGpuTypes();
  const yaml = await readFile(path, 'utf8').catch((cause: unknown) => {
    const why = cause instanceof Error && 'code' in cause && cause.code === 'ENOENT' ? 'no such file' : String(cause);
    const known = clusterNames().join(', ');
    const message = `unknown cluster ${JSON.stringify(nameOrPath)}: ${why}; known are ${known}; or give a path to a YAML file`;
    throw new OrreryError('ORR_UNKNOWN_CLUSTER', message, { cause });
  });
  const cluster = parseClusterFile(yaml, basename(path), [...gpuTypes.keys()]);
  const names = new Set(cluster.nodeTypes.map(({ gpuType }) => gpuType));
  return {
    ...cluster,
    totals: totalsOf(cluster, gpuTypes),
    gpuTypes: [...gpuTypes.values()].filter(({ name }) => names.has(name)),
  };
}

/** The GPU types of the catalogue by name. */
async function readGpuTypes(): Promise<Map<string, GpuType>> {
  const folder = join(packageFolder(), 'catalog', 'gpus');
  const files = readdirSync(folder).filter((file) => file.endsWith('.yaml'));
  const gpuTypes = files.sort().map(async (file) => parseGpuFile(await readFile(join(folder, file), 'utf8'), file));
  return new Map((await Promise.all(gpuTypes)).map((gpuType) => [gpuType.name, gpuType]));
}
