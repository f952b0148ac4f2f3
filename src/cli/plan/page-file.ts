import { commandText } from '../command-text.ts';
import { OutputFile } from '../output-file.ts';
import { renderPlanPage } from '../render/plan-page/plan-page.ts';
import type { PlanReport } from './plan.ts';
import type { PlanRequest } from './request.ts';
import { scalingOf } from './scaling.ts';

/** Writes the HTML page of a plan, whole or not at all. `argv`: what the user typed after `orrery`. Throws ORR_BAD_FILE. */
export async function writePlanPage(
  file: string,
  report: PlanReport,
  request: PlanRequest,
  argv: readonly string[],
): Promise<void> {
  const output = await OutputFile.begin('report', file);
  await output.write(renderPlanPage(report, request, scalingOf(request), commandText(argv)));
}
