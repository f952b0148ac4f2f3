import { PUBLISHED_SHARES } from '../../src/twin/measures/attempt-outcomes.ts';
import type { TwinReport } from '../../src/twin/report.ts';
import type { AttemptState } from '../../src/twin/types.ts';

/** Kokolis et al., Revisiting Reliability in Large-Scale Machine Learning Research Clusters, HPCA 2025, arXiv 2410.21680. */
export const SOURCE = 'Kokolis et al., HPCA 2025';

/** Published of the formula of ETTR beside a simulation of it, up to 8,000 GPUs. */
export const ETTR_WITHIN = 0.05;

/** A figure of RSC-1, and where the twin's is found. */
export interface Figure {
  name: string;
  /** Null where it is not. */
  published: number | null;
  /** What the twin says; null where the run has none. */
  predicted: (report: TwinReport) => number | null;
  say: (value: number) => string;
}

/** One that the twin's is held against. */
export interface PublishedFigure extends Figure {
  published: number;
  /** How far off it may be, or on which side of the published figure. */
  within: { difference: number } | { factor: number } | 'or less' | 'or more';
}

export const percent = (value: number): string => `${(value * 100).toPrecision(3)} %`;
const hours = (value: number): string => `${value.toPrecision(3)} h`;

const stateShare = (state: AttemptState) => (report: TwinReport) =>
  report.predictions.attemptStates.find((entry) => entry.state === state)?.share ?? 0;

/** What the others leave. */
const CANCELLED_SHARE = 0.032;

const state = (name: AttemptState, within: PublishedFigure['within']): PublishedFigure => ({
  name: `attempts that end ${name}`,
  published: PUBLISHED_SHARES[name] ?? CANCELLED_SHARE,
  predicted: stateShare(name),
  within,
  say: percent,
});

/** What users are the cause of is given as parts of each other; what others end is left over from the whole. */
const GIVEN_STATE = { factor: 1.1 };

function mttfOf16384(factor: number): PublishedFigure {
  return {
    name: 'MTTF of 16,384 GPUs',
    published: 1.8,
    predicted: ({ predictions }) => predictions.failures.mttf16384Hours,
    within: { factor },
    say: hours,
  };
}

/** Follow from what was published and is given, or was fitted to it: a check that the generator and the engine keep what they were given. */
export const GIVEN: readonly PublishedFigure[] = [
  {
    name: 'jobs submitted a day',
    published: 7200,
    predicted: ({ inputs }) => inputs.jobs.perDay,
    within: { factor: 1.03 },
    say: (value) => value.toFixed(0),
  },
  {
    name: 'utilisation (fitted by GPU hours asked for)',
    published: 0.83,
    predicted: ({ predictions }) => predictions.utilization,
    within: { difference: 0.03 },
    say: percent,
  },
  {
    name: '512+ GPU attempts ended by failures (fitted)',
    published: 0.14,
    predicted: ({ predictions }) => predictions.failures.large.attemptFailureShare,
    within: { factor: 1.3 },
    say: percent,
  },
  state('COMPLETED', GIVEN_STATE),
  state('FAILED', GIVEN_STATE),
  state('CANCELLED', GIVEN_STATE),
  state('TIMEOUT', GIVEN_STATE),
  state('OUT_OF_MEMORY', GIVEN_STATE),
  {
    name: 'GPU time of jobs within 8 GPUs',
    published: 0.1,
    predicted: ({ predictions }) => predictions.sizeShares.atMost8.deviceTimeShare,
    within: 'or less',
    say: percent,
  },
  {
    name: 'GPU time of jobs of 256+ GPUs',
    published: 0.66,
    predicted: ({ predictions }) => predictions.sizeShares.atLeast256.deviceTimeShare,
    within: { difference: 0.04 },
    say: percent,
  },
  {
    name: 'GPU time of jobs of 4,096+ GPUs',
    published: 0.12,
    predicted: ({ predictions }) => predictions.sizeShares.atLeast4096.deviceTimeShare,
    within: { difference: 0.03 },
    say: percent,
  },
  mttfOf16384(1.2),
];

/** The formulas of the paper hold of nodes that fail alike. */
export const GIVEN_WITHOUT_LEMONS: readonly PublishedFigure[] = [mttfOf16384(1.05)];

/** No figure was tuned to make these come out. */
export const PREDICTED: readonly PublishedFigure[] = [
  state('PREEMPTED', { factor: 1.5 }),
  // What rounds to 0.1 %.
  state('NODE_FAIL', { difference: 0.0005 }),
  {
    name: 'attempts that hardware ends',
    published: 0.002,
    predicted: ({ predictions }) => predictions.failures.attemptsFailed / predictions.attempts,
    within: { factor: 1.5 },
    say: percent,
  },
];

/**
 * Holds more than the twin has: hardware ends 0.2 % of attempts in all states together, so most of these 2 % were put back in the queue by something
 * else. A job that submitit started does it itself shortly before its time is up; sacct calls that attempt REQUEUED, too.
 */
export const NOT_MODELLED: readonly PublishedFigure[] = [state('REQUEUED', { factor: 1.5 })];

/** With lemon nodes looked for and drained, once the detector has had two months. */
export const PREDICTED_WITHOUT_LEMONS: readonly PublishedFigure[] = [
  {
    name: '512+ GPU attempts ended by failures',
    published: 0.04,
    predicted: ({ predictions }) => predictions.failures.large.attemptFailureShare,
    within: { factor: 1.5 },
    say: percent,
  },
  {
    name: 'verdicts on lemon nodes that were right',
    published: 0.85,
    predicted: ({ predictions }) => predictions.lemons?.precision ?? null,
    within: 'or more',
    say: percent,
  },
  {
    name: 'nodes found to be lemons',
    published: 24,
    predicted: ({ predictions }) => predictions.lemons?.nodesFlagged ?? null,
    within: { factor: 2 },
    say: (value) => value.toFixed(0),
  },
];

/** Of the nodes that failed as lemons. */
export const LEMON_RECALL: Figure = {
  name: 'lemon nodes that were found',
  published: null,
  predicted: ({ predictions }) => predictions.lemons?.recall ?? null,
  say: percent,
};

/** The job that failures ended most often: whom it drove out when it came again (35 times). One loop was published, so that there is nothing to allow. */
export const CRASH_LOOP: readonly Figure[] = [
  {
    name: 'attempts preempted by it',
    published: 548,
    predicted: ({ predictions }) => predictions.preemption.crashLoops[0]?.preemptions ?? null,
    say: (value) => value.toFixed(0),
  },
  {
    name: 'their GPUs together',
    published: 7000,
    predicted: ({ predictions }) => predictions.preemption.crashLoops[0]?.preemptedDevices ?? null,
    say: (value) => value.toFixed(0),
  },
];

/** What the published figure allows. */
function range({ published, within }: PublishedFigure): { low: number; high: number } {
  if (within === 'or less') return { low: -Infinity, high: published };
  if (within === 'or more') return { low: published, high: Infinity };
  if ('factor' in within) return { low: published / within.factor, high: published * within.factor };
  return { low: published - within.difference, high: published + within.difference };
}

/** As the tables say it. */
export function allowed(figure: PublishedFigure): string {
  const { low, high } = range(figure);
  return typeof figure.within === 'string' ? figure.within : `${figure.say(low)} to ${figure.say(high)}`;
}

export function isWithin(figure: PublishedFigure, value: number | null): boolean {
  const { low, high } = range(figure);
  return value !== null && value >= low && value <= high;
}
