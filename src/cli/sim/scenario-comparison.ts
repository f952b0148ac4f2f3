import {
  clearOnes,
  comparePaired,
  exactly,
  FALSE_DISCOVERY_RATE,
  INTERVAL_PROBABILITY,
  type PairedDifference,
} from '../../twin/compare.ts';
import { type ComparedFigure, comparedFigures, MEASURE_TOPICS } from '../../twin/compared-measures.ts';
import { type ScenarioSummary, summarizeScenario } from '../../twin/scenario-summary.ts';
import { changeWords, differenceSentence, sayMeasure } from '../render/sim-sentences.ts';
import type { SimulationResult } from './simulate.ts';
import type { SimulationInputs } from './simulation-inputs.ts';

/** A smaller change is no news, however sure it is. */
const NOTABLE_CHANGE_MIN = 0.01;

/** One measure of a variant beside that of the base. */
export interface ComparedMeasure extends Omit<ComparedFigure, 'value'>, PairedDifference {
  /** More than chance, with all measures of the variant taken together. */
  isClear: boolean;
}

export interface ComparedScenario {
  title: string;
  /** Of its first run. */
  inputs: SimulationInputs;
  summary: ScenarioSummary;
}

export interface ComparedVariant extends ComparedScenario {
  /** What it changes, as a subject: `adding 1,240 nodes`. */
  change: string;
  /** The clear differences of a hundredth and more in words, of each topic the largest first. */
  sentences: string[];
  measures: ComparedMeasure[];
}

/** The document of `orrery sim compare --json`. */
export interface ScenarioComparison {
  base: ComparedScenario;
  /** Those of which all scenarios were run to the end. */
  seeds: number[];
  seedsAsked: number;
  /** False: chance has no part in any of the scenarios, so that one seed says all. */
  isDrawn: boolean;
  intervalProbability: number;
  falseDiscoveryRate: number;
  variants: ComparedVariant[];
  /** Ctrl-C: seeds are missing. */
  isInterrupted: boolean;
}

/** Runs of a scenario, one a seed, in the same order for all that are compared. */
export interface ScenarioRuns {
  title: string;
  results: readonly SimulationResult[];
}

/** The first scenario against each of the others, run by run; of each one run at least. `isDrawn`: chance has a part in one of them. */
export function comparisonOf(
  scenarios: readonly ScenarioRuns[],
  isDrawn: boolean,
): Omit<ScenarioComparison, 'seeds' | 'seedsAsked' | 'isInterrupted'> {
  const ends = scenarios.flatMap(({ results }) => results.map(({ summary }) => summary.endMs));
  const untilSeconds = Math.max(...ends) / 1000;
  const compared = scenarios.map(({ title, results }) => ({
    results,
    ...comparedScenario(title, results, untilSeconds),
  }));
  const [base, ...variants] = compared;
  if (base === undefined) throw new RangeError('expected a scenario to compare with');
  const { results: _, ...baseScenario } = base;
  return {
    base: baseScenario,
    isDrawn,
    falseDiscoveryRate: FALSE_DISCOVERY_RATE,
    intervalProbability: INTERVAL_PROBABILITY,
    variants: variants.map(({ results, ...scenario }): ComparedVariant => {
      const measures = comparedMeasures(base.results, results, isDrawn);
      const change = changeWords(base.inputs, scenario.inputs, scenario.title);
      const sentences = newsOf(measures).map((measure) => differenceSentence(change, measure));
      return { ...scenario, change, sentences, measures };
    }),
  };
}

function comparedScenario(title: string, results: readonly SimulationResult[], untilSeconds: number): ComparedScenario {
  const [first] = results;
  if (first === undefined) throw new RangeError(`expected a run of ${title}`);
  const runs = results.map(({ report, summary }) => ({ report, endSeconds: summary.endMs / 1000 }));
  return { title, inputs: first.inputs, summary: summarizeScenario(runs, untilSeconds) };
}

function comparedMeasures(
  ofBase: readonly SimulationResult[],
  ofVariant: readonly SimulationResult[],
  isDrawn: boolean,
): ComparedMeasure[] {
  const baseMeasures = ofBase.map(({ report }) => comparedFigures(report));
  const variantMeasures = ofVariant.map(({ report }) => comparedFigures(report));
  const valuesOf = (runs: typeof baseMeasures, name: string) =>
    runs.map((measures) => measures.find((measure) => measure.name === name)?.value ?? null);
  // A size of which no job came with one seed has come with another.
  const kinds = new Map(baseMeasures.flat().map((measure) => [measure.name, measure]));
  const measures = [...kinds.values()].flatMap(({ topic, name, subject, label, unit }) => {
    const paired = comparePaired(valuesOf(baseMeasures, name), valuesOf(variantMeasures, name));
    return paired === null ? [] : [{ topic, name, subject, label, unit, ...(isDrawn ? paired : exactly(paired)) }];
  });
  const areClear = clearOnes(measures.map(({ pValue }) => pValue));
  return measures.map((measure, index) => ({ ...measure, isClear: areClear[index] ?? false }));
}

/** Clear and notable differences: of each topic the largest, then of each the next, and so on. */
function newsOf(measures: readonly ComparedMeasure[]): ComparedMeasure[] {
  const notable = measures
    .filter((measure) => measure.isClear && relativeChange(measure) >= NOTABLE_CHANGE_MIN && isSeen(measure))
    .sort((a, b) => relativeChange(b) - relativeChange(a) || (a.name < b.name ? -1 : 1));
  const byTopic = MEASURE_TOPICS.map((topic) => notable.filter((measure) => measure.topic === topic));
  const rounds = Math.max(0, ...byTopic.map(({ length }) => length));
  return Array.from({ length: rounds }, (_, round) => byTopic.flatMap((ofTopic) => ofTopic[round] ?? [])).flat();
}

/** From 0.1 % to 0.1 % would be no news. */
function isSeen({ base, variant, unit }: ComparedMeasure): boolean {
  return sayMeasure(base, unit) !== sayMeasure(variant, unit);
}

/** How far apart both are on a scale of factors: 9.1 h to 12 min is further than 9.1 h to 8 h. */
function relativeChange({ base, variant }: PairedDifference): number {
  const least = Math.min(Math.abs(base), Math.abs(variant));
  const most = Math.max(Math.abs(base), Math.abs(variant));
  return most === 0 ? 0 : 1 - least / most;
}
