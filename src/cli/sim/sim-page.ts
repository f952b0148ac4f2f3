import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { packageFolder } from '../package-folder.ts';
import { type PageScripts, renderSimPage } from '../render/sim-page.ts';
import type { SimulationResult } from './simulate.ts';

/** The HTML page of a run. `command`: what makes the same run again. */
export function simPage(result: SimulationResult, command: string): string {
  return renderSimPage(result, command, pageScripts());
}

/** What runs in the page: plain JavaScript, put into it as it is. */
export function pageScripts(): PageScripts {
  return {
    chartValues: scriptText('chart-values.js'),
    nodeTimeline: scriptText('node-timeline.js'),
    saveDocument: scriptText('save-document.js'),
  };
}

function scriptText(name: string): string {
  // The build puts them beside the bundle.
  const beside = fileURLToPath(new URL(name, import.meta.url));
  const source = join(packageFolder(), 'src', 'cli', 'render', 'page-scripts', name);
  return readFileSync(existsSync(beside) ? beside : source, 'utf8');
}
