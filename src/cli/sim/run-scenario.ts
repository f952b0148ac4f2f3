import { resolve } from 'node:path';
import { OrreryError } from '../../contract/errors.ts';
import type { ScenarioFields } from '../../formats/scenario-file.ts';
import { commandText } from '../command-text.ts';
import { ExitStatus } from '../exit-status.ts';
import { note, print, printJson } from '../output.ts';
import { OutputFile } from '../output-file.ts';
import { renderSimulation } from '../render/sim-report.ts';
import { terminalOf } from '../render/terminal.ts';
import { loadScenario, withLayer, withPaths } from './load-scenario.ts';
import { noteRemarks } from './note-remarks.ts';
import { parseSettings } from './overrides.ts';
import { simPage } from './sim-page.ts';
import { watchSimulation } from './watched-simulation.ts';

/** The options of `orrery sim` as commander gives them. */
export interface SimOptions extends Omit<ScenarioFields, 'lemons' | 'set' | 'title' | 'jobs' | 'reservations'> {
  scenario?: string;
  set?: string[];
  lemons?: 'on' | 'off';
  report?: string;
  jobsOut?: string;
  json?: boolean;
  debug?: boolean;
}

/** `orrery sim`: the scenario file, if any, with the options on top of it; runs it and says what came out. */
export async function runScenario(options: SimOptions): Promise<void> {
  const { scenario, set, lemons, report, jobsOut, json, debug: _, ...given } = options;
  const own = withPaths(given, process.cwd());
  if (set !== undefined) own.set = parseSettings(set);
  if (lemons !== undefined) own.lemons = lemons === 'on';
  const fields = scenario === undefined ? own : withLayer(await loadScenario(scenario), own);

  if (report !== undefined && jobsOut !== undefined && resolve(report) === resolve(jobsOut)) {
    throw new OrreryError('ORR_USAGE', 'jobs-out: expected another file than that of --report');
  }
  const startedMs = performance.now();
  // Before the run: hours of it must not end at a folder that is missing.
  const page = report === undefined ? null : await OutputFile.begin('report', report);
  let jobs: OutputFile | null = null;
  try {
    jobs = jobsOut === undefined ? null : await OutputFile.begin('jobs-out', jobsOut);
    const result = await watchSimulation({ fields, jobsOut: jobs?.path ?? null });
    noteRemarks([{ title: '', remarks: result.inputs.remarks }]);
    if (json === true) printJson(result);
    else print(renderSimulation(result, terminalOf(process.stdout)));
    await page?.write(simPage(result, commandOf(options)));
    await jobs?.commit();
    const { jobsEnded, isInterrupted } = result.summary;
    const seconds = (performance.now() - startedMs) / 1000;
    note(`${jobsEnded.toLocaleString('en')} ${jobsEnded === 1 ? 'job' : 'jobs'} in ${seconds.toFixed(1)} s`);
    if (report !== undefined) note(`wrote ${report}`);
    if (jobsOut !== undefined) note(`wrote ${jobsOut}`);
    if (isInterrupted) throw new ExitStatus(130);
  } finally {
    page?.discard();
    jobs?.discard();
  }
}

/** What runs the same scenario again, wherever its results go. */
function commandOf({
  report: _report,
  jobsOut: _jobsOut,
  json: _json,
  debug: _debug,
  ...scenario
}: SimOptions): string {
  const words = Object.entries(scenario).flatMap(([name, value]) => {
    const flag = `--${name.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`;
    return [value].flat().flatMap((each) => [flag, String(each)]);
  });
  return commandText(['sim', ...words]);
}
