import { OrreryError } from '../../contract/errors.ts';
import { defaultJobName } from '../job-variables.ts';
import type { JobSource, Log } from '../port.ts';
import { type JobFolders, prepareWorkFolder, workFolderOf } from '../work-folder.ts';
import { batchSubmission } from './batch-script.ts';
import { JobFolder } from './job-folder.ts';
import { slurmJobName } from './job-key.ts';
import type { MirrorJob } from './mirror-job.ts';
import { dependencyText, type MirrorState, type OpenDependencies } from './mirror-state.ts';
import type { SlurmCommands } from './slurm-commands.ts';
import { SlurmFailure } from './slurm-failure.ts';

/** Calls of sbatch at once: slurmctld takes them one by one, and each waits for its answer. */
const IN_FLIGHT_MAX = 4;
/** So often an answer that is not understood is taken for one that may change. */
const UNCLEAR_ANSWERS_MAX = 4;
const RETRY_MS = { first: 2_000, max: 60_000 } as const;

export interface SubmitterOptions {
  commands: SlurmCommands;
  state: MirrorState;
  jobs: JobSource;
  folders: JobFolders;
  homeId: string;
  rankScript: string;
  readSecrets: (names: readonly string[]) => Promise<Record<string, string>>;
  /** Which of the job's nodes that failed may be left out without leaving too few. */
  spareable: (job: MirrorJob) => readonly string[];
  now: () => number;
  log: Log;
  /** Told when a job's way to Slurm is at its end, or is to be looked for. */
  onAnswer: (job: MirrorJob) => void;
}

/** Calls sbatch for the jobs that Slurm does not have, a few at a time, in the order of their ids. */
export class Submitter {
  readonly #options: SubmitterOptions;
  /** By the id of the job. */
  readonly #inFlight = new Map<number, Promise<void>>();
  #retryAtMs = 0;
  #retryMs: number = RETRY_MS.first;
  #timer: NodeJS.Timeout | undefined;
  #isStopped = false;

  constructor(options: SubmitterOptions) {
    this.#options = options;
  }

  /** Starts as many calls as may be made now. */
  pump(): void {
    const { state, now } = this.#options;
    if (this.#isStopped || this.#inFlight.size >= IN_FLIGHT_MAX) return;
    const waitMs = this.#retryAtMs - now();
    if (waitMs > 0) {
      clearTimeout(this.#timer);
      this.#timer = setTimeout(() => this.pump(), waitMs);
      return;
    }
    const nowMs = now();
    const atSlurm = tasksAtSlurm(state);
    for (const job of state.jobs.values()) {
      if (this.#inFlight.size >= IN_FLIGHT_MAX) return;
      if (job.phase !== 'none' || job.isCancelRequested || job.record.refusal !== null) continue;
      if (nowMs < job.notBeforeMs) continue;
      const { array } = job.request;
      const tasks = array === undefined ? 0 : (atSlurm.get(array.id) ?? 0);
      // `%4` of an array: so many of its tasks are with Slurm at once.
      job.isThrottled = tasks >= (array?.runningMax ?? Infinity);
      if (job.isThrottled) continue;
      const dependency = dependencyText(job, state);
      if (typeof dependency === 'string') continue;
      job.phase = 'asking';
      if (array !== undefined) atSlurm.set(array.id, tasks + 1);
      const call = this.#submit(job, dependency).finally(() => {
        this.#inFlight.delete(job.request.jobId);
        this.#options.onAnswer(job);
        this.pump();
      });
      this.#inFlight.set(job.request.jobId, call);
    }
  }

  async stop(): Promise<void> {
    this.#isStopped = true;
    clearTimeout(this.#timer);
    await Promise.all(this.#inFlight.values());
  }

  /** Waits for sbatch's answer where it is being called for this job. */
  async answered(jobId: number): Promise<void> {
    await this.#inFlight.get(jobId);
  }

  async #submit(job: MirrorJob, { text, predecessors }: OpenDependencies): Promise<void> {
    const { commands, folders, homeId, rankScript, now, log } = this.#options;
    const { jobId } = job.request;
    const folder = new JobFolder(folders.job(jobId));
    const base = job.attempt;
    const submission = job.record.submission + 1;
    try {
      const accepted = await this.#prepare(job, folder, submission);
      job.record = { ...job.record, submission, base, slurmJobId: null, refusal: null, isDue: false };
      await folder.writeRecord(job.record);
      const { spec } = accepted;
      const { options, script } = batchSubmission({
        jobId,
        slurmName: slurmJobName(spec.name ?? defaultJobName(spec), homeId, { jobId, submission }),
        spec,
        submission,
        base,
        isLastUnended: await isUnended(folder, base),
        isHeld: job.isHeld,
        beginSeconds: Math.max(0, Math.ceil(((job.request.beginMs ?? 0) - now()) / 1000)),
        excludedNodes: [...new Set([...spec.exclude, ...this.#options.spareable(job)])],
        dependency: text,
        predecessors,
        jobFolder: folder.path,
        rankScript,
      });
      const answer = await commands.run('sbatch', options, { stdin: script });
      const [, id] = /^(\d+)(?:;.*)?$/m.exec(answer) ?? [];
      if (id === undefined)
        throw new SlurmFailure(
          'unreachable',
          `sbatch: expected the id of the job, got ${JSON.stringify(answer.slice(0, 80))}`,
        );
      job.record = { ...job.record, slurmJobId: Number(id) };
      // Slurm has it, whether that is on the disk or not: a daemon that does not find the number looks for the name.
      await folder.writeRecord(job.record).catch((error: unknown) => {
        log.error({ err: error, jobId }, 'the number that Slurm gave a job is not on the disk');
      });
      job.phase = 'submitted';
      this.#retryMs = RETRY_MS.first;
    } catch (error) {
      await this.#noteFailure(job, folder, error);
    } finally {
      job.phaseSinceMs = now();
    }
    if (job.phase === 'submitted') log.info({ jobId, slurmJobId: job.record.slurmJobId, submission }, 'submitted');
  }

  async #prepare(job: MirrorJob, folder: JobFolder, submission: number) {
    const { jobs, folders, readSecrets } = this.#options;
    const { jobId } = job.request;
    const stored = jobs.read(jobId);
    if (stored === undefined) throw new OrreryError('ORR_NOT_FOUND', `no job ${jobId}`);
    const { accepted, request } = stored;
    const workFolder = workFolderOf(jobId, accepted, folders);
    await prepareWorkFolder({ jobId, workFolder }, accepted, folders);
    const secrets = await readSecrets(accepted.spec.secrets);
    await folder.prepare({ accepted, request, submission, workFolder, secrets });
    return accepted;
  }

  async #noteFailure(job: MirrorJob, folder: JobFolder, error: unknown): Promise<void> {
    const { log, now } = this.#options;
    const { jobId } = job.request;
    const message = error instanceof Error ? (error.message.split('\n')[0] ?? error.name) : String(error);
    const kind = error instanceof SlurmFailure ? error.kind : null;
    log.error({ jobId, kind, reason: message }, 'sbatch did not take a job');
    const isUnclear = kind === 'unclear' && (job.unclearAnswers += 1) <= UNCLEAR_ANSWERS_MAX;
    if (isUnclear || kind === 'unreachable' || kind === 'login' || kind === 'limit' || kind === 'missing') {
      // Its answer may be all that was lost.
      job.phase = kind === 'unreachable' || kind === 'unclear' ? 'unknown' : 'none';
      this.#retryAtMs = now() + this.#retryMs;
      this.#retryMs = Math.min(this.#retryMs * 2, RETRY_MS.max);
      return;
    }
    job.phase = 'none';
    job.record = { ...job.record, refusal: message };
    await folder.writeRecord(job.record).catch(() => undefined);
  }
}

/** Whether that attempt began, by its claim, and has left no end. */
async function isUnended(folder: JobFolder, attempt: number): Promise<boolean> {
  if (attempt === 0) return false;
  const facts = (await folder.attempts(attempt - 1)).find((other) => other.attempt === attempt);
  return facts !== undefined && facts.slurmJobId !== null && facts.exit === null;
}

/** How many tasks of each array Slurm has, or is being asked to take. */
function tasksAtSlurm({ jobs }: MirrorState): Map<number, number> {
  const counts = new Map<number, number>();
  for (const { phase, request } of jobs.values()) {
    if (request.array === undefined || phase === 'none') continue;
    counts.set(request.array.id, (counts.get(request.array.id) ?? 0) + 1);
  }
  return counts;
}
