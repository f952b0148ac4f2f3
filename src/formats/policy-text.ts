import { stringify } from 'yaml';
import type { SchedulerOptions } from '../scheduler/policy.ts';
import type { Timing } from '../twin/scenario.ts';
import { formatHostList } from './host-list.ts';
import type { JobRules } from './slurm-job-rules.ts';

/** A policy file that `parsePolicyFile` reads as these; without reservations. */
export function policyYaml(options: SchedulerOptions, timing: Timing, rules: JobRules): string {
  const { partitions, reservations: _, ...rest } = options;
  return stringify({
    ...rest,
    ...(partitions !== undefined && {
      partitions: partitions.map((partition) =>
        partition.nodes === null || partition.nodes === undefined
          ? partition
          : { ...partition, nodes: partition.nodes.length === 0 ? [] : [formatHostList(partition.nodes)] },
      ),
    }),
    timing: {
      launchSeconds: timing.launchMs / 1000,
      completeSeconds: timing.completeMs / 1000,
      killSeconds: timing.killMs / 1000,
      ...(timing.launchGapMs !== undefined && { launchGapSeconds: timing.launchGapMs / 1000 }),
      ...(timing.killGapMs !== undefined && { killGapSeconds: timing.killGapMs / 1000 }),
    },
    jobs: rules,
  });
}
