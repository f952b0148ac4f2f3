import { readCatalogue, readCluster } from '../cluster-report.ts';
import { loadModel } from '../models.ts';
import { badRequest, efficiencyOn, gpusOf, type PlanDetails, type PlanSources } from '../plan/request.ts';

/** As many as a table and a page can still be read of. */
const CASES_MAX = 10_000;

/** What varies, each with the values that were given; empty: the planner's choice. */
export interface GridAxes {
  models: readonly string[];
  clusters: readonly string[];
  tokens: readonly number[];
  seqs: readonly number[];
  gpus: readonly number[];
  globalBatches: readonly number[];
  /** Of a GPU and hour: one for all clusters, or one for each; empty where none is known. */
  prices: readonly number[];
}

/** Many plans to be made: what was read once for all of them, and the cases. Plain data, the same after a passage through JSON. */
export interface Grid {
  models: { label: string; model: PlanSources['model'] }[];
  clusters: { label: string; cluster: PlanSources['cluster']; efficiency: PlanSources['efficiency'] }[];
  stack: string;
  /** What is the same in all cases. */
  details: Omit<PlanDetails, 'tokens' | 'seq' | 'gpus' | 'globalBatch' | 'costPerGpuHour'>;
  /** Each case is then on the fewest nodes that end in time. */
  deadlineSeconds: number | null;
  cases: GridCase[];
}

export interface GridCase {
  /** Of the grid, by index. */
  model: number;
  cluster: number;
  /** What was given. */
  details: Pick<PlanDetails, 'tokens' | 'seq' | 'gpus' | 'globalBatch' | 'costPerGpuHour'>;
}

/**
 * All combinations of the values. The files are read here: what is wrong with one is thrown before any work, as it would be of a
 * plan by itself. Throws ORR_USAGE for more GPUs than the largest cluster has, prices that are neither one nor one a cluster, and too many cases.
 */
export async function readGrid(
  axes: GridAxes,
  stack: string,
  details: Grid['details'],
  deadlineSeconds: number | null,
): Promise<Grid> {
  const count = countCases(axes);
  if (count > CASES_MAX) {
    const [asked, most] = [count, CASES_MAX].map((cases) => cases.toLocaleString('en'));
    throw badRequest(`${asked} cases: expected at most ${most}: name fewer values`);
  }
  refusePrices(axes);
  const catalogue = await readCatalogue();
  const clusters: Grid['clusters'] = [];
  for (const name of axes.clusters) {
    const cluster = await readCluster(name, catalogue);
    clusters.push({ label: cluster.name, cluster, efficiency: await efficiencyOn(cluster, stack) });
  }
  const models: Grid['models'] = [];
  for (const name of axes.models) {
    const model = await loadModel(name);
    models.push({ label: model.name, model });
  }
  refuseGpus(axes.gpus, clusters);
  return {
    models: told(models, axes.models),
    clusters: told(clusters, axes.clusters),
    stack,
    details,
    deadlineSeconds,
    cases: casesOf(axes),
  };
}

/** How many combinations there are. */
export function countCases({ models, clusters, tokens, seqs, gpus, globalBatches }: GridAxes): number {
  const counts = [models, clusters, tokens, seqs, gpus, globalBatches].map(({ length }) => Math.max(1, length));
  return counts.reduce((product, count) => product * count, 1);
}

/** Throws ORR_USAGE for prices that are neither one nor one a cluster. */
export function refusePrices({ clusters, prices }: Pick<GridAxes, 'clusters' | 'prices'>): void {
  if (prices.length <= 1 || prices.length === clusters.length) return;
  const each = clusters.length === 1 ? 'one amount' : `one amount, or one for each of the ${clusters.length} clusters`;
  throw badRequest(`cost-per-gpu-hour: expected ${each}, got ${prices.length}`);
}

/** A number that some of the clusters have is a case that the others cannot take; one that none has is a slip. */
function refuseGpus(gpus: readonly number[], clusters: Grid['clusters']): void {
  const [largest] = clusters.toSorted((a, b) => gpusOf(b.cluster) - gpusOf(a.cluster));
  if (largest === undefined) return;
  const most = gpusOf(largest.cluster);
  const tooMany = gpus.find((count) => count > most);
  if (tooMany === undefined) return;
  const rank = clusters.length > 1 ? ', the largest of the clusters' : '';
  throw badRequest(`gpus: expected at most the ${most} of ${largest.label}${rank}, got ${tooMany}`);
}

/** What several files call the same goes by what was typed. */
function told<Named extends { label: string }>(named: readonly Named[], typed: readonly string[]): Named[] {
  const count = (label: string) => named.filter((other) => other.label === label).length;
  return named.map((one, index) => (count(one.label) === 1 ? one : { ...one, label: typed[index] ?? one.label }));
}

/** Every combination, the last of the axes fastest. */
export function casesOf({ models, clusters, tokens, seqs, gpus, globalBatches, prices }: GridAxes): GridCase[] {
  const cases: GridCase[] = [];
  for (const model of models.keys()) {
    for (const tokenCount of tokens) {
      for (const seq of orOpen(seqs)) {
        for (const cluster of clusters.keys()) {
          const costPerGpuHour = prices[cluster] ?? prices[0];
          for (const gpuCount of orOpen(gpus)) {
            for (const globalBatch of orOpen(globalBatches)) {
              // Nothing undefined, which JSON would not keep.
              const details = {
                tokens: tokenCount,
                ...(seq === undefined ? {} : { seq }),
                ...(gpuCount === undefined ? {} : { gpus: gpuCount }),
                ...(globalBatch === undefined ? {} : { globalBatch }),
                ...(costPerGpuHour === undefined ? {} : { costPerGpuHour }),
              };
              cases.push({ model, cluster, details });
            }
          }
        }
      }
    }
  }
  return cases;
}

function orOpen(values: readonly number[]): readonly (number | undefined)[] {
  return values.length === 0 ? [undefined] : values;
}
