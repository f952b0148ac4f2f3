import type { TraceOptions } from '../twin/trace-options.ts';
import { type DefaultAmounts, defaultAskOf } from './slurm-default-ask.ts';
import { SLURM_LIMIT_STEP_MS } from './slurm-times.ts';

/** What a Slurm makes of what jobs ask for. */
export interface JobRules {
  /** Jobs have whole nodes, whatever they ask for (`select/linear`, or every partition is exclusive). */
  isWholeNode: boolean;
  /** Partitions whose jobs have whole nodes. */
  exclusivePartitions: readonly string[];
  /** Memory is a resource that can run out (`CR_Core_Memory` and the like). */
  isMemoryConsumed: boolean;
  /** What a job has on a node where its submission does not say. */
  defaults: DefaultAmounts;
  /** The same for the jobs of partitions that have their own, by name. */
  partitionDefaults: Readonly<Record<string, DefaultAmounts>>;
  /** CPUs of a core: jobs have whole cores. */
  cpusPerCore: number;
  /** A failure puts a job back in the queue unless it says otherwise (`JobRequeue`). */
  isRequeued: boolean;
}

/** How rows of a trace become jobs under these rules. */
export function traceOptionsOf(rules: JobRules): Omit<TraceOptions, 'nodes' | 'policy'> {
  const ofCluster = defaultAskOf(rules.defaults);
  const ofPartition = new Map(
    Object.entries(rules.partitionDefaults).map(([name, amounts]) => [name, defaultAskOf(amounts)]),
  );
  return {
    isExclusive: rules.isWholeNode,
    exclusivePartitions: rules.exclusivePartitions,
    isMemoryConsumed: rules.isMemoryConsumed,
    defaultAsk: (gpusPerNode, partition) => (ofPartition.get(partition ?? '') ?? ofCluster)(gpusPerNode),
    cpusStep: rules.cpusPerCore,
    limitStepMs: SLURM_LIMIT_STEP_MS,
    ...(!rules.isRequeued && { maxRequeues: 0 }),
  };
}
