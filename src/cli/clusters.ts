import { catalogueNames } from './catalogue-file.ts';
import { type ClusterReport, readCatalogue, readCluster } from './cluster-report.ts';
import { clusterFacts, type Fact, peakText, quantity } from './render/cluster-facts.ts';
import { renderTable } from './render/table.ts';
import { terminalOf } from './render/terminal.ts';

export type { ClusterReport } from './cluster-report.ts';

/** The catalogue: every cluster, and a table of them. */
export async function listClusters(): Promise<{ clusters: ClusterReport[]; text: string }> {
  const catalogue = await readCatalogue();
  const clusters = await Promise.all(catalogueNames('cluster').map((name) => readCluster(name, catalogue)));
  const text = renderTable<ClusterReport>(
    [
      { header: 'CLUSTER', text: ({ name }) => name },
      { header: 'NODES', align: 'right', text: ({ totals }) => totals.nodes.toLocaleString('en') },
      { header: 'GPUS', align: 'right', text: ({ totals }) => totals.gpus.toLocaleString('en') },
      { header: 'GPU TYPE', text: ({ gpuTypes }) => gpuTypes.map(({ name }) => name).join(' ') || '-' },
      { header: 'FP64 PEAK', align: 'right', isSecondary: true, text: ({ totals }) => peakText(totals) },
      { header: 'BF16 PEAK', align: 'right', text: ({ totals }) => quantity(totals.gpuPeakFlops.bf16, 'FLOP/s') },
      { header: 'HPL', align: 'right', isSecondary: true, text: hplText },
      { header: 'WHAT IT IS', isFlexible: true, text: ({ title }) => title },
    ],
    clusters,
    terminalOf(process.stdout),
  );
  return { clusters, text };
}

/** Rmax as measured, or about what it would be. */
function hplText({ hpl, hplEstimate }: ClusterReport): string {
  if (hpl !== null || hplEstimate === null) return quantity(hpl?.rmaxFlops, 'FLOP/s');
  return `~${quantity(Number(hplEstimate.rmaxFlops.toPrecision(3)), 'FLOP/s')}`;
}

/** One cluster of the catalogue, or one from a file: its figures and the source of each. Throws ORR_UNKNOWN_CLUSTER, ORR_BAD_FILE. */
export async function showCluster(nameOrPath: string): Promise<{ cluster: ClusterReport; text: string }> {
  const cluster = await readCluster(nameOrPath, await readCatalogue());
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
