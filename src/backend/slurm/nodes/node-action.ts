import { shellCommand } from '../../../lib/shell-quote.ts';
import type { SlurmCommands } from '../slurm-commands.ts';
import { SlurmFailure } from '../slurm-failure.ts';

/** What was done to a node, and what is left for a person to do. */
export interface NodeAction {
  action: 'none' | 'drained' | 'resumed' | 'refused';
  message: string;
}

/** What is wanted of a node. */
export interface WantedNode {
  name: string;
  /** Why it is to be out of service; null: it is well. */
  reason: string | null;
  /** Reasons of ours begin so: only such drains are changed and taken back. */
  mark: string;
}

/**
 * Puts a node back in service. Slurm 24.11 without accounting leaves it the reason why it was out, and what it drains the node for later under that reason:
 * an empty one it does not take, a blank it does. Others have none afterwards.
 */
export const RESUME = ['State=RESUME', 'Reason= '] as const;

/** A node as sinfo tells it; the reason is `none` where there is none. */
interface ShownNode {
  isDrained: boolean;
  reason: string;
}

/**
 * Drains a node of Slurm for a reason, or gives it back where the reason is null. A node that somebody else took out is left alone either way:
 * its reason stays theirs. Where Slurm refuses, the message has the command for an operator. Never rejects.
 */
export async function settleNode(commands: SlurmCommands, { name, reason, mark }: WantedNode): Promise<NodeAction> {
  const fields = reason === null ? RESUME : ['State=DRAIN', `Reason=${reason}`];
  const update = ['update', `NodeName=${name}`, ...fields];
  try {
    const { isDrained, reason: shown } = await readNode(commands, name);
    const isOurs = shown.startsWith(mark);
    if (reason === null && !(isDrained && isOurs)) return { action: 'none', message: '' };
    if (reason !== null && isDrained && (!isOurs || shown === reason)) {
      return { action: 'none', message: `node ${name} is out of service already: ${shown}` };
    }
    await commands.run('scontrol', update);
  } catch (error) {
    return { action: 'refused', message: byHand(error, update) };
  }
  return reason === null
    ? { action: 'resumed', message: `node ${name} is given back` }
    : { action: 'drained', message: `node ${name} is drained` };
}

/**
 * Puts what runs on a node back in the queue, under the same job ids. The answer is a sentence, empty where nothing ran; where Slurm refuses, it has
 * the command for an operator. Never rejects.
 */
export async function requeueJobs(commands: SlurmCommands, nodeName: string): Promise<string> {
  const options = ['--noheader', '--all', `--nodelist=${nodeName}`, '--states=RUNNING', '--format=%i'];
  let requeue: string[] = [];
  try {
    const listed = await commands.run('squeue', options);
    const jobs = [...new Set(listed.split('\n').filter((line) => /^[\d_]+$/.test(line)))];
    if (jobs.length === 0) return '';
    requeue = ['requeue', jobs.join(',')];
    await commands.run('scontrol', requeue);
    return `requeued: ${jobs.join(', ')}`;
  } catch (error) {
    return requeue.length === 0 ? complaint(error) : byHand(error, requeue);
  }
}

/** By sinfo: in what `scontrol show node` prints, a reason with `Word=` in it cannot be told from the next field. */
async function readNode(commands: SlurmCommands, name: string): Promise<ShownNode> {
  const text = await commands.run('sinfo', ['--noheader', '--Node', '--all', `--nodes=${name}`, '--format=%T|%E']);
  const [state = '', ...reason] = (text.split('\n')[0] ?? '').split('|');
  if (state === '') throw new SlurmFailure('rejected', `Slurm has no node ${name}`);
  return { isDrained: /^drain/i.test(state), reason: reason.join('|') };
}

function byHand(error: unknown, scontrol: readonly string[]): string {
  return `${complaint(error)}. As an operator of Slurm: ${shellCommand(['scontrol', ...scontrol])}`;
}

/** What Slurm said, without the advice that is for jobs; throws what is no failure of Slurm's. */
function complaint(error: unknown): string {
  if (!(error instanceof SlurmFailure)) throw error;
  return error.kind === 'missing' ? error.message : error.said;
}
