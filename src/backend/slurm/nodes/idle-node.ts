import type { NodeSpec } from '../../../cluster/node.ts';
import type { SlurmPartition } from '../output/scontrol-text.ts';
import type { SlurmCommands } from '../slurm-commands.ts';
import { SlurmFailure } from '../slurm-failure.ts';

/** After so long in the queue it is given up: the node is not idle any more. */
const QUEUE_SECONDS = 5;
const RUN_MINUTES = 5;
/** Of the whole call: in the queue, running, and what Slurm does before and after. */
const TIMEOUT_MS = (QUEUE_SECONDS + RUN_MINUTES * 60 + 60) * 1000;

/** A program for one node that is idle. */
export interface IdleNodeRun {
  node: NodeSpec;
  /** Those of the cluster. */
  partitions: readonly SlurmPartition[];
  argv: readonly string[];
  /** Ends it. */
  signal: AbortSignal;
}

/**
 * What the program wrote to stdout on the node, which it had to itself, with all GPUs; however it ended. Null where the node is not idle any more, or
 * in no partition that takes jobs. Throws SlurmFailure.
 */
export async function runOnIdleNode(commands: SlurmCommands, run: IdleNodeRun): Promise<string | null> {
  const options = srunOptions(run);
  if (options === null) return null;
  try {
    // A status of its own would be taken for one of srun's.
    const program = ['/bin/sh', '-c', '"$@"; exit 0', 'sh', ...run.argv];
    return await commands.run('srun', [...options, ...program], { timeoutMs: TIMEOUT_MS, signal: run.signal });
  } catch (error) {
    if (error instanceof SlurmFailure && BUSY.test(error.message)) return null;
    throw error;
  }
}

/** Slurm's words (slurm_errno.c, 22.05 to 24.05) for: not now. */
const BUSY =
  /nodes are busy|nodes (?:currently )?(?:not available|unavailable)|node configuration is not available now/i;

function srunOptions({ node, partitions }: IdleNodeRun): string[] | null {
  const there = partitions.filter(({ isUp, nodeNames }) => isUp && nodeNames.includes(node.name));
  const partition = there.find(({ isDefault }) => isDefault) ?? there[0];
  if (partition === undefined) return null;
  const { gpus } = node.resources;
  return [
    `--immediate=${QUEUE_SECONDS}`,
    '--job-name=orrery-health',
    `--partition=${partition.name}`,
    `--nodelist=${node.name}`,
    '--nodes=1',
    '--ntasks=1',
    '--exclusive',
    ...(gpus > 0 ? [`--gpus-per-node=${gpus}`] : []),
    `--time=${RUN_MINUTES}`,
    '--input=none',
    '--quiet',
  ];
}
