import type { Command } from 'commander';
import type { Forecast } from '../../contract/api.ts';
import type { JobName, OrreryClient } from '../../contract/client.ts';
import { OrreryError } from '../../contract/errors.ts';
import { jobLabel } from '../../contract/job-array.ts';
import { defineCommand, jobName } from '../command.ts';
import { connect } from '../connection.ts';
import { note, print, printJson } from '../output.ts';
import { forecastLines } from '../render/forecast-lines.ts';
import { oneLine } from '../render/terminal.ts';

export function register(program: Command): Command {
  return defineCommand(program, 'why', {
    summary: 'Say why a job waits, or how it ended, in sentences.',
    examples: [
      ['orrery why 12', 'what job 12 waits for'],
      ['orrery why 12 --json', 'the same for a program'],
    ],
  })
    .argument('<job>', 'job id, or 12_3', jobName)
    .action(async (id: JobName, options: { json?: boolean }) => {
      const client = connect();
      const why = await client.why(id);
      const forecast = () => (why.state === 'PENDING' ? forecastOf(client, id) : Promise.resolve(null));
      if (options.json === true) return printJson({ ...why, forecast: await forecast() });
      const reason = why.reason === 'None' ? '' : ` (${why.reason})`;
      print([`Job ${jobLabel(why)} is ${why.state}${reason}`, ...indented(why.detail.map(oneLine))].join('\n'));
      // With a long queue the twin is at it for seconds: nobody has to wait for the reason.
      const start = await forecast();
      const lines = start === null ? [] : forecastLines(start, Date.now());
      if (lines.length > 0) print(indented(lines).join('\n'));
    });
}

function indented(lines: readonly string[]): string[] {
  return lines.map((line) => `  ${line}`);
}

/** Null, with a remark, where there is none to be had: the reason stands without it. */
async function forecastOf(client: OrreryClient, id: JobName): Promise<Forecast | null> {
  try {
    return await client.forecast(id);
  } catch (error) {
    if (!(error instanceof OrreryError)) throw error;
    note(`no forecast: ${error.message}`);
    return null;
  }
}
