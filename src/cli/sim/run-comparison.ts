import { commandText } from '../command-text.ts';
import { ExitStatus } from '../exit-status.ts';
import { note, print, printJson } from '../output.ts';
import { OutputFile } from '../output-file.ts';
import { renderSimComparison } from '../render/sim-comparison.ts';
import { terminalOf } from '../render/terminal.ts';
import { compareScenarios } from './compare-scenarios.ts';
import { noteRemarks } from './note-remarks.ts';
import { comparisonPage } from './sim-page.ts';

/** The options of `orrery sim compare` as commander gives them. */
export interface CompareOptions {
  seeds: number;
  on?: 'slurm';
  report?: string;
  json?: boolean;
}

/** `orrery sim compare`: runs the scenarios and says what differs. */
export async function runComparison(base: string, variants: readonly string[], options: CompareOptions): Promise<void> {
  const { seeds, on, report, json } = options;
  // Before the runs: hours of them must not end at a folder that is missing.
  const page = report === undefined ? null : await OutputFile.begin('report', report);
  try {
    const comparison = await compareScenarios(base, variants, seeds, on);
    noteRemarks(
      [comparison.base, ...comparison.variants].map(({ title, inputs: { remarks } }) => ({ title, remarks })),
    );
    if (json === true) printJson(comparison);
    else print(renderSimComparison(comparison, terminalOf(process.stdout)));
    await page?.write(comparisonPage(comparison, commandOf([base, ...variants], options)));
    if (report !== undefined) note(`wrote ${report}`);
    if (comparison.isInterrupted) throw new ExitStatus(130);
  } finally {
    page?.discard();
  }
}

/** What makes the same comparison again, wherever its results go. */
function commandOf(scenarios: readonly string[], { seeds, on }: CompareOptions): string {
  const place = on === undefined ? [] : ['--on', on];
  return commandText(['sim', 'compare', ...scenarios, '--seeds', String(seeds), ...place]);
}
