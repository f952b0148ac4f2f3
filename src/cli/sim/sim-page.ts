import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { packageFolder } from '../package-folder.ts';
import { renderComparisonPage } from '../render/sim-compare/sim-compare-page.ts';
import { renderSimPage } from '../render/sim-page/sim-page.ts';
import type { PageScripts } from '../render/sim-page/document.ts';
import type { ScenarioComparison } from './scenario-comparison.ts';
import type { SimulationResult } from './simulate.ts';

/** The HTML page of a run. `command`: what makes the same run again. */
export function simPage(result: SimulationResult, command: string): string {
  return renderSimPage(result, command, pageScripts());
}

/** The HTML page of a comparison. `command`: what makes the same again. */
export function comparisonPage(comparison: ScenarioComparison, command: string): string {
  return renderComparisonPage(comparison, command, pageScripts());
}

/** Of the node timeline, in the order in which they need each other. */
const TIMELINE = [
  'timeline-grid.js',
  'timeline-view.js',
  'timeline-drawing.js',
  'timeline-words.js',
  'node-timeline.js',
];

/** What runs in the page: plain JavaScript, put into it as it is. */
export function pageScripts(): PageScripts {
  return {
    chartValues: scriptText('chart-values.js'),
    nodeTimeline: TIMELINE.map(scriptText).join('\n'),
    measureSearch: scriptText('measure-search.js'),
    saveDocument: scriptText('save-document.js'),
  };
}

/** Without imports and exports: a page has nothing to import from, so that files of one script are put one behind the other. */
function scriptText(name: string): string {
  // The build puts them beside the bundle.
  const beside = fileURLToPath(new URL(name, import.meta.url));
  const source = join(packageFolder(), 'src', 'cli', 'render', 'page-scripts', name);
  const text = readFileSync(existsSync(beside) ? beside : source, 'utf8');
  return text.replaceAll(/^import [^;]*;\n+/gm, '').replaceAll(/^export (?=const|function)/gm, '');
}
