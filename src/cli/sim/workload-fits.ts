import { type FitRow, workloadFit } from '../../twin/workload-fit.ts';
import { catalogueNames } from '../catalogue-file.ts';
import { readWorkload } from './workload.ts';

const SEED = 1;

export interface WorkloadFit {
  name: string;
  title: string;
  days: number;
  fit: FitRow[];
}

/** Draws workloads for so many days and holds them against what is published. No names: all of the catalogue. Throws ORR_USAGE, ORR_BAD_FILE. */
export async function fitWorkloads(names: readonly string[], days: number): Promise<WorkloadFit[]> {
  const specs = await Promise.all(
    (names.length > 0 ? names : catalogueNames('workload')).map((name) => readWorkload(name)),
  );
  return specs.map((spec) => ({
    name: spec.name,
    title: spec.title,
    days,
    fit: workloadFit(spec, { days, seed: SEED }),
  }));
}
