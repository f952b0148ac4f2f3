import { stringify } from 'yaml';
import { clusterName, clusterYaml } from '../../formats/cluster-text.ts';
import { formatHostList } from '../../formats/host-list.ts';
import { jobsCsvText, queueCsvText } from '../../formats/jobs-csv-text.ts';
import { policyYaml } from '../../formats/policy-text.ts';
import { fromReservations } from '../../formats/reservation-fields.ts';
import { usageCsvText } from '../../formats/usage-csv.ts';
import { traceOptionsOf } from '../../formats/slurm-job-rules.ts';
import { rowsAsAsked } from '../../twin/rows-as-asked.ts';
import { spreadInSeconds } from '../../twin/later-jobs.ts';
import type { SlurmImport } from '../../backend/slurm/saved/read-saved.ts';

export const IMPORT_FILES = [
  'cluster.yaml',
  'policy.yaml',
  'jobs.csv',
  'scenario.yaml',
  'queue.csv',
  'usage.csv',
  'now.yaml',
] as const;

/** The files of an import by name, in the order in which they are written. */
export function importFiles(imported: SlurmImport, source: string): Map<(typeof IMPORT_FILES)[number], string> {
  const { slurm, history, queue, usage, nodesOut, reservations, nowMs } = imported;
  const name = slurm.clusterName ?? 'slurm';
  const asAsked = rowsAsAsked({ nodes: slurm.nodes, policy: slurm.policy, ...traceOptionsOf(slurm.rules) });
  const title = `Slurm cluster ${name}`;
  const files = new Map<(typeof IMPORT_FILES)[number], string>();
  files.set(
    'cluster.yaml',
    `${comment(`The nodes of ${title}, from ${source}.`)}${clusterYaml(name, title, slurm.nodes)}`,
  );
  files.set(
    'policy.yaml',
    `${comment(`How ${title} schedules, from ${source}. Change a figure and simulate again.`)}${policyYaml(slurm.policy, slurm.timing, slurm.rules)}`,
  );
  const both = { cluster: 'cluster.yaml', policy: 'policy.yaml' };
  if (history !== null && history.rows.length > 0) {
    files.set('jobs.csv', jobsCsvText(spreadInSeconds(history.rows.map(asAsked))));
    const from = history.originMs === null ? '' : ` from ${date(history.originMs)} on`;
    files.set(
      'scenario.yaml',
      `${comment(`What ran on ${title}${from}: second 0 of jobs.csv.`)}${stringify({ title: clusterName(name), ...both, trace: 'jobs.csv', ...settings({ 'priority.calcAgeSeconds': imported.historyCalcAgeSeconds }) })}`,
    );
  }
  files.set('queue.csv', queueCsvText(queue));
  files.set('usage.csv', usageCsvText(usage));
  const since = nowMs === null ? '' : `, which was ${date(nowMs)}`;
  const now = {
    title: `${clusterName(name)} from now on`,
    ...both,
    queue: 'queue.csv',
    ...(nowMs !== null && { queueTime: date(nowMs) }),
    usage: 'usage.csv',
    ...(nodesOut.length > 0 && { nodesOut: formatHostList(nodesOut.map(({ name: node }) => node)) }),
    ...(reservations.length > 0 && { reservations: fromReservations(reservations) }),
    ...settings({
      'cadence.controllerAgeSeconds': imported.backfillAgeSeconds,
      'cadence.mainAgeSeconds': imported.mainAgeSeconds,
      'cadence.fullAgeSeconds': imported.fullAgeSeconds,
      'priority.calcAgeSeconds': imported.calcAgeSeconds,
    }),
  };
  files.set('now.yaml', `${comment(`${title} with what ran and waited at second 0${since}.`)}${stringify(now)}`);
  return files;
}

/** `set` of a scenario with the figures that are known. */
function settings(figures: Readonly<Record<string, number | null>>): { set?: Record<string, number> } {
  const known = Object.entries(figures).flatMap(([name, figure]) => (figure === null ? [] : [[name, figure] as const]));
  return known.length === 0 ? {} : { set: Object.fromEntries(known) };
}

function comment(text: string): string {
  return `# ${text}\n`;
}

/** As Slurm prints it: local time, which was read as UTC. */
function date(ms: number): string {
  return new Date(ms).toISOString().slice(0, 19);
}
