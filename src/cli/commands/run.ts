import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { type Command, Option } from 'commander';
import type { CodeSource, SubmitResponse } from '../../contract/api.ts';
import { OrreryError } from '../../contract/errors.ts';
import type { JobSpecInput } from '../../contract/job.ts';
import { defineCommand, integer, list, repeated } from '../command.ts';
import { daemonAddress } from '../daemon-address.ts';
import { readGit } from '../git-files.ts';
import { homeFolder } from '../home.ts';
import {
  absorbOptionsAfterFile,
  fieldsFromOptions,
  type JobOptions,
  type RunTarget,
  runTarget,
  withFields,
} from '../job-options.ts';
import { HETEROGENEOUS, looksHeterogeneous } from '../../formats/heterogeneous.ts';
import { note } from '../output.ts';
import { addResourceOptions } from '../resource-options.ts';
import { oneLine } from '../render/terminal.ts';
import { addSlurmWords, inOurWords, type SlurmWords, withSlurmWords } from '../slurm-words.ts';
import { SNAPSHOT_LIMITS, takeSnapshot, withoutSnapshot } from '../snapshot.ts';
import { submitJobs } from '../submission.ts';

export function register(program: Command): Command {
  const command = defineCommand(program, 'run', {
    summary: 'Submit a command, a job file (.yaml), a script (.sh, .sbatch) or a batch of jobs.',
    examples: [
      ['orrery run -N 2 -t 30m --follow -- python3 train.py', 'two nodes, 30 minutes at most'],
      ['orrery run job.yaml --wait', 'from a job file; exits with its code'],
      ['orrery run -c 4 job.sh', 'flags override #SBATCH lines'],
    ],
  })
    .usage('[options] [--] COMMAND... | JOB.yaml | SCRIPT.sh [-- ARGS] | --batch FILE')
    .argument('[words...]', 'what to run')
    .passThroughOptions();
  return addSlurmWords(addResourceOptions(command))
    .option('-a, --array <tasks>', 'a job for each task: 0-9, 1,5,7; 0-99%4: four at a time')
    .option('--priority <n>', 'higher starts first', integer(0))
    .option('--nice <n>', 'taken off the priority', integer(0))
    .option('--env <name=value>', 'environment variable (repeatable)', repeated)
    .option('--secret <name>', 'stored secret as environment variable', list)
    .option('-b, --begin <time>', 'not before: now+2hours, 16:30, 2027-01-31T08:00')
    .option('-d, --after <condition>', 'afterok:ID, afterany:ID, singleton, ...')
    .option('--signal <signal@s>', 'warn ranks before the limit: USR1@120')
    .option('--once', 'one process, as sbatch; or --no-once')
    .addOption(new Option('--no-once').hideHelp())
    .option('--image <image>', 'container to run in, on Slurm: Pyxis or Apptainer')
    .option('--hang-after <time>', 'restart it after so long without output: 30m')
    .option('--max-requeues <n>', 'restarts after node failures and hangs', integer(0))
    .option('-H, --hold', 'submit held; orrery release starts it')
    .option('--batch <file>', 'jobs as JSON lines; - is standard input')
    .option('--no-snapshot', 'run in this folder, not in a copy of it')
    .option('--dry-run', 'print the batch script for Slurm, submit nothing')
    .option('-W, --wait', "wait; exit with the job's own code")
    .option('-f, --follow', 'print its output; implies --wait')
    .action(run);
}

interface Options extends JobOptions, SlurmWords {
  batch?: string;
  snapshot: boolean;
  dryRun?: boolean;
  wait?: boolean;
  follow?: boolean;
  json?: boolean;
}

async function run(_words: string[], _options: Options, command: Command): Promise<void> {
  const folder = process.cwd();
  // git lists the files while the rest is read.
  const git = readGit(folder, SNAPSHOT_LIMITS.files);
  const isAfterDashes = isBehindDashes(command);
  const words = absorbOptionsAfterFile(command, command.args, isAfterDashes);
  const options = command.opts<Options>();
  const fields = fieldsFromOptions(inOurWords(options));
  if ((words.length === 0) === (options.batch === undefined)) {
    throw new OrreryError(
      'ORR_USAGE',
      'expected one of: a command, a job file, a script, --batch FILE. See orrery run --help',
    );
  }
  const target = runTarget(words, isAfterDashes);
  if (target.kind === 'command' && looksHeterogeneous(target.argv)) {
    note(`warning: ":" and what follows are arguments of ${oneLine(target.argv[0] ?? '')} here: ${HETEROGENEOUS}`);
  }
  const jobs = (await writtenJobs(target, options)).map((job) => withSlurmWords(withFields(job, fields), options));
  if (options.dryRun === true) {
    const [{ printDryRun }, { faultInFlags }] = await Promise.all([
      import('../dry-run.ts'),
      import('../job-validation.ts'),
    ]);
    const fault = faultInFlags(fields);
    if (fault !== null) throw fault;
    printDryRun(jobs, homeFolder(), options.json === true);
    return;
  }
  if (options.follow === true && (jobs.length > 1 || jobs[0]?.array !== undefined)) {
    throw new OrreryError('ORR_USAGE', '--follow prints the output of one job: use --wait with --batch or --array');
  }
  const submitted = await submit(jobs, folder, git, options.snapshot).catch(async (error: unknown) => {
    // Only now, since it takes a while to load: if a flag is to blame, the message names it.
    throw (await import('../job-validation.ts')).faultInFlags(fields) ?? error;
  });
  const { reportSubmission } = await import('../submission-report.ts');
  await reportSubmission(submitted, options);
}

async function submit(
  jobs: JobSpecInput[],
  folder: string,
  git: ReturnType<typeof readGit>,
  isSnapshotWanted: boolean,
): Promise<SubmitResponse> {
  // Before the snapshot: without a daemon nothing is left behind.
  const home = homeFolder();
  const daemon = daemonAddress(home);
  const missing = jobs.flatMap((job) => job.secrets ?? []).find((name) => !existsSync(join(home, 'secrets', name)));
  if (missing !== undefined) {
    throw new OrreryError('ORR_BAD_JOB', `secret ${missing} is not stored: orrery secret set ${missing} < FILE`);
  }
  return submitJobs(daemon, jobs, await codeSource(folder, git, isSnapshotWanted));
}

async function writtenJobs(target: RunTarget, { batch, dryRun = false }: Options): Promise<JobSpecInput[]> {
  if (batch !== undefined) return (await import('../job-source.ts')).readBatch(batch);
  // A plain command has no use for the readers of files.
  if (target.kind === 'command') return [{ command: target.argv }];
  return [(await import('../job-source.ts')).readJob(target, dryRun)];
}

function isBehindDashes(command: Command): boolean {
  const argv = process.argv;
  return argv[argv.length - command.args.length - 1] === '--' && command.args.length > 0;
}

async function codeSource(folder: string, git: ReturnType<typeof readGit>, isWanted: boolean): Promise<CodeSource> {
  if (!isWanted) return withoutSnapshot(folder, git);
  const home = homeFolder();
  const snapshot = await takeSnapshot(folder, join(home, 'snapshots'), { homeFolder: home, git });
  const { code, inPlaceReason, leftOut } = snapshot;
  if (inPlaceReason !== null) {
    note(`note: ${inPlaceReason}: no snapshot; the job runs in place and a requeue will see later edits`);
  }
  if (leftOut.length > 0) note(`note: left out of the snapshot, being no files: ${oneLine(leftOut.join(', '))}`);
  return code;
}
