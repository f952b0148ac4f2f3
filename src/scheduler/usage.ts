import type { Resources } from '../cluster/node.ts';
import { billingRate } from './billing.ts';
import type { Held, JobRecord } from './job-record.ts';
import type { NodePool } from './node-pool.ts';
import type { Policy } from './policy.ts';
import type { Terms } from './terms.ts';

export interface UsageWorld {
  readonly pool: NodePool;
  readonly policy: Policy;
  readonly terms: Terms;
}

/** What the job adds to fair-share's usage a second: billing times usage factor. */
export function usageRate(job: JobRecord, held: Held | null, world: UsageWorld): number {
  const { request, kind } = job;
  const { nodes, perNode, exclusive } = request;
  const { classes } = world.pool;
  let offered = perNode;
  if (exclusive && held !== null && classes.length > 0) {
    if (classes.length > 1) return usageRateOfEach(held.nodeIndices, job, world);
    offered = classes[0]!.resources;
  }
  const partition = world.terms.partitionOf(request);
  // Whoever has whole nodes has of their memory what was asked for, as in Slurm.
  return nodes * (billingRate(world.policy, partition, offered, perNode.memoryBytes) * kind.usageFactor);
}

/** Of whole nodes that are not alike. */
function usageRateOfEach(
  nodeIndices: readonly number[],
  { request, kind }: JobRecord,
  { pool, policy, terms }: UsageWorld,
): number {
  const partition = terms.partitionOf(request);
  const { memoryBytes } = request.perNode;
  const rateOn = (index: number) =>
    billingRate(policy, partition, pool.at(index).spec.resources, memoryBytes) * kind.usageFactor;
  return nodeIndices.reduce((sum, index) => sum + rateOn(index), 0);
}

/** CPUs and GPUs that the job has on all its nodes. Whoever has whole nodes holds all that is on them, whatever was asked for. */
export function totalOf(
  { request: { nodes, perNode, exclusive } }: JobRecord,
  held: Held | null,
  pool: NodePool,
): { cpus: number; gpus: number } {
  if (!exclusive || held === null) return { cpus: nodes * perNode.cpus, gpus: nodes * perNode.gpus };
  const of = (count: (resources: Resources) => number) =>
    held.nodeIndices.reduce((sum, index) => sum + count(pool.at(index).spec.resources), 0);
  return { cpus: of(({ cpus }) => cpus), gpus: of(({ gpus }) => gpus) };
}
