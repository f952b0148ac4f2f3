import type { NodeDetail } from '../../contract/api.ts';
import type { NodeReport } from '../../contract/node-report.ts';
import { formatMemory } from '../../lib/units.ts';
import { signalHeader, short } from './lemon-table.ts';
import { nodeFormat } from './node-table.ts';
import { oneLine, type Terminal } from './terminal.ts';
import { formatTime } from './time.ts';

const HISTORY_SHOWN_MAX = 20;

/** What a node has and does, why it is out, what speaks for a lemon, and what happened to it. */
export function renderNodeDetail(node: NodeDetail, nowMs: number, terminal: Terminal): string {
  const format = nodeFormat(node.state);
  const against = node.evidence.flatMap(({ signal, value, isExceeded }) => {
    return value > 0 ? [`${signalHeader(signal).toLowerCase()} ${short(value)}${isExceeded ? '*' : ''}`] : [];
  });
  const facts: [string, string | null][] = [
    ['State', format === null ? node.state : terminal.paint(format, node.state)],
    ['Reason', node.reason],
    ['CPUs', `${node.cpusFree} of ${node.cpus} free`],
    ['Memory', `${formatMemory(node.memoryFreeBytes)} of ${formatMemory(node.memoryBytes)} free`],
    [
      'GPUs',
      node.gpus === 0 ? null : `${node.gpusFree} of ${node.gpus} free${node.gpuType ? `, ${node.gpuType}` : ''}`,
    ],
    ['Jobs', node.jobs.length === 0 ? null : node.jobs.join(', ')],
    [
      'Lemon',
      `${node.isLemon ? 'yes' : 'no'}${against.length === 0 ? '' : `; seen in ${node.windowDays} days: ${against.join(', ')}`}`,
    ],
  ];
  const lines = [terminal.paint('bold', `Node ${oneLine(node.name)}`)];
  if (node.outage !== null) lines.push(`  It ${oneLine(node.outage.words)}.`);
  for (const [label, value] of facts) {
    // The state is ours and may be coloured; the rest may come from outside.
    if (value !== null) lines.push(`  ${`${label}:`.padEnd(9)}${label === 'State' ? value : oneLine(value)}`);
  }
  if (node.report !== null) lines.push('', ...reportLines(node.report, nowMs));
  if (node.history.length === 0) return [...lines, '', `Nothing happened to it in ${node.windowDays} days.`].join('\n');
  const left = node.history.length - HISTORY_SHOWN_MAX;
  lines.push(
    '',
    `The last ${node.windowDays} days${left > 0 ? `, without the first ${left} of ${node.history.length}` : ''}:`,
  );
  for (const { atTime, words } of node.history.slice(-HISTORY_SHOWN_MAX)) {
    lines.push(`  ${formatTime(atTime, nowMs)}  ${oneLine(words)}`);
  }
  return lines.join('\n');
}

function reportLines({ occasion, atTime, results }: NodeReport, nowMs: number): string[] {
  const who = occasion === null ? 'a check' : `its ${occasion === 'healthcheck' ? 'health check' : occasion}`;
  const found = results.map(
    ({ name, status, message }) => `  ${status.toUpperCase()} ${oneLine(`${name}: ${message}`)}`,
  );
  return [
    `Last report, by ${who}, ${formatTime(atTime, nowMs)}:`,
    ...(found.length > 0 ? found : ['  XID errors alone']),
  ];
}
