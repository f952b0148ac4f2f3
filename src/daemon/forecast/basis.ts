import type { Timing } from '../../twin/scenario.ts';
import type { Snapshot } from '../../twin/snapshot.ts';
import type { TraceRow } from '../../twin/trace-source.ts';

/** What a forecast goes by; plain values, so that it can be handed to another thread. */
export interface ForecastBasis {
  snapshot: Snapshot;
  /** Jobs that have ended, in the order of their submissions; for how long jobs run, and what comes. */
  history: readonly TraceRow[];
  timing: Timing;
}
