import { INTERVAL_PROBABILITY, type PairedDifference } from '../../twin/compare.ts';
import type { MeasureUnit } from '../../twin/compared-measures.ts';
import type { SimulationInputs } from '../sim/simulation-inputs.ts';
import { digits, percent, shortTime, whole } from './sim-words.ts';

/** So many times as many intervals without 0 as chance makes are more than chance. */
const HINT_FACTOR = 2;

interface Measure extends PairedDifference {
  subject: string;
  unit: MeasureUnit;
  isClear: boolean;
}

/** What a variant does to the base, as the subject of a sentence: `adding 1,240 nodes`. More than one change: the variant's title. */
export function changeWords(base: SimulationInputs, variant: SimulationInputs, title: string): string {
  const changes: string[] = [];
  const more = variant.nodes - base.nodes;
  if (more !== 0) changes.push(more > 0 ? `adding ${whole(more)} nodes` : `taking ${whole(-more)} nodes away`);
  if (variant.areLemonsWatched !== base.areLemonsWatched) {
    changes.push(variant.areLemonsWatched ? 'draining lemon nodes' : 'leaving lemon nodes in service');
  }
  if (variant.load !== base.load) changes.push(`${digits(variant.load / base.load)} times the load`);
  if (variant.failures !== base.failures) {
    changes.push(
      variant.failures === null ? 'a cluster without failures' : `having failures as in ${variant.failures}`,
    );
  }
  if (variant.policy !== base.policy) changes.push(`the policy ${variant.policy}`);
  if (variant.checkpointInterval !== base.checkpointInterval) {
    changes.push(`a checkpoint interval of ${variant.checkpointInterval ?? "each job's own"}`);
  }
  const isReserved = variant.reservations.length > 0;
  if (!isReserved && base.reservations.length > 0) changes.push('having no reservations');
  const isElsewhere =
    (isReserved && JSON.stringify(base.reservations) !== JSON.stringify(variant.reservations)) ||
    ['workload', 'days', 'growth', 'addedJobs', 'cluster'].some(
      (field) => Reflect.get(base, field) !== Reflect.get(variant, field),
    );
  const ownSettings = settingsWords(base, variant);
  if (changes.length === 0 && ownSettings.length === 1 && !isElsewhere) return ownSettings[0] ?? title;
  const [only, ...others] = changes;
  // Another cluster is more than its number of nodes.
  if (only === undefined || others.length > 0 || ownSettings.length > 0 || isElsewhere) return `“${title}”`;
  return only;
}

/** Settings that differ, without those that the inputs show by themselves. */
function settingsWords(base: SimulationInputs, variant: SimulationInputs): string[] {
  const shown = ['nodes'];
  const names = [...new Set([...Object.keys(base.settings), ...Object.keys(variant.settings)])].sort();
  return names.flatMap((name) => {
    const value = variant.settings[name];
    if (shown.includes(name) || value === base.settings[name]) return [];
    return [value === undefined ? `leaving ${name} at its default` : `setting ${name} to ${value}`];
  });
}

/** `adding 1,240 nodes cuts the median wait of 256-GPU jobs from 9.1 h to 12 min (95 % interval of the change: -9.6 h to -8.2 h)`. */
export function differenceSentence(change: string, measure: Measure): string {
  const { subject, base, variant, difference, isClear } = measure;
  const say = (value: number) => sayMeasure(value, measure.unit);
  const interval = intervalWords(measure);
  if (!isClear)
    return `${change} changes ${subject} no more than chance does: ${say(base)}, then ${say(variant)}${interval}`;
  return `${change} ${difference < 0 ? 'cuts' : 'raises'} ${subject} from ${say(base)} to ${say(variant)}${interval}`;
}

function intervalWords({ interval, unit }: Measure): string {
  if (interval === null || isPoint(interval)) return '';
  return ` (95 % interval of the change: ${sayInterval(interval, unit)})`;
}

/** But for the rounding of a mean: nothing is left to chance. */
export function isPoint({ low, high }: NonNullable<PairedDifference['interval']>): boolean {
  return high - low <= 1e-9 * Math.max(Math.abs(low), Math.abs(high));
}

/** Where no difference is clear. */
export function noNewsWords(
  { isDrawn, seeds }: { isDrawn: boolean; seeds: readonly number[] },
  measures: readonly PairedDifference[],
): string {
  if (measures.every(({ difference, interval }) => difference === 0 && (interval === null || isPoint(interval)))) {
    return 'no difference: every measure comes out the same';
  }
  if (!isDrawn) return 'no difference of a hundredth or more';
  if (seeds.length === 1) return 'one seed: no intervals, so that nothing here can be told from chance';
  return `no difference that ${seeds.length} seeds tell from chance${hintWords(seeds.length, measures)}`;
}

/** Where more intervals leave out 0 than chance would make do so: there is something, and the seeds are too few to say what. */
function hintWords(seeds: number, measures: readonly PairedDifference[]): string {
  const compared = measures.filter(({ interval }) => interval !== null);
  const beyond = compared.filter(({ interval }) => interval !== null && (interval.low > 0 || interval.high < 0));
  const byChance = (1 - INTERVAL_PROBABILITY) * compared.length;
  if (beyond.length <= HINT_FACTOR * byChance) return '';
  return `, all measures taken together; yet ${whole(beyond.length)} of their ${whole(compared.length)} intervals leave out 0, and chance makes ${digits(byChance)}: more seeds (--seeds ${2 * seeds}) would tell`;
}

/** What the mark of a clear difference says, `count` measures having been compared. */
export function clearWords(
  { isDrawn, falseDiscoveryRate }: { isDrawn: boolean; falseDiscoveryRate: number },
  count: number,
): string {
  if (!isDrawn) return 'a difference';
  return `more than chance, with all ${whole(count)} measures taken together (Benjamini and Hochberg, ${percent(falseDiscoveryRate)}); each interval is of its measure alone`;
}

export function sayMeasure(value: number, unit: MeasureUnit): string {
  switch (unit) {
    case 'seconds':
      return shortTime(value);
    case 'share':
      return percent(value);
    case 'gpuHours':
    case 'cpuHours':
      return `${digits(value)} ${unit === 'gpuHours' ? 'GPU' : 'CPU'}-hours`;
    case 'megawattHours':
      return `${digits(value)} MWh`;
    case 'number':
  }
  return digits(value);
}

/** `-53 to -33 points`, `-12 min to +3 h`: a unit that both ends have is said once. `exact` where both ends are one. */
export function sayInterval(interval: NonNullable<PairedDifference['interval']>, unit: MeasureUnit): string {
  if (isPoint(interval)) return 'exact';
  const { low, high } = interval;
  const [from, to] = [sayChange(low, unit), sayChange(high, unit)];
  const words = / .+$/.exec(to)?.[0] ?? '';
  return `${from.endsWith(words) ? from.slice(0, from.length - words.length) : from} to ${to}`;
}

/** With its sign: `+12 min`. Shares change by points. */
export function sayChange(value: number, unit: MeasureUnit): string {
  const words = unit === 'share' ? `${digits(value * 100)} points` : sayMeasure(value, unit);
  return value > 0 ? `+${words}` : words;
}
