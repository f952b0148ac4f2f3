import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';

/** One job of a Standard Workload Format trace in which a processor is a whole node. */
export interface TraceJob {
  submitMs: number;
  runMs: number;
  limitMs: number;
  nodes: number;
}

/** The folder with real data: `ORRERY_DATA`, else `../shared/data` beside the checkout; undefined where it is not there. */
export function dataFolder(): string | undefined {
  const folder = process.env['ORRERY_DATA'] ?? join(import.meta.dirname, '..', '..', '..', 'shared', 'data');
  return existsSync(folder) ? folder : undefined;
}

/**
 * Reads submit time (field 2), run time (4), processors (5) and requested time (9) of every job, by the format's definition at
 * https://www.cs.huji.ac.il/labs/parallel/workload/swf.html; lines that begin with a semicolon are its header.
 */
export function readTrace(path: string): TraceJob[] {
  const text = gunzipSync(readFileSync(path)).toString('utf8');
  return text.split('\n').flatMap((line) => {
    if (line.startsWith(';') || line.trim() === '') return [];
    const [, submit = 0, , run = 0, processors = 0, , , , requested = 0] = line.trim().split(/\s+/).map(Number);
    if (run <= 0 || processors <= 0) return [];
    return [
      { submitMs: submit * 1000, runMs: run * 1000, limitMs: Math.max(requested, run) * 1000, nodes: processors },
    ];
  });
}
