import type { Scale } from '../page-chart.ts';
import { digits } from '../sim-words.ts';

const UNITS = [
  {
    name: 'day',
    seconds: 86_400,
    steps: [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10_000, 20_000, 50_000],
  },
  { name: 'hour', seconds: 3600, steps: [1, 2, 3, 6, 12, 24] },
  { name: 'minute', seconds: 60, steps: [1, 2, 5, 10, 15, 30, 60] },
  { name: 'second', seconds: 1, steps: [1, 2, 5, 10, 15, 30, 60] },
] as const;
/** So many of a unit are worth counting in it. */
const UNITS_MIN = 3;

/** Spans at which a logarithmic axis of time has a label. */
export const SPANS: readonly (readonly [seconds: number, text: string])[] = [
  [1, '1 s'],
  [10, '10 s'],
  [60, '1 min'],
  [600, '10 min'],
  [3600, '1 h'],
  [21_600, '6 h'],
  [86_400, '1 d'],
  [604_800, '7 d'],
  [2_592_000, '30 d'],
  [31_536_000, '1 y'],
  [315_360_000, '10 y'],
];

/** The time of a run: where an instant lies, in the unit that suits its length. */
export interface TimeAxis extends Scale {
  /** `day`. */
  unit: string;
  /** In units. */
  text: (seconds: number) => string;
}

/** Over a run of `endSeconds`, all of it and no more. */
export function timeAxis(endSeconds: number, from: number, to: number, ticksMax: number): TimeAxis {
  const end = Math.max(endSeconds, 1);
  const unit = unitOf(end);
  const steps: readonly number[] = unit.steps;
  const step = (steps.find((each) => end / unit.seconds / each <= ticksMax) ?? steps.at(-1) ?? 1) * unit.seconds;
  return {
    at: (seconds) => from + (Math.min(seconds, end) / end) * (to - from),
    ticks: Array.from({ length: Math.floor(end / step + 1e-9) + 1 }, (_, index) => index * step),
    unit: unit.name,
    text: (seconds) => digits(seconds / unit.seconds),
  };
}

/** `day 12.3`: an instant of a run of that length. */
export function momentText(seconds: number, endSeconds: number): string {
  const { name, seconds: size } = unitOf(Math.max(endSeconds, 1));
  return `${name} ${(seconds / size).toFixed(name === 'second' ? 0 : 1)}`;
}

/** `20 days`: how long a run is. */
export function spanText(seconds: number): string {
  const { name, seconds: size } = unitOf(Math.max(seconds, 1));
  const count = digits(seconds / size);
  return `${count} ${name}${count === '1' ? '' : 's'}`;
}

function unitOf(endSeconds: number): (typeof UNITS)[number] {
  return UNITS.find(({ seconds }) => endSeconds >= UNITS_MIN * seconds) ?? UNITS[3];
}
