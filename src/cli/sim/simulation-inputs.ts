/** A file that was not understood in full: how much, and the first few places. */
export interface ReadingRemark {
  /** `12 rows of jobs.csv are bad`. */
  what: string;
  /** `line 7: runtime_s: expected a number >= 0, got "x"`. */
  examples: readonly string[];
}

/** What a simulation was given. Everything else it reports is predicted. */
export interface SimulationInputs {
  title: string | null;
  cluster: string;
  nodes: number;
  gpus: number;
  /** Null with a trace. */
  workload: string | null;
  trace: { file: string; format: string; jobs: number; badRows: number; refusedRows: number } | null;
  /** Null: to the end of the trace. */
  days: number | null;
  /** Left out of every measure. */
  warmupDays: number;
  seed: number;
  load: number;
  growth: number;
  policy: string;
  schedulerType: string;
  backfillType: string;
  /** Null: nothing fails. */
  failures: string | null;
  failuresPerThousandNodeDays: number | null;
  areLemonsWatched: boolean;
  /** Null: as the jobs say. */
  checkpointInterval: string | null;
  settings: Readonly<Record<string, string>>;
  /** Jobs that the scenario adds. */
  addedJobs: number;
  remarks: readonly ReadingRemark[];
}
