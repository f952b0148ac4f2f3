import { OrreryError } from '../../contract/errors.ts';
import { commandText } from '../command-text.ts';
import { ExitStatus } from '../exit-status.ts';
import { note, print, printJson } from '../output.ts';
import { badRequest } from '../plan/request.ts';
import { OutputFile } from '../output-file.ts';
import { renderGridPage } from '../render/plan-grid/grid-page.ts';
import { renderGrid } from '../render/plan-grid/grid-table.ts';
import { terminalOf } from '../render/terminal.ts';
import type { Grid } from './grid.ts';
import { gridCsv } from './grid-csv.ts';
import { gridDocument, gridReport, isAnyPlanned, sharedRefusal } from './grid-report.ts';
import { type GridPlace, runGrid } from './run-grid.ts';

/** Where the answers go besides stdout. */
export interface GridOutputs {
  json: boolean;
  report: string | null;
  csv: string | null;
}

/**
 * Plans a grid and says what came of it. Throws ORR_BAD_FILE for what cannot be written, before the work; ORR_USAGE where all cases are refused for one
 * reason; ORR_INTERRUPTED where Ctrl-C came before one case was done; ExitStatus 130 where it came later, and 1 where no case can be trained.
 */
export async function runPlanGrid(grid: Grid, place: GridPlace, { json, report, csv }: GridOutputs): Promise<void> {
  const page = report === null ? null : await OutputFile.begin('report', report);
  const table = csv === null ? null : await OutputFile.begin('csv', csv);
  try {
    const { results, isInterrupted } = await runGrid(grid, place);
    const done = results.filter((one) => one !== null).length;
    if (done === 0) throw new OrreryError('ORR_INTERRUPTED', 'interrupted before any case was done');
    if (isInterrupted) note(`interrupted: ${done} of ${results.length} cases were done`);
    const answer = gridReport(grid, results, isInterrupted);
    const refusal = sharedRefusal(answer);
    if (refusal !== null && !isInterrupted) throw badRequest(refusal);
    if (json) printJson(gridDocument(answer));
    else print(renderGrid(answer, terminalOf(process.stdout)));
    await page?.write(renderGridPage(answer, commandText(process.argv.slice(2))));
    await table?.write(gridCsv(answer));
    for (const file of [report, csv]) if (file !== null) note(`wrote ${file}`);
    if (isInterrupted) throw new ExitStatus(130);
    if (!isAnyPlanned(answer)) throw new ExitStatus(1);
  } finally {
    page?.discard();
    table?.discard();
  }
}
