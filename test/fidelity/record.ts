import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { copyFileSync, mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { sleepJobArguments, untilQueueIsEmpty } from '../support/sleep-jobs.ts';
import { ensureSlurm, ensureSlurmAccounting, type SlurmCluster, startSlurm } from '../support/slurm-cluster.ts';
import { CASES, type FidelityCase } from './cases.ts';
import { usedLines } from './controller-log.ts';
import { type AccountingDumps, type RecordedJob, readJobCompletions, writeRecording } from './recording.ts';
import { type PlannedJob, planWorkload } from './workload.ts';

/**
 * Runs a case on a real Slurm and keeps what it did: `node test/fidelity/record.ts CASE SEED [--as NAME] [--logs FOLDER]` writes
 * `test/fidelity/recorded/CASE-SEED/`. Real time: a run takes minutes. On a machine that does other things as well the daemons need to go
 * first (`chrt -r 10 node ...` as root): a controller that waits for the CPU decides otherwise.
 */
export async function recordCase(
  fidelityCase: FidelityCase,
  seed: number,
  { logs = null, name = `${fidelityCase.name}-${seed}` }: { logs?: string | null; name?: string } = {},
): Promise<string> {
  const { cluster, accounting, workload } = fidelityCase;
  if (!(accounting === undefined ? ensureSlurm() : ensureSlurmAccounting())) throw new Error('Slurm is not installed');
  const slurm = await startSlurm({
    nodes: cluster.nodes,
    cpusPerNode: 64,
    gpusPerNode: cluster.gpusPerNode,
    nodePrefix: 'dgx',
    confLines: confLines(fidelityCase),
    ...(cluster.nodeWeights === undefined ? {} : { nodeWeights: cluster.nodeWeights }),
    ...(accounting === undefined ? {} : { accounting }),
  });
  try {
    const conf = readFileSync(join(slurm.folder, 'slurm.conf'), 'utf8').replaceAll(slurm.folder, '/slurm');
    const plan = planWorkload({ ...workload, seed, clusterNodes: cluster.nodes, gpusPerNode: cluster.gpusPerNode });
    const ids = await submitAll(plan, slurm);
    await untilQueueIsEmpty(slurm, 2000);
    const log = readFileSync(completionsPath(slurm), 'utf8');
    if (logs !== null) {
      mkdirSync(logs, { recursive: true });
      copyFileSync(join(slurm.folder, 'log', 'slurmctld.log'), join(logs, 'slurmctld.log'));
      copyFileSync(completionsPath(slurm), join(logs, 'completions.log'));
    }
    const passes = usedLines(readFileSync(join(slurm.folder, 'log', 'slurmctld.log'), 'utf8'));
    const dumps = accounting === undefined ? null : dumpAccounting(slurm);
    const jobs: RecordedJob[] = plan.flatMap((planned, index) => {
      const jobId = ids[index] ?? 0;
      const after = planned.after === null ? null : (ids[planned.after] ?? null);
      return [{ jobId, planned, after, attempts: readJobCompletions(log, jobId) }];
    });
    return writeRecording({ name, conf, dumps, jobs, passes });
  } finally {
    await slurm.stop();
  }
}

const completionsPath = (slurm: SlurmCluster) => join(slurm.folder, 'log', 'completions.log');

function confLines(fidelityCase: FidelityCase): string[] {
  return [
    'SelectTypeParameters=CR_CPU',
    'LogTimeFormat=iso8601_ms',
    'SlurmctldDebug=debug',
    'DebugFlags=Backfill,Route',
    ...fidelityCase.confLines,
  ];
}

function dumpAccounting(slurm: SlurmCluster): AccountingDumps {
  const show = (...words: string[]) =>
    execFileSync('/usr/bin/sacctmgr', ['-P', 'show', ...words], { env: slurm.env, encoding: 'utf8' });
  return { qos: show('qos'), associations: show('assoc', 'tree') };
}

/** In the order of the plan: the id of each. */
async function submitAll(plan: readonly PlannedJob[], slurm: SlurmCluster): Promise<number[]> {
  const startedMs = Date.now();
  const ids: number[] = [];
  const running: Promise<void>[] = [];
  for (const [index, job] of plan.entries()) {
    if (job.after !== null) await running[job.after];
    const waitMs = startedMs + job.submitMs - Date.now();
    if (waitMs > 0) {
      await new Promise((done) => {
        setTimeout(done, waitMs);
      });
    }
    const submitted = submit(job, job.after === null ? null : (ids[job.after] ?? null), slurm).then((id) => {
      ids[index] = id;
    });
    running.push(submitted);
    // One at a time: ids in the order of submission.
    await submitted;
  }
  return ids;
}

function submit(job: PlannedJob, afterId: number | null, slurm: SlurmCluster): Promise<number> {
  const args = sleepJobArguments({ ...job, runSeconds: job.runtimeSeconds, afterId });
  return new Promise((resolve, reject) => {
    const child: ChildProcess = spawn('/usr/bin/sbatch', args, {
      env: slurm.env,
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    let printed = '';
    child.stdout?.on('data', (chunk: Buffer) => {
      printed += chunk.toString();
    });
    child.once('close', (code) => {
      if (code === 0) resolve(Number(printed.trim()));
      else reject(new Error(`sbatch ended with ${code} for ${JSON.stringify(job)}`));
    });
  });
}

if (process.argv[1] === import.meta.filename) {
  const [name, seed] = process.argv.slice(2);
  const fidelityCase = CASES.find((one) => one.name === name);
  if (fidelityCase === undefined || seed === undefined) {
    process.stderr.write(
      `usage: record.ts ${CASES.map((one) => one.name).join('|')} SEED [--as NAME] [--logs FOLDER]\n`,
    );
    process.exit(2);
  }
  const option = (flag: string) => {
    const at = process.argv.indexOf(flag);
    return at < 0 ? undefined : process.argv[at + 1];
  };
  const as = option('--as');
  const logs = option('--logs') ?? null;
  process.stdout.write(
    `${await recordCase(fidelityCase, Number(seed), as === undefined ? { logs } : { logs, name: as })}\n`,
  );
}
