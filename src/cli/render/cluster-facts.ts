import { type ClusterTotals, type NodeType, PRECISIONS } from '../../cluster/cluster.ts';
import type { Standing, Top500Entry } from '../../planner/hpl.ts';
import type { ClusterReport } from '../cluster-report.ts';

/** One figure of a cluster, ready to print. */
export interface Fact {
  label: string;
  value: string;
  /** Null where the file gives none. */
  source: string | null;
}

const SUMMED = 'Summed from the figures above';
const BISECTION = 'Half of the nodes, times links a node, times one link, over the oversubscription';
const ESTIMATED =
  'Fitted on measured HPL runs of A100 systems (catalog/top500.yaml; npm run fit:hpl shows each held out)';
const EXTRAPOLATED = `${ESTIMATED}; none is of this GPU type`;
const STANDS = 'Named entries of the lists in catalog/top500.yaml, each with its source there';
const CHECKPOINT =
  'Weights in BF16, master weights and two moments of Adam in FP32; at the throughput of the fastest tier, taken to be that of writing too, or 25 GB/s a node, whichever is less';
const CHECKPOINT_BLOOM =
  'Weights in BF16, master weights and two moments of Adam in FP32; at 1.2 GB/s a node, as BLOOM wrote its own, since no throughput is known';

const UNITS: readonly [number, string][] = [
  [1e18, 'E'],
  [1e15, 'P'],
  [1e12, 'T'],
  [1e9, 'G'],
  [1e6, 'M'],
  [1e3, 'k'],
];

/** A figure with a decimal prefix: `1.9 EFLOP/s`, `175 PB`; a dash where there is none. */
export function quantity(value: number | null | undefined, unit: string): string {
  if (value === null || value === undefined) return '-';
  const [factor, prefix] = UNITS.find(([size]) => value >= size) ?? [1, ''];
  return `${Number((value / factor).toPrecision(4))} ${prefix}${unit}`;
}

/** Peak in FP64: of the GPUs on tensor cores where there are GPUs, else of the CPUs. */
export function peakText({ gpuPeakFlops, cpuPeakFlops }: ClusterTotals): string {
  return quantity(gpuPeakFlops.fp64Tensor ?? gpuPeakFlops.fp64 ?? cpuPeakFlops, 'FLOP/s');
}

/** Every figure there is, in the order of the file. */
export function clusterFacts(cluster: ClusterReport): Fact[] {
  const facts: Fact[] = [];
  const add = (label: string, value: number | string | null, unit: string, source: string | null) => {
    if (value !== null) facts.push({ label, value: typeof value === 'string' ? value : figure(value, unit), source });
  };
  const sourceOf = (path: string) => citation(cluster.sources, path);
  for (const [index, nodeType] of cluster.nodeTypes.entries()) {
    addNodes(add, sourceOf, nodeType, index === 0 ? 'nodes' : `otherNodes[${index - 1}]`);
  }
  addTotals(add, cluster);
  const { fabric } = cluster;
  if (fabric !== null) {
    add('Fabric', fabric.title, '', sourceOf('fabric.title'));
    add('  nodes a leaf', fabric.leafNodes, '', sourceOf('fabric.leafNodes'));
    add('  links a node', fabric.linksPerNode, '', sourceOf('fabric.linksPerNode'));
    add('  one link', fabric.linkBytesPerSecond, 'B/s', sourceOf('fabric.linkGigabitsPerSecond'));
    add('  oversubscription', fabric.oversubscription, '', sourceOf('fabric.oversubscription'));
    add('  bisection, one direction', cluster.bisectionBytesPerSecond, 'B/s', BISECTION);
  }
  for (const [index, tier] of cluster.storage.entries()) {
    const path = `storage[${index}]`;
    add('Storage', tier.title, '', sourceOf(`${path}.title`));
    add('  capacity', tier.capacityBytes, 'B', sourceOf(`${path}.capacityPetabytes`));
    add('  throughput', tier.bytesPerSecond, 'B/s', sourceOf(`${path}.gigabytesPerSecond`));
  }
  addCheckpoint(add, cluster);
  add('Failures a node and year', perYear(cluster.failuresPerNodeDay), '', sourceOf('failuresPerThousandNodeDays'));
  add('Power, published', cluster.powerWatts, 'W', sourceOf('powerKilowatts'));
  add('Power of all nodes, at most', cluster.nodesPowerWattsMax, 'W', SUMMED);
  add('HPL Rmax', cluster.hpl?.rmaxFlops ?? null, 'FLOP/s', sourceOf('hpl.rmaxPetaflops'));
  add('HPL Rpeak', cluster.hpl?.rpeakFlops ?? null, 'FLOP/s', sourceOf('hpl.rpeakPetaflops'));
  addEstimate(add, cluster);
  for (const standing of cluster.standings)
    add(`  on the list of ${standing.list}`, standingText(standing), '', STANDS);
  return facts;
}

type Add = (label: string, value: number | string | null, unit: string, source: string | null) => void;

function addNodes(add: Add, sourceOf: (path: string) => string | null, nodeType: NodeType, path: string): void {
  const { namePrefix, count, cpus, memoryBytes, gpusPerNode, gpuType } = nodeType;
  add(`Nodes ${namePrefix}*`, count, '', sourceOf(`${path}.count`));
  add('  CPUs a node', cpus, '', sourceOf(`${path}.cpus`));
  add('  memory a node', memoryBytes, 'B', sourceOf(`${path}.memoryGigabytes`));
  if (gpusPerNode !== 0) add('  GPUs a node', gpusPerNode, '', sourceOf(`${path}.gpusPerNode`));
  add('  GPU type', gpuType, '', sourceOf(`${path}.gpuType`));
  add('  peak of a node, CPUs, FP64', nodeType.cpuPeakFlops, 'FLOP/s', sourceOf(`${path}.cpuPeakTeraflops`));
  add('  local storage', nodeType.localStorageBytes, 'B', sourceOf(`${path}.localStorageTerabytes`));
  add('  power of a node, at most', nodeType.powerWattsMax, 'W', sourceOf(`${path}.powerWattsMax`));
}

/** What follows from the figures above and those of the GPU types. */
function addTotals(add: Add, { totals, gpuTypes }: ClusterReport): void {
  const [gpuType] = gpuTypes;
  const of = gpuType === undefined ? null : citation(gpuType.sources, 'peakTeraflops');
  if (totals.gpus > 0) add('GPUs in all', totals.gpus, '', SUMMED);
  if (totals.gpuMemoryBytes > 0 && gpuType !== undefined) {
    add('  memory of all GPUs', totals.gpuMemoryBytes, 'B', citation(gpuType.sources, 'memoryGigabytes'));
  }
  for (const precision of PRECISIONS) {
    add(`  peak of all GPUs, ${precision}, dense`, totals.gpuPeakFlops[precision] ?? null, 'FLOP/s', of);
  }
  add('CPUs in all', totals.cpus, '', SUMMED);
  add('  memory of all nodes', totals.memoryBytes, 'B', SUMMED);
  if (totals.gpus === 0) add('  peak of all CPUs, fp64', totals.cpuPeakFlops, 'FLOP/s', SUMMED);
}

function perYear(perDay: number | null): number | null {
  return perDay === null ? null : Number((perDay * 365.25).toPrecision(3));
}

function addCheckpoint(add: Add, { checkpoint }: ClusterReport): void {
  if (checkpoint === null) return;
  const { parameters, bytes, bytesPerSecond, bytesPerParameter, seconds, tier } = checkpoint;
  const source = tier === null ? CHECKPOINT_BLOOM : CHECKPOINT;
  const size = `${quantity(bytes, 'B')} (${bytesPerParameter} a parameter)`;
  add(`Checkpoint of a model of ${quantity(parameters, '').trim()}`, size, '', source);
  add('  written in', `${Number(seconds.toPrecision(3))} s at ${quantity(bytesPerSecond, 'B/s')}`, '', source);
}

function addEstimate(add: Add, { hpl, hplEstimate }: ClusterReport): void {
  if (hplEstimate === null) return;
  const { rmaxFlops, lowFlops, highFlops, isExtrapolated } = hplEstimate;
  const [low, middle, high] = [lowFlops, rmaxFlops, highFlops].map((flops) =>
    quantity(Number(flops.toPrecision(3)), 'FLOP/s'),
  );
  const label = hpl === null ? 'HPL Rmax, estimated' : '  estimated, for comparison';
  add(label, `${middle} (${low} to ${high})`, '', isExtrapolated ? EXTRAPOLATED : ESTIMATED);
}

/** `below Sierra (3rd, 94.64 PFLOP/s), level with Selene (6th, ...), above HPC5 (...)`. */
function standingText({ above, level, below }: Standing): string {
  const named = ({ name, rank, rmaxFlops }: Top500Entry) =>
    `${name} (${rank === null ? '' : `No. ${rank}, `}${quantity(rmaxFlops, 'FLOP/s')})`;
  const parts = [
    ...(above === null ? [] : [`below ${named(above)}`]),
    ...(level.length === 0 ? [] : [`level with ${level.map(named).join(', ')}`]),
    ...(below === null ? [] : [`above ${named(below)}`]),
  ];
  return parts.join('; ');
}

function figure(value: number, unit: string): string {
  return unit === '' ? value.toLocaleString('en') : quantity(value, unit);
}

/** The source of a figure, or of the part of the file it stands in. */
function citation(sources: Readonly<Record<string, string>>, path: string): string | null {
  for (let part = path; part !== ''; part = part.replace(/(?:^|\.|\[)[^.[]*$/, '')) {
    const source = sources[part];
    if (source !== undefined) return source;
  }
  return null;
}
