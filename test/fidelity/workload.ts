import { Random } from '../../src/lib/random.ts';

/** A job of `sleep` as it is submitted to Slurm. */
export interface PlannedJob {
  /** After the first submission. */
  submitMs: number;
  nodes: number;
  gpusPerNode: number;
  /** To the millisecond: what starts with a pass and sleeps for whole seconds ends with another, and chance says which comes first. */
  runtimeSeconds: number;
  /** Slurm takes whole minutes. */
  limitMinutes: number;
  user: string | null;
  account: string | null;
  qos: string | null;
  partition: string | null;
  /** Position in the list of the job it waits for (`afterok`). */
  after: number | null;
}

export interface WorkloadPlan {
  seed: number;
  jobs: number;
  /** GPU-seconds asked for, over what the cluster has until the last submission. */
  load: number;
  clusterNodes: number;
  gpusPerNode: number;
  /** Mean of the work submitted, in seconds of the whole cluster: how long the run takes at least. */
  workSeconds: number;
  /** Share of jobs that wait for an earlier one. */
  dependentShare?: number;
  qos?: readonly { name: string; share: number }[];
  accounts?: readonly { name: string; user: string; share: number }[];
  partitions?: readonly { name: string; share: number }[];
}

/**
 * Poisson arrivals; about half of the jobs take part of a node, the others 1 to a quarter of the nodes; run times are log-uniform, and so is
 * by how much they are over-estimated. Made-up figures, meant to give queues, fragments and holes to backfill.
 */
export function planWorkload(plan: WorkloadPlan): PlannedJob[] {
  const random = new Random(plan.seed);
  const logUniform = (low: number, high: number) => low * (high / low) ** random.nextUniform();
  const spanSeconds = plan.workSeconds / plan.load;
  const drawn: PlannedJob[] = [];
  let submitMs = 0;
  for (let index = 0; index < plan.jobs; index += 1) {
    const isPart = random.nextUniform() < 0.5;
    const nodes = isPart ? 1 : Math.round(logUniform(1, plan.clusterNodes / 4));
    const gpusPerNode = isPart ? 2 ** Math.floor(random.nextUniform() * 3) : plan.gpusPerNode;
    const runtimeSeconds = logUniform(5, 90);
    const limitMinutes = Math.ceil((runtimeSeconds * logUniform(1.1, 6)) / 60);
    const isDependent = index > 0 && random.nextUniform() < (plan.dependentShare ?? 0);
    const account = pick(plan.accounts ?? [], random.nextUniform());
    // Drawn where there are any: without, a seed stands for the workload that it always stood for.
    const partition = plan.partitions === undefined ? null : pick(plan.partitions, random.nextUniform());
    drawn.push({
      submitMs,
      nodes,
      gpusPerNode,
      runtimeSeconds,
      limitMinutes,
      user: account?.user ?? null,
      account: account?.name ?? null,
      qos: pick(plan.qos ?? [], random.nextUniform())?.name ?? null,
      partition: partition?.name ?? null,
      after: isDependent ? Math.max(0, index - 1 - Math.floor(random.nextUniform() * 30)) : null,
    });
    submitMs += random.nextExponential((spanSeconds * 1000) / plan.jobs);
  }
  const work = drawn.reduce((sum, job) => sum + job.nodes * job.gpusPerNode * job.runtimeSeconds, 0);
  const scale = (plan.workSeconds * plan.clusterNodes * plan.gpusPerNode) / work;
  const last = drawn.at(-1)?.submitMs ?? 0;
  return drawn.map((job) => ({
    ...job,
    submitMs: Math.round((job.submitMs / last) * spanSeconds * 1000),
    runtimeSeconds: Math.max(1, Math.round(job.runtimeSeconds * scale * 1000) / 1000),
    limitMinutes: Math.max(Math.ceil((job.runtimeSeconds * scale) / 60 + 0.1), job.limitMinutes),
  }));
}

function pick<T extends { share: number }>(choices: readonly T[], uniform: number): T | null {
  const total = choices.reduce((sum, { share }) => sum + share, 0);
  let left = uniform * total;
  for (const choice of choices) {
    left -= choice.share;
    if (left < 0) return choice;
  }
  return choices.at(-1) ?? null;
}
