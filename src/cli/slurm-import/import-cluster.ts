import { parseClusterFile } from '../../formats/cluster-file.ts';
import { parsePolicyFile } from '../../formats/policy-file.ts';
import { collectLive, collectSaved } from '../../backend/slurm/saved/collect.ts';
import { IMPORT_FILES, importFiles } from './import-files.ts';
import { readSlurmSaved, type SlurmImport, type SlurmSaved } from '../../backend/slurm/saved/read-saved.ts';
import { SlurmCommands } from '../../backend/slurm/slurm-commands.ts';
import { runTimesOf, withExpectedRunTimes } from '../../twin/snapshot.ts';
import { unbookedGpus } from './unbooked-gpus.ts';
import { refuseExisting, writeFolder } from './write-folder.ts';

const TIMEOUT_MS = 60_000;

export interface ImportOptions {
  out: string;
  /** A folder with what Slurm's commands printed; absent: they are run. */
  saved?: string;
  days: number;
  /** Login node on which the commands are run, by ssh; null: here. */
  host?: string | null;
  force?: boolean;
}

/** The document of `orrery clusters import --json`. */
export interface ImportReport {
  out: string;
  files: readonly string[];
  cluster: string | null;
  nodes: number;
  gpus: number;
  nodesOut: number;
  partitions: readonly string[];
  qos: readonly string[];
  accounts: number;
  users: number;
  leaves: number;
  jobs: number;
  running: number;
  pending: number;
  /** That last or are to come. */
  reservations: readonly string[];
  /** Texts of Slurm that there were not, and what the import does without them. */
  missing: readonly string[];
  /** Settings that would change what runs when, and change nothing in the twin; and jobs that were left out. */
  leftOut: readonly string[];
}

/** Cluster, policy, scenarios and jobs of a Slurm cluster, in files. Throws ORR_CONFLICT, ORR_FAILED, ORR_NOT_FOUND, ORR_BAD_FILE. */
export async function importCluster(options: ImportOptions): Promise<ImportReport> {
  const { out, saved, days, host = null, force = false } = options;
  await refuseExisting(out, IMPORT_FILES, { isForced: force });
  const commands = new SlurmCommands({ host, socketFolder: null, env: process.env, timeoutMs: TIMEOUT_MS });
  const collected = saved === undefined ? await collectLive(commands, days) : await collectSaved(saved);
  const imported = readWithRunTimes(collected.saved);
  const files = importFiles(imported, saved === undefined ? 'its own commands' : 'what its commands printed');
  // What cannot be read again is not written.
  parseClusterFile(files.get('cluster.yaml') ?? '', 'cluster.yaml', []);
  parsePolicyFile(files.get('policy.yaml') ?? '', 'policy.yaml');
  await writeFolder(out, files);
  return reportOf(out, [...files.keys()], imported, collected.missing);
}

/** With the run times of its queue that the past leads one to expect. */
export function readWithRunTimes(saved: SlurmSaved): SlurmImport {
  const imported = readSlurmSaved(saved);
  const runTimes = runTimesOf(imported.history?.rows ?? [], imported.queue);
  return { ...imported, queue: withExpectedRunTimes(imported.queue, runTimes) };
}

function reportOf(
  out: string,
  files: readonly string[],
  { slurm, history, queue, nodesOut, reservations, notes }: SlurmImport,
  missing: readonly string[],
): ImportReport {
  const { nodes, policy, ignored } = slurm;
  const gpus = nodes.reduce((sum, { resources }) => sum + resources.gpus, 0);
  const unbooked = unbookedGpus(gpus, history?.rows ?? []);
  const bad = [...(history?.counts.byReason ?? [])].filter(([reason]) => reason !== 'it has not ended');
  return {
    out,
    files,
    cluster: slurm.clusterName,
    nodes: nodes.length,
    gpus,
    nodesOut: nodesOut.length,
    partitions: (policy.partitions ?? []).map(({ name }) => name),
    qos: (policy.qos ?? []).map(({ name }) => name),
    accounts: policy.accounts?.length ?? 0,
    users: policy.users?.length ?? 0,
    leaves: new Set(nodes.flatMap(({ leaf }) => leaf ?? [])).size,
    jobs: history?.rows.length ?? 0,
    running: queue.filter(({ nodeNames }) => nodeNames !== null).length,
    pending: queue.filter(({ nodeNames }) => nodeNames === null).length,
    reservations: reservations.map(({ name }) => name),
    missing,
    leftOut: [
      ...(unbooked === null ? [] : [unbooked]),
      ...ignored.map(({ file, line, key, reason }) => `${file}:${line} ${key}: ${reason}`),
      ...bad.map(([reason, count]) => `jobs of the past: ${count}: ${reason}`),
      ...notes,
    ],
  };
}

/** A few lines for people. */
export function renderImport(report: ImportReport): string {
  const { cluster, nodes, gpus, nodesOut, partitions, qos, accounts, users, leaves, jobs, running, pending } = report;
  const reserved = report.reservations.length === 0 ? '' : `; reservations ${report.reservations.join(', ')}`;
  const list = (names: readonly string[]) => (names.length === 0 ? 'none' : names.join(', '));
  const lines = [
    `${cluster ?? 'A Slurm cluster'}: ${nodes} nodes with ${gpus} GPUs, ${nodesOut} out of service, ${leaves} leaf switches`,
    `partitions ${list(partitions)}; QOS ${list(qos)}; ${accounts} accounts, ${users} users`,
    `${jobs} jobs of the past; ${running} that run and ${pending} that wait now${reserved}`,
    '',
    `wrote ${report.files.join(', ')} to ${report.out}`,
  ];
  const sim = (file: string) => `  orrery sim --scenario ${report.out}/${file}`;
  if (report.files.includes('scenario.yaml')) {
    lines.push('what ran, once more; change policy.yaml or cluster.yaml and compare:', sim('scenario.yaml'));
  }
  lines.push('when what waits now starts, a line a job:', `${sim('now.yaml')} --jobs-out now.csv`);
  return lines.join('\n');
}
