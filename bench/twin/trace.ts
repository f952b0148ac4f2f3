import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import type { NodeSpec } from '../../src/cluster/node.ts';
import { readSwf } from '../../src/formats/swf.ts';
import type { TraceRow } from '../../src/twin/trace-row.ts';

/** Nodes of the cluster that the SWF traces were drawn for; a processor of theirs is such a node. */
export const TRACE_NODES = 2000;
const NODES_PER_LEAF = 20;

/** The folder of traces in `ORRERY_DATA`, else in `../shared/data` beside the checkout; undefined where it is not there. */
export function traceFolder(): string | undefined {
  const data = process.env['ORRERY_DATA'] ?? join(import.meta.dirname, '..', '..', '..', 'shared', 'data');
  const folder = join(data, 'traces');
  return existsSync(folder) ? folder : undefined;
}

/** Throws where a record of it is bad. */
export function readTraceRows(folder: string, name: string): readonly TraceRow[] {
  const text = gunzipSync(readFileSync(join(folder, `${name}.swf.gz`))).toString('utf8');
  const { rows, bad } = readSwf(text);
  if (bad[0] !== undefined) throw new Error(`${name}: ${JSON.stringify(bad[0])}`);
  return rows;
}

/** Identical nodes of 8 A100, twenty to a leaf switch. */
export function dgxNodes(count: number): NodeSpec[] {
  return Array.from({ length: count }, (_, index) => ({
    name: `n${index + 1}`,
    resources: { cpus: 256, memoryBytes: 2 * 1024 ** 4, gpus: 8 },
    gpuType: 'a100-80',
    leaf: `leaf${Math.floor(index / NODES_PER_LEAF) + 1}`,
  }));
}
