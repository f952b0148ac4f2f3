import { firstLine } from '../../health/check.ts';
import type { CommandOutcome, Machine } from '../../health/machine.ts';
import { HEALTH_REASON } from '../../health/verdict.ts';

const SLURM_TIMEOUT_MS = 15_000;

/** What was done to a node, and what is left for a person to do. */
export interface NodeAction {
  action: 'none' | 'drained' | 'resumed' | 'refused';
  message: string;
}

/** As Slurm has it: `drained`, `idle*`, and the reason; `none` where there is none. */
interface SlurmNode {
  isDrained: boolean;
  reason: string;
}

/**
 * Drains a node of Slurm for a reason, or gives it back where the reason is null. A node that somebody else took out is left alone either way:
 * its reason stays theirs.
 */
export async function settleSlurmNode(machine: Machine, nodeName: string, reason: string | null): Promise<NodeAction> {
  const node = await readNode(machine, nodeName);
  if (typeof node === 'string') return refused(node, nodeName, reason);
  const isOurs = node.reason.startsWith(HEALTH_REASON);
  if (reason === null) {
    if (!node.isDrained || !isOurs) return { action: 'none', message: '' };
    return await update(machine, nodeName, ['State=RESUME'], null);
  }
  if (node.isDrained && (!isOurs || node.reason === reason)) {
    return { action: 'none', message: `node ${nodeName} is out of service already: ${node.reason}` };
  }
  return await update(machine, nodeName, ['State=DRAIN', `Reason=${reason}`], reason);
}

/** Puts what runs on a node back in the queue, under the same job ids. The answer is a sentence, empty where nothing ran. */
export async function requeueJobs(machine: Machine, nodeName: string): Promise<string> {
  const listed = await machine.run(
    ['squeue', '--noheader', '--all', `--nodelist=${nodeName}`, '--states=RUNNING', '--format=%i'],
    SLURM_TIMEOUT_MS,
  );
  if (listed.kind !== 'ended' || listed.exitCode !== 0) return complaint('squeue', listed);
  const jobs = [...new Set(listed.stdout.split('\n').filter((line) => /^[\d_]+$/.test(line)))];
  if (jobs.length === 0) return '';
  const requeued = await machine.run(['scontrol', 'requeue', jobs.join(',')], SLURM_TIMEOUT_MS);
  if (requeued.kind === 'ended' && requeued.exitCode === 0) return `requeued: ${jobs.join(', ')}`;
  return `${complaint('scontrol', requeued)}. As an operator of Slurm: scontrol requeue ${jobs.join(',')}`;
}

async function readNode(machine: Machine, nodeName: string): Promise<SlurmNode | string> {
  const outcome = await machine.run(
    ['sinfo', '--noheader', '--Node', '--all', `--nodes=${nodeName}`, '--format=%T|%E'],
    SLURM_TIMEOUT_MS,
  );
  const line = outcome.kind === 'ended' && outcome.exitCode === 0 ? outcome.stdout.split('\n')[0] : undefined;
  if (line === undefined) return complaint('sinfo', outcome);
  const [state = '', ...reason] = line.split('|');
  if (state === '') return `Slurm has no node ${nodeName}`;
  return { isDrained: /^drain/i.test(state), reason: reason.join('|') };
}

async function update(
  machine: Machine,
  nodeName: string,
  changes: string[],
  reason: string | null,
): Promise<NodeAction> {
  const outcome = await machine.run(['scontrol', 'update', `NodeName=${nodeName}`, ...changes], SLURM_TIMEOUT_MS);
  if (outcome.kind === 'ended' && outcome.exitCode === 0) {
    return reason === null
      ? { action: 'resumed', message: `node ${nodeName} is given back` }
      : { action: 'drained', message: `node ${nodeName} is drained` };
  }
  return refused(complaint('scontrol', outcome), nodeName, reason);
}

function complaint(program: string, outcome: CommandOutcome): string {
  if (outcome.kind === 'missing') return `there is no ${program} on PATH`;
  if (outcome.kind === 'timedOut') return `${program} did not answer within ${outcome.afterMs / 1000} s`;
  return firstLine(outcome.stderr) || firstLine(outcome.stdout) || `${program} ended with status ${outcome.exitCode}`;
}

/** An operator can do it by hand. */
function refused(why: string, nodeName: string, reason: string | null): NodeAction {
  const command =
    reason === null
      ? `scontrol update NodeName=${nodeName} State=RESUME`
      : `scontrol update NodeName=${nodeName} State=DRAIN Reason="${reason.replaceAll('"', "'")}"`;
  return { action: 'refused', message: `${why}. As an operator of Slurm: ${command}` };
}
