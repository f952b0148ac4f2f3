import { PUBLISHED_SHARES } from '../../src/twin/measures/attempt-outcomes.ts';
import type { TwinReport } from '../../src/twin/report.ts';
import type { AttemptState } from '../../src/twin/types.ts';

/** Kokolis et al., Revisiting Reliability in Large-Scale Machine Learning Research Clusters, HPCA 2025, arXiv 2410.21680. */
export const SOURCE = 'Kokolis et al., HPCA 2025';

/** A figure of RSC-1 as published, and where the twin's is found. */
export interface PublishedFigure {
  name: string;
  published: number;
  /** What the twin says; null where the run has none. */
  predicted: (report: TwinReport) => number | null;
  /** How far off it may be: by so much, or by this factor, whichever allows more. */
  within: { difference?: number; factor?: number };
  say: (value: number) => string;
}

export const percent = (value: number): string => `${(value * 100).toPrecision(3)} %`;
const hours = (value: number): string => `${value.toPrecision(3)} h`;

const stateShare = (state: AttemptState) => (report: TwinReport) =>
  report.predictions.attemptStates.find((entry) => entry.state === state)?.share ?? 0;

/** What the others leave. */
const CANCELLED_SHARE = 0.032;

const state = (name: AttemptState): PublishedFigure => ({
  name: `attempts that end ${name}`,
  published: PUBLISHED_SHARES[name] ?? CANCELLED_SHARE,
  predicted: stateShare(name),
  within: { difference: 0.02, factor: 1.5 },
  say: percent,
});

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
  state('COMPLETED'),
  state('FAILED'),
  state('CANCELLED'),
  state('TIMEOUT'),
  state('OUT_OF_MEMORY'),
  {
    name: 'GPU time of jobs within 8 GPUs, below',
    published: 0.1,
    predicted: ({ predictions }) => predictions.sizeShares.atMost8.deviceTimeShare,
    within: { difference: 0.03 },
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
export const PREDICTED: readonly PublishedFigure[] = [state('PREEMPTED'), state('REQUEUED'), state('NODE_FAIL')];

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
    name: 'verdicts that were right, above',
    published: 0.85,
    predicted: ({ predictions }) => predictions.lemons?.precision ?? null,
    within: { difference: 0.1 },
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

/** Says nothing of figures that are bounds: `verdicts that were right, above` is fine where it is more. */
export function isWithin({ published, within, name }: PublishedFigure, value: number | null): boolean {
  if (value === null) return false;
  if (name.endsWith('above') && value >= published) return true;
  if (name.endsWith('below') && value <= published) return true;
  const { difference = 0, factor = 1 } = within;
  if (Math.abs(value - published) <= difference) return true;
  return value > 0 && Math.max(value / published, published / value) <= factor;
}
