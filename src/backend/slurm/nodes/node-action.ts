import { shellCommand } from '../../../lib/shell-quote.ts';
import type { SlurmCommands } from '../slurm-commands.ts';
import { SlurmFailure } from '../slurm-failure.ts';

/** What was done to a node, and what is left for a person to do. */
export interface NodeAction {
  /** Slurm's name of it. */
  node: string;
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
export async function settleNode(commands: SlurmCommands, wanted: WantedNode): Promise<NodeAction> {
  const { reason, mark } = wanted;
  const fields = reason === null ? RESUME : ['State=DRAIN', `Reason=${reason}`];
  const updateOf = (name: string) => ['update', `NodeName=${name}`, ...fields];
  let { name: node } = wanted;
  try {
    let shown = await readNode(commands, node);
    if (shown === null) {
      node = await nodeNameOf(commands, node);
      shown = node === wanted.name ? null : await readNode(commands, node);
    }
    // No operator can do it either.
    if (shown === null)
      return {
        node,
        action: 'refused',
        message: `Slurm has no node ${node}: expected a NodeName of slurm.conf (--node)`,
      };
    const isOurs = shown.reason.startsWith(mark);
    if (reason === null && !(shown.isDrained && isOurs)) return { node, action: 'none', message: '' };
    if (reason !== null && shown.isDrained && (!isOurs || shown.reason === reason)) {
      return { node, action: 'none', message: `node ${node} is out of service already: ${shown.reason}` };
    }
    await commands.run('scontrol', updateOf(node));
  } catch (error) {
    return { node, action: 'refused', message: byHand(error, updateOf(node)) };
  }
  return reason === null
    ? { node, action: 'resumed', message: `node ${node} is given back` }
    : { node, action: 'drained', message: `node ${node} is drained` };
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

/**
 * Slurm's name of a node, which may be another than that of its host (`NodeHostname`), with its domain or without. The name as it is where Slurm
 * does not answer, or knows none or several like it. Never rejects.
 */
export async function nodeNameOf(commands: SlurmCommands, host: string): Promise<string> {
  const text = await commands
    .run('sinfo', ['--noheader', '--Node', '--all', '--format=%N|%n'])
    .catch((error: unknown) => {
      complaint(error);
      return '';
    });
  const nodes = text.split('\n').map((line) => line.split('|'));
  const short = (name: string) => name.split('.')[0]?.toLowerCase() ?? '';
  for (const isSame of [(name: string) => name === host, (name: string) => short(name) === short(host)]) {
    const found = new Set(
      nodes.flatMap(([name = '', of = '']) => (name !== '' && (isSame(name) || isSame(of)) ? [name] : [])),
    );
    if (nodes.some(([name]) => name === host)) return host;
    if (found.size > 0) return found.size === 1 ? ([...found][0] ?? host) : host;
  }
  return host;
}

/** Null where Slurm has none. By sinfo: in what `scontrol show node` prints, a reason with `Word=` in it cannot be told from the next field. */
async function readNode(commands: SlurmCommands, name: string): Promise<ShownNode | null> {
  const text = await commands.run('sinfo', ['--noheader', '--Node', '--all', `--nodes=${name}`, '--format=%T|%E']);
  const [state = '', ...reason] = (text.split('\n')[0] ?? '').split('|');
  if (state === '') return null;
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
