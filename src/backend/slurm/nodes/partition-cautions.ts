import { timeLimitMs } from '../../../contract/job.ts';
import { excessMend, excessText, partitionExcess } from '../../../scheduler/partition-limits.ts';
import type { SubmittedJob } from '../../port.ts';
import { type ClusterView, partitionsOf } from './cluster-view.ts';

/**
 * Of jobs that Slurm takes and does not start: those that ask for more time or nodes than any partition they name gives one job, an array's tasks as
 * one. Slurm refuses them only with `EnforcePartLimits`.
 */
export function partitionCautions(jobs: readonly SubmittedJob[], view: Pick<ClusterView, 'partitions'>): string[] {
  return jobs.flatMap(({ jobId, accepted: { spec } }, index) => {
    if (jobs[index - 1]?.accepted.spec === spec) return [];
    const asked = { nodes: spec.nodes, timeLimitMs: timeLimitMs(spec) };
    const found = partitionsOf(view, spec.partition).map(({ name, maxNodes = null, maxTimeSeconds }) => {
      const partition = { name, maxNodes, ...(maxTimeSeconds !== null && { maxTimeSeconds }) };
      return { partition, excess: partitionExcess(partition, asked) };
    });
    const [first] = found;
    if (first === undefined || first.excess === null || found.some(({ excess }) => excess === null)) return [];
    const why = excessText(first.excess, first.partition, asked);
    return `Job ${jobId} does not start like this, unless its QOS lifts that: ${why}. Submit it again ${excessMend(first.excess)}.`;
  });
}
