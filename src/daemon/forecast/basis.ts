import { readSlurmSaved, type SlurmSaved, snapshotOf } from '../../backend/slurm/saved/read-saved.ts';
import type { Timing } from '../../twin/scenario.ts';
import { rowsFrom, type Snapshot } from '../../twin/snapshot.ts';
import type { TraceRow } from '../../twin/trace-source.ts';

/** What a forecast goes by. */
export interface ForecastBasis {
  snapshot: Snapshot;
  /** Jobs that have ended, in the order of their submissions; for how long jobs run, and what comes. Times from the snapshot's instant on. */
  history: readonly TraceRow[];
  timing: Timing;
}

/** The same as plain values that another thread can be handed: as it is, or as Slurm's commands printed it. */
export type ForecastSource = { kind: 'basis'; basis: ForecastBasis } | { kind: 'slurm'; saved: SlurmSaved };

/** Throws ORR_BAD_FILE where Slurm's words are not understood. */
export function basisOf(source: ForecastSource): ForecastBasis {
  if (source.kind === 'basis') return source.basis;
  const imported = readSlurmSaved(source.saved);
  const { history, nowMs, slurm } = imported;
  const past = history === null ? [] : rowsFrom(history.rows, (nowMs ?? 0) - (history.originMs ?? 0));
  return { snapshot: snapshotOf(imported), history: past, timing: slurm.timing };
}
