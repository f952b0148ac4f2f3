import { parseDurationMs } from '../lib/units.ts';

/** How often jobs that write checkpoints do so. */
export type CheckpointChoice =
  | { kind: 'fixed'; intervalMs: number }
  | { kind: 'young-daly' | 'adaptive' }
  | { kind: 'none' };

/** `60m`, `young-daly`, `adaptive`, `none`; undefined for anything else. */
export function checkpointChoice(text: string): CheckpointChoice | undefined {
  if (text === 'none') return { kind: text };
  if (text === 'young-daly' || text === 'adaptive') return { kind: text };
  const intervalMs = parseDurationMs(text);
  return intervalMs === undefined || intervalMs <= 0 ? undefined : { kind: 'fixed', intervalMs };
}
