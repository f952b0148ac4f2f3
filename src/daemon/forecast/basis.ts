import { readSlurmSaved, type SlurmSaved, snapshotOf } from '../../backend/slurm/saved/read-saved.ts';
import type { Timing } from '../../twin/scenario.ts';
import { rowsFrom, type Snapshot } from '../../twin/snapshot.ts';
import type { TraceRow } from '../../twin/trace-row.ts';

/** What a forecast goes by. */
export interface ForecastBasis {
  snapshot: Snapshot;
  /** Jobs that have ended, in the order of their submissions; for how long jobs run, and what comes. Times from the snapshot's instant on. */
  history: readonly TraceRow[];
  timing: Timing;
}

/** The same as plain values that another thread can be handed: as it is, or as Slurm's commands printed it. */
export type ForecastSource = { kind: 'basis'; basis: ForecastBasis } | { kind: 'slurm'; saved: SlurmSaved };

/** Some hundred thousand jobs of accounting: on a cluster that runs more in two weeks the last days tell enough, and reading takes seconds. */
const SACCT_LENGTH_MAX = 20_000_000;

/** Throws ORR_BAD_FILE where Slurm's words are not understood. */
export function basisOf(source: ForecastSource): ForecastBasis {
  if (source.kind === 'basis') return source.basis;
  const { sacct, ...saved } = source.saved;
  const newest = sacct && { ...sacct, text: lastLines(sacct.text, SACCT_LENGTH_MAX) };
  const imported = readSlurmSaved(newest === undefined ? saved : { ...saved, sacct: newest });
  const { history, nowMs, slurm } = imported;
  const past = history === null ? [] : rowsFrom(history.rows, (nowMs ?? 0) - (history.originMs ?? 0));
  return { snapshot: snapshotOf(imported), history: past, timing: slurm.timing };
}

/** The header of a table, and of its lines the last, whole ones, that are no longer together than that. */
export function lastLines(text: string, lengthMax: number): string {
  const headerEnd = text.indexOf('\n') + 1;
  if (text.length - headerEnd <= lengthMax) return text;
  return text.slice(0, headerEnd) + text.slice(text.indexOf('\n', text.length - lengthMax - 1) + 1);
}
