import type { ComparedMeasure, ComparedScenario, ScenarioComparison } from '../../sim/scenario-comparison.ts';
import { html, type Markup } from '../page-markup.ts';
import { circle, diamond, square, triangle } from '../sim-page/marks.ts';
import { sayMeasure } from '../sim-sentences.ts';

/** As many scenarios as a chart tells apart, the base among them. */
export const SHOWN_MAX = 6;
/** More values than these are no heading. */
const TITLED_MAX = 3;
const MARKS = [square, circle, diamond, triangle, square, circle] as const;

/** A scenario with the letter that it goes by on the page: A is the base. */
export interface Lettered extends ComparedScenario {
  letter: string;
  /** Of the style sheet. */
  style: string;
  /** What it changes; of the base that it is that. */
  change: string;
  /** What it comes to in the comparison; none of the base. */
  measures: readonly ComparedMeasure[];
  sentences: readonly string[];
}

/** All scenarios, the base first. */
export function letteredOf({ base, variants }: ScenarioComparison): Lettered[] {
  return [{ ...base, change: 'the base', measures: [], sentences: [] }, ...variants].map((scenario, index) => ({
    ...scenario,
    letter: letterOf(index),
    style: index < SHOWN_MAX ? `s${index}` : 'other-ink',
  }));
}

/** A to Z, AA, AB and so on. */
export function letterOf(index: number): string {
  const last = String.fromCharCode('A'.charCodeAt(0) + (index % 26));
  return index < 26 ? last : `${letterOf(Math.floor(index / 26) - 1)}${last}`;
}

/** Those that have a place in charts. */
export function shownOf<Scenario>(scenarios: readonly Scenario[]): Scenario[] {
  return scenarios.slice(0, SHOWN_MAX);
}

export function letterSwatch({ letter, style }: Lettered): Markup {
  return html`<span class="swatch letter ${style}">${letter}</span>`;
}

/** The letters of all scenarios with their titles. */
export function scenarioList(scenarios: readonly Lettered[], wordsOf: (scenario: Lettered) => string): Markup {
  const items = scenarios.map((scenario) => html`<li>${letterSwatch(scenario)} ${wordsOf(scenario)}</li>`);
  return html`<ul class="scenarios">${items}</ul>`;
}

/** What the letters of a chart stand for. */
export function letterKey(scenarios: readonly Lettered[]): Markup {
  const items = scenarios.map((scenario) => html`<li>${letterSwatch(scenario)}${scenario.title}</li>`);
  return html`<ul class="key">${items}</ul>`;
}

/** Marks of a scenario in its ink. */
export function inked({ style }: Lettered, marks: Markup | readonly Markup[]): Markup {
  return html`<g class="${style}">${marks}</g>`;
}

/** The mark by which a scenario is told where many share a row. */
export function markOf(index: number): typeof circle {
  return MARKS[index % MARKS.length] ?? circle;
}

/** `: 9.1 h with A, 12 min with B`: for a heading; empty where it would be long or there is no such measure. */
export function sideBySide(scenarios: readonly Lettered[], name: string, what = ''): string {
  const [base, ...variants] = scenarios;
  if (base === undefined || scenarios.length > TITLED_MAX) return '';
  const found = variants.flatMap(({ letter, measures }) => {
    const measure = measures.find((each) => each.name === name);
    return measure === undefined ? [] : [{ letter, measure }];
  });
  const [first] = found;
  if (first === undefined || found.length < variants.length) return '';
  const parts = [
    `${sayMeasure(first.measure.base, first.measure.unit)} with ${base.letter}`,
    ...found.map(({ letter, measure }) => `${sayMeasure(measure.variant, measure.unit)} with ${letter}`),
  ];
  return `: ${what}${parts.join(', ')}`;
}

/** What the devices of a comparison are called. */
export function comparedDevice([base]: readonly ComparedScenario[]): 'GPU' | 'CPU' {
  return base?.summary.cluster.unit === 'cpu' ? 'CPU' : 'GPU';
}
