import { dirname } from 'node:path';
import { OrreryError } from '../../../contract/errors.ts';
import type { JobSpec } from '../../../contract/job.ts';
import { parseJobArray } from '../../../contract/job-array.ts';
import { errorCode } from '../../../lib/error-code.ts';
import { Gate } from '../../../lib/gate.ts';
import { defaultJobName } from '../../job-variables.ts';
import type { JobSource, Log } from '../../port.ts';
import { type JobFolders, prepareWorkFolder, workFolderOf } from '../../work-folder.ts';
import { arrayLogFolder, type BatchArray, batchSubmission } from '../batch/batch-script.ts';
import { folderFailure } from '../batch/folder-failure.ts';
import { installRankScript, JobFolder, mayStillEnd } from '../batch/job-folder.ts';
import { arrayKeyText, slurmArrayName, slurmJobName, taskIdOf } from '../batch/job-key.ts';
import type { MirrorJob } from '../mirror/mirror-job.ts';
import type { MirrorState } from '../mirror/mirror-state.ts';
import type { OpenDependencies } from '../mirror/open-dependencies.ts';
import type { SlurmCommands } from '../slurm-commands.ts';
import { submitLimitIn } from '../limits/limit-reason.ts';
import { isClosedPartition, isUndelivered, SlurmFailure } from '../slurm-failure.ts';
import { nextCalls } from './next-calls.ts';
import { kindOf, RefusedKinds } from './refused-kinds.ts';
import { batchArray } from './task-group.ts';

/** Calls of sbatch at once: slurmctld takes them one by one, and each waits for its answer. */
const IN_FLIGHT_MAX = 4;
/** So often an answer that is not understood is taken for one that may change. */
const UNCLEAR_ANSWERS_MAX = 4;
/** Of the file system: it may take the files later. */
const DISK_ERRORS = new Set([
  'EACCES',
  'EDQUOT',
  'EHOSTDOWN',
  'EIO',
  'EMFILE',
  'ENFILE',
  'ENOSPC',
  'ENOTCONN',
  'EROFS',
  'ESTALE',
  'ETIMEDOUT',
]);
const RETRY_MS = { first: 2_000, max: 60_000 } as const;
/** Folders that are prepared at once, of all calls together. */
const preparing = new Gate(16);

export interface SubmitterOptions {
  commands: SlurmCommands;
  state: MirrorState;
  jobs: JobSource;
  folders: JobFolders;
  /** Absolute, seen by all nodes under the same path. */
  sharedFolder: string;
  homeId: string;
  readSecrets: (names: readonly string[]) => Promise<Record<string, string>>;
  /** Which of the job's nodes that failed may be left out without leaving too few. */
  spareable: (job: MirrorJob) => readonly string[];
  /** Asks Slurm which nodes there are. */
  refreshNodes: () => Promise<void>;
  now: () => number;
  log: Log;
  /** `MaxArraySize`. */
  maxArraySize: number;
  /** Told when the way of these jobs to Slurm is at its end, or they are to be looked for. */
  onAnswer: (jobs: readonly MirrorJob[]) => void;
}

/**
 * Calls sbatch for the jobs that Slurm does not have, a few at a time, in the order of their ids. Tasks of an array go in one call, as an array, the
 * first time; whichever of them has to go again goes by itself. Once Slurm has it, each is a job like others.
 */
export class Submitter {
  readonly #options: SubmitterOptions;
  /** By the id of the job. */
  readonly #inFlight = new Map<number, Promise<void>>();
  #calls = 0;
  /** Arrays that sbatch refused as such: their tasks go by themselves. */
  readonly #refused = new Set<number>();
  readonly #kinds = new RefusedKinds();
  /** By the clock of the process, as all that is put off here: the other may be set back. */
  #retryAtMs = 0;
  #retryMs: number = RETRY_MS.first;
  #timer: NodeJS.Timeout | undefined;
  #isStopped = false;
  /** What the ranks of each job begin with; null before the start. */
  #rankScript: string | null = null;

  constructor(options: SubmitterOptions) {
    this.#options = options;
  }

  /** Puts the script of the ranks where the nodes see it, and makes the first calls. */
  async start(): Promise<void> {
    this.#rankScript = await installRankScript(this.#options.sharedFolder);
    this.pump();
  }

  /** Slurm answers again: what was put off since it did not goes now. */
  retry(): void {
    this.#retryAtMs = 0;
    this.#retryMs = RETRY_MS.first;
    this.pump();
  }

  /** Starts as many calls as may be made now; none before the start. */
  pump(): void {
    const { state, now, maxArraySize } = this.#options;
    if (this.#rankScript === null || this.#isStopped || this.#calls >= IN_FLIGHT_MAX) return;
    const waitMs = this.#retryAtMs - performance.now();
    if (waitMs > 0) {
      clearTimeout(this.#timer);
      this.#timer = setTimeout(() => this.pump(), waitMs);
      return;
    }
    const options = {
      kinds: this.#kinds,
      refusedArrays: this.#refused,
      maxArraySize,
      nowMs: now(),
      tickMs: performance.now(),
    };
    for (const { group, dependency } of nextCalls(state, options)) {
      this.#call(group, dependency, this.#rankScript);
      if (this.#calls >= IN_FLIGHT_MAX) return;
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

  #call(group: readonly MirrorJob[], dependency: OpenDependencies, rankScript: string): void {
    for (const job of group) {
      job.phase = 'asking';
      job.isThrottled = false;
    }
    this.#calls += 1;
    const call = this.#submit(group, dependency, rankScript).finally(() => {
      this.#calls -= 1;
      for (const { request } of group) this.#inFlight.delete(request.jobId);
      this.#options.onAnswer(group);
      this.pump();
    });
    for (const { request } of group) this.#inFlight.set(request.jobId, call);
  }

  async #submit(
    group: readonly MirrorJob[],
    { text, predecessors, isAnyEnough }: OpenDependencies,
    rankScript: string,
  ): Promise<void> {
    const { commands, homeId, now, log } = this.#options;
    const [job] = group;
    if (job === undefined) return;
    const { jobId } = job.request;
    const folder = this.#folder(job);
    const base = job.attempt;
    // Of an array a crash may have left some tasks behind that were on their way before.
    const submission = Math.max(...group.map(({ record }) => record.submission)) + 1;
    try {
      const { spec } = this.#read(jobId).accepted;
      const name = spec.name ?? defaultJobName(spec);
      const array = this.#arrayOf(group, spec);
      await eachOf(group, async (one) => {
        await this.#prepare(one, submission);
        one.record = {
          ...one.record,
          submission,
          base,
          slurmJobId: null,
          arrayTask: null,
          arrayKey: array && arrayKeyText(array.key),
          refusal: null,
          isDue: false,
        };
        await this.#folder(one).writeRecord(one.record);
      });
      if (array !== null) {
        const jobIds = new Map(group.map(({ request }) => [taskIdOf(array.key, request.jobId), request.jobId]));
        await folder.linkLogs(arrayLogFolder(submission), jobIds);
      }
      const { options, script } = batchSubmission({
        jobId,
        array,
        slurmName:
          array === null
            ? slurmJobName(name, homeId, { jobId, submission })
            : slurmArrayName(name, homeId, array.key, submission),
        spec,
        submission,
        base,
        isLastUnended: await isUnended(folder, job),
        isHeld: job.isHeld,
        beginSeconds: Math.max(0, Math.ceil(((job.request.beginMs ?? 0) - now()) / 1000)),
        excludedNodes: this.#excludedBy(job),
        dependency: text,
        predecessors,
        isAnyEnough,
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
      for (const one of group) {
        const arrayTask = array && `${id}_${taskIdOf(array.key, one.request.jobId)}`;
        one.record = { ...one.record, slurmJobId: array === null ? Number(id) : null, arrayTask };
      }
      // Slurm has it, whether that is on the disk or not: a daemon that does not find the number looks for the name.
      await eachOf(group, (one) => this.#folder(one).writeRecord(one.record)).catch((error: unknown) => {
        log.error({ err: error, jobId }, 'the number that Slurm gave a job is not on the disk');
      });
      for (const one of group) {
        one.phase = 'submitted';
        one.hindrance = null;
        one.limitRefusals = 0;
      }
      this.#kinds.end(kindOf(job.request), null, performance.now());
      this.#retryMs = RETRY_MS.first;
      const tasksText = array === null ? {} : { tasks: group.length };
      log.info({ jobId, ...tasksText, slurmJobId: Number(id), submission }, 'submitted');
    } catch (error) {
      await this.#noteFailure(group, error);
    } finally {
      for (const one of group) one.phaseSinceMs = now();
    }
  }

  /** Null where it is one job. */
  #arrayOf(group: readonly MirrorJob[], spec: JobSpec): BatchArray | null {
    const array = parseJobArray(spec.array ?? '');
    const own = group[0]?.request.array;
    if (group.length === 1) return null;
    if (own === undefined || typeof array === 'string') throw new OrreryError('ORR_FAILED', 'expected an array');
    const tasks = group.map(({ request }) => ({ jobId: request.jobId, taskId: request.array?.taskId }));
    return batchArray(tasks, { ...own, taskIds: array.taskIds }, this.#options.maxArraySize);
  }

  /** Slurm refuses a job for the name of a node that it does not have any more. */
  #excludedBy(job: MirrorJob): string[] {
    const { state, spareable } = this.#options;
    const names = new Set([...job.request.excludedNodes, ...spareable(job)]);
    return [...names].filter((name) => state.knows(name));
  }

  /** Whether the job was refused for the name of a node to keep off that the cluster has lost since nodes were looked at: it goes without that one. */
  async #isOutdated(job: MirrorJob, message: string): Promise<boolean> {
    if (!/invalid node name/i.test(message)) return false;
    const before = this.#excludedBy(job).length;
    await this.#options.refreshNodes().catch(() => undefined);
    return this.#excludedBy(job).length < before;
  }

  #folder({ request }: MirrorJob): JobFolder {
    return new JobFolder(this.#options.folders.job(request.jobId));
  }

  #read(jobId: number) {
    const stored = this.#options.jobs.read(jobId);
    if (stored === undefined) throw new OrreryError('ORR_NOT_FOUND', `no job ${jobId}`);
    return stored;
  }

  async #prepare(job: MirrorJob, submission: number): Promise<void> {
    const { folders, readSecrets } = this.#options;
    const { jobId } = job.request;
    const { accepted, request } = this.#read(jobId);
    const workFolder = workFolderOf(jobId, accepted, folders);
    await prepareWorkFolder({ jobId, workFolder }, accepted, folders);
    const secrets = await readSecrets(accepted.spec.secrets);
    await this.#folder(job).prepare({ accepted, request, submission, workFolder, secrets });
  }

  async #noteFailure(group: readonly MirrorJob[], error: unknown): Promise<void> {
    const { log, state } = this.#options;
    const [job] = group;
    if (job === undefined) return;
    const { jobId, array } = job.request;
    const message = folderFailure(error, dirname(this.#folder(job).path));
    const kind = error instanceof SlurmFailure ? error.kind : null;
    log.error({ jobId, tasks: group.length, kind, reason: message }, 'sbatch did not take a job');
    if (await this.#isOutdated(job, message)) {
      for (const one of group) one.phase = 'none';
      return;
    }
    for (const one of group) one.unclearAnswers += kind === 'unclear' ? 1 : 0;
    const isUnclear = kind === 'unclear' && job.unclearAnswers <= UNCLEAR_ANSWERS_MAX;
    // A folder of jobs that is full, or away, is no fault of the job.
    const isDisk = kind === null && DISK_ERRORS.has(errorCode(error));
    const isLimit = kind === 'limit';
    const isLater = isUnclear || isDisk || isLimit || ['unreachable', 'login', 'missing'].includes(kind ?? '');
    for (const one of group) one.hindrance = isLater ? message : null;
    // One task would find its partition as closed as all of them do.
    const isAlike = group.length === 1 || isClosedPartition(message);
    this.#kinds.end(kindOf(job.request), isLimit && isAlike ? message : null, performance.now());
    if (isLimit) {
      for (const one of group) one.phase = 'none';
      if (!isAlike) {
        // It may leave room for some of them.
        this.#refused.add(array?.id ?? 0);
        return;
      }
      // Without the name of a limit it may be what can never be taken, which stands back for others of its kind.
      if (submitLimitIn(message) === null) for (const one of group) one.limitRefusals += 1;
      return;
    }
    if (isLater) {
      // Its answer may be all that was lost.
      const mayBeThere = kind === 'unclear' || (kind === 'unreachable' && !isUndelivered(error));
      for (const one of group) one.phase = mayBeThere ? 'unknown' : 'none';
      this.#retryAtMs = performance.now() + this.#retryMs;
      this.#retryMs = Math.min(this.#retryMs * 2, RETRY_MS.max);
    }
    if (group.length > 1) {
      // What is wrong with one of them may leave room for others; and whatever is wrong is said of each.
      if (!isLater) this.#refused.add(array?.id ?? 0);
      if (!isLater) for (const one of group) one.phase = 'none';
      return;
    }
    if (isLater) return;
    job.phase = 'none';
    const gone = (this.#read(jobId).accepted.spec.nodelist ?? []).filter((name) => !state.knows(name));
    const what = gone.length === 0 ? '' : ` (nodelist: the cluster has no ${gone.join(', ')})`;
    job.record = { ...job.record, refusal: `${message}${what}` };
    await this.#folder(job)
      .writeRecord(job.record)
      .catch(() => undefined);
  }
}

/** Does it for all of them, some at a time, to the end; throws what went wrong first. */
async function eachOf(group: readonly MirrorJob[], work: (job: MirrorJob) => Promise<void>): Promise<void> {
  const results = await Promise.allSettled(group.map((job) => preparing.run(() => work(job))));
  for (const result of results) if (result.status === 'rejected') throw result.reason;
}

/** Whether the last attempt may have an end of its own that the journal does not have: it was taken for lost, and not begun by an earlier life of the job. */
async function isUnended(folder: JobFolder, { attempt, attemptsBefore }: MirrorJob): Promise<boolean> {
  if (attempt === attemptsBefore) return false;
  const facts = (await folder.attempts(attempt - 1)).find((other) => other.attempt === attempt);
  return facts !== undefined && mayStillEnd(facts);
}
