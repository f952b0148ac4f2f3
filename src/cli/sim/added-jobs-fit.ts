import type { NodeSpec } from '../../cluster/node.ts';
import { OrreryError } from '../../contract/errors.ts';
import { DEFAULT_QOS } from '../../scheduler/default-names.ts';
import { namedPartitions, partitionNames } from '../../scheduler/partition-names.ts';
import { partitionFinder, type SchedulerOptions } from '../../scheduler/policy.ts';
import type { TimedJob } from './planned-jobs.ts';
import type { ReadingRemark } from './simulation-inputs.ts';
import { counted, whole } from '../render/sim-words.ts';

/**
 * The jobs that a scenario adds, without the QOS and partitions that the policy does not have: that is said, as of a trace. Throws ORR_USAGE for one that
 * could not run on the cluster, or in its partition, even if all of it were free: it would wait for ever.
 */
export function fitAddedJobs(
  jobs: readonly TimedJob[],
  nodes: readonly NodeSpec[],
  policy: SchedulerOptions,
  clusterName: string,
): { jobs: TimedJob[]; remarks: ReadingRemark[] } {
  const { partitions = [], qos = [] } = policy;
  const partitionOf = partitionFinder(partitions);
  const qosNames = new Set([DEFAULT_QOS, ...qos.map(({ name }) => name)]);
  const known = new Set(partitions.map(({ name }) => name));
  const leftOut = new Set<string>();
  const fitted = jobs.map((job, index) => {
    const kept = { ...job };
    if (kept.qos !== undefined && !qosNames.has(kept.qos)) {
      leftOut.add(`QOS ${kept.qos}`);
      delete kept.qos;
    }
    const named = namedPartitions(kept.partition);
    for (const name of named) if (!known.has(name)) leftOut.add(`partition ${name}`);
    const left = named.filter((name) => known.has(name));
    if (left.length > 0) kept.partition = left.join(',');
    else delete kept.partition;
    const gpus = job.gpusPerNode ?? nodes[0]?.resources.gpus ?? 0;
    // One of its partitions has to be large enough.
    const places = partitionNames(kept.partition).map((name) => {
      const partition = partitionOf(name ?? null);
      const own = partition?.nodes ?? null;
      const members = own === null ? null : new Set(own);
      const able = nodes.filter((node) => node.resources.gpus >= gpus && members?.has(node.name) !== false);
      const place = members === null ? clusterName : `partition ${partition?.name} of ${clusterName}`;
      return { place, able: able.length };
    });
    const { place, able } = places.reduce((most, one) => (one.able > most.able ? one : most));
    if (able < job.nodes) {
      const name = job.name === undefined ? '' : ` (${job.name})`;
      throw new OrreryError(
        'ORR_USAGE',
        `jobs[${index}]${name}: it asks for ${counted(job.nodes, 'node')} with ${counted(gpus, 'GPU')} each; ${place} has ${whole(able)} such`,
      );
    }
    return kept;
  });
  const what = `left out of the jobs that the scenario adds: ${[...leftOut].join(', ')}: the policy has none of this name`;
  return { jobs: fitted, remarks: leftOut.size === 0 ? [] : [{ what, examples: [] }] };
}
