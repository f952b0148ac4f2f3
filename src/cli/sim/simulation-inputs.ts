/** A file that was not understood in full: how much, and where. */
export interface ReadingRemark {
  /** `12 rows of jobs.csv are bad`. */
  what: string;
  /** `line 7: runtime_s: expected a number >= 0, got "x"`: of many, as many as one may want to look at. */
  examples: readonly string[];
}

/** So many examples a remark has at most. */
const EXAMPLES_MAX = 1000;
/** And so many are shown to people. */
const EXAMPLES_SHOWN = 5;

/** The examples of a remark, each put into words. */
export function examplesOf<T>(all: readonly T[], wordsOf: (one: T) => string): string[] {
  return all.slice(0, EXAMPLES_MAX).map(wordsOf);
}

/** The first few, and where the others are. */
export function shownExamples({ examples }: ReadingRemark): string[] {
  const rest = examples.length - EXAMPLES_SHOWN;
  if (rest <= 0) return [...examples];
  return [...examples.slice(0, EXAMPLES_SHOWN), `and ${rest} more, which --json has`];
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
  /** Those of the policy and of the scenario, in seconds of the run; `nodes`: how many. */
  reservations: readonly { name: string; nodes: number; startSeconds: number; endSeconds: number }[];
  remarks: readonly ReadingRemark[];
}
