import type { Command } from 'commander';
import type { NodeSummary } from '../../contract/api.ts';
import type { OrreryClient } from '../../contract/client.ts';
import { defineCommand } from '../command.ts';
import { connect } from '../connection.ts';
import { noteOutage } from '../outage.ts';
import { print, printJson } from '../output.ts';
import { renderLemons } from '../render/lemon-table.ts';
import { renderNodeDetail } from '../render/node-detail.ts';
import { renderNodes } from '../render/node-table.ts';
import { oneLine, terminalOf } from '../render/terminal.ts';

interface Options {
  reason?: string;
  json?: boolean;
}

/** With Slurm there are none where it shows none. */
async function noNodes(client: OrreryClient): Promise<string> {
  const { policy, remarks } = await client.health();
  const remark = remarks.find((line) => /nodes/.test(line));
  if (policy !== 'slurm') return 'No nodes. Start the daemon with some: orrery up --nodes 3';
  return `No nodes${remark === undefined ? '' : `: ${remark}`}.`;
}

type Act = (client: OrreryClient, nodeName: string, reason: string | undefined) => Promise<NodeSummary>;

export function register(program: Command): Command {
  const group = defineCommand(program, 'nodes', {
    summary: 'List the nodes with what they have (free/total) and what runs on them.',
    examples: [
      ['orrery nodes', 'all nodes'],
      ['orrery nodes drain n2 --reason "new disk"', 'let n2 finish its jobs, give it no new ones'],
      ['orrery nodes fail n2', 'a drill: kill everything on n2 as a power cut would'],
    ],
  }).action(async (options: Options) => {
    const client = connect();
    const [nodes] = await Promise.all([client.nodes(), noteOutage(client, 'the nodes are as last seen')]);
    if (options.json === true) printJson({ nodes });
    else if (nodes.length === 0) print(await noNodes(client));
    else print(renderNodes(nodes, terminalOf(process.stdout)));
  });
  defineCommand(group, 'lemons', {
    summary: 'Show what speaks for a node being a lemon: one that ends jobs again and again.',
    examples: [
      ['orrery nodes lemons', 'the seven signals of each node over 28 days, and the verdicts'],
      ['orrery nodes lemons --json', 'the same for a program'],
    ],
  }).action(async (options: Options) => {
    const lemons = await connect().lemons();
    if (options.json === true) printJson(lemons);
    else print(renderLemons(lemons, terminalOf(process.stdout), Date.now()));
  });
  defineCommand(group, 'show', {
    summary: 'Show why a node is out, what speaks for its being a lemon, and what happened to it in four weeks.',
    examples: [
      ['orrery nodes show n2', 'node n2'],
      ['orrery nodes show n2 --json', 'the same for a program'],
    ],
  })
    .argument('<node>', 'node name, as in orrery nodes')
    .action(async (name: string, options: Options) => {
      const node = await connect().node(name);
      if (options.json === true) printJson(node);
      else print(renderNodeDetail(node, Date.now(), terminalOf(process.stdout)));
    });
  defineNodeAction(group, 'drain', 'Let a node finish its jobs and give it no new ones.', (client, name, reason) =>
    client.drainNode(name, reason),
  ).option('--reason <text>', 'why; shown by orrery nodes');
  defineNodeAction(group, 'resume', 'Put a drained or failed node back to work.', (client, name) =>
    client.resumeNode(name),
  );
  defineNodeAction(
    group,
    'fail',
    'Kill everything on a node at once, for drills; its jobs are requeued.',
    (client, name, reason) => client.failNode(name, reason),
  ).option('--reason <text>', 'why; shown by orrery nodes');
  defineCommand(group, 'ticket', {
    summary: 'Note that somebody was asked to look at a node; several in four weeks speak for a lemon.',
    examples: [
      ['orrery nodes ticket n2 --reason "fan, vendor case 4711"', 'for node n2'],
      ['orrery nodes ticket n2 --json', 'the same for a program'],
    ],
  })
    .argument('<node>', 'node name, as in orrery nodes')
    .option('--reason <text>', 'what for; kept in the journal')
    .action(async (name: string, options: Options) => {
      const node = await connect().openTicket(name, options.reason);
      if (options.json === true) printJson({ node });
      else print(`Noted for node ${node.name}`);
    });
  return group;
}

type NodeVerb = 'drain' | 'resume' | 'fail';

function defineNodeAction(group: Command, action: NodeVerb, summary: string, act: Act): Command {
  return defineCommand(group, action, {
    summary,
    examples: [
      [`orrery nodes ${action} n2`, `${action} node n2`],
      [`orrery nodes ${action} n2 --json`, 'the same for a program'],
    ],
  })
    .argument('<node>', 'node name, as in orrery nodes')
    .action(async (name: string, options: Options) => {
      const client = connect();
      const before = await client.node(name);
      const node = await act(client, name, options.reason);
      if (options.json === true) printJson({ node });
      else print(oneLine(outcome(action, before, node)));
    });
}

/** `Node n2 is drained`, and what was so already, or has been replaced. */
function outcome(action: NodeVerb, before: NodeSummary, { name, state, reason }: NodeSummary): string {
  const isKept = before.state === state && before.reason === reason;
  if (action === 'resume') {
    const wasInService = before.outage === null;
    return wasInService ? `Node ${name} is in service already: it is ${state}` : `Node ${name} is ${state}`;
  }
  const was = before.outage === null || before.reason === null ? '' : `; before: ${before.reason}`;
  if (before.outage !== null && isKept) return `Node ${name} is ${state} already: ${reason ?? 'nobody said why'}`;
  return `Node ${name} is ${state}${was}`;
}
