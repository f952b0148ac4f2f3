import { join } from 'node:path';
import type { ClusterView } from '../../backend/slurm/nodes/cluster-view.ts';
import { runOnIdleNode } from '../../backend/slurm/nodes/idle-node.ts';
import type { SlurmCommands } from '../../backend/slurm/slurm-commands.ts';
import { OrreryError } from '../../contract/errors.ts';
import { healthOutcomeSchema } from '../../contract/health.ts';
import type { CheckOutcome } from './idle-checks.ts';
import { packageFolder } from '../package.ts';

export interface IdleNodeCheck {
  commands: SlurmCommands;
  cluster: ClusterView;
  /** Where the node leaves what it found. */
  reportsFolder: string;
  nodeName: string;
  /** Seen by the node too; null: as many GPUs as Slurm says it has. */
  expectFile: string | null;
  signal: AbortSignal;
}

/**
 * Runs `orrery health check` on an idle node of Slurm's, as its user, from the folder where this Orrery is: nodes have to see that under the same path.
 * Null where the node is not idle any more. Throws SlurmFailure, and ORR_FAILED where the command did not run there.
 */
export async function checkIdleNode(check: IdleNodeCheck): Promise<CheckOutcome | null> {
  const { commands, cluster, reportsFolder, nodeName, expectFile, signal } = check;
  const node = cluster.nodes.find(({ spec }) => spec.name === nodeName)?.spec;
  if (node === undefined) return null;
  const { gpus } = node.resources;
  const argv = [
    process.execPath,
    join(packageFolder, 'bin', 'orrery.js'),
    'health',
    'check',
    '--json',
    `--node=${nodeName}`,
    `--report=${reportsFolder}`,
    ...(expectFile === null ? [] : [`--expect=${expectFile}`]),
    ...(expectFile === null && gpus > 0 ? [`--gpus=${gpus}`] : []),
  ];
  const text = await runOnIdleNode(commands, { node, partitions: cluster.partitions, argv, signal });
  return text === null ? null : outcomeOf(text, nodeName);
}

function outcomeOf(text: string, nodeName: string): CheckOutcome {
  try {
    return healthOutcomeSchema.parse(JSON.parse(text));
  } catch (cause) {
    throw new OrreryError(
      'ORR_FAILED',
      `orrery health check did not run on node ${nodeName}: are ${packageFolder} and ${process.execPath} there too?`,
      { cause },
    );
  }
}
