import { dirname } from 'node:path';
import type { JournalRecord } from '../../contract/journal.ts';
import { errorCode } from '../../lib/error-code.ts';
import type { Log } from '../port.ts';
import type { JobFolders } from '../work-folder.ts';
import { arrayKeysOf, eachTask, isListless, isOneOf, taskAmong } from './output/array-tasks.ts';
import { Cancels } from './submission/cancels.ts';
import { closeFolder } from './submission/ended-folder.ts';
import { LeftEnds } from './mirror/left-ends.ts';
import { FactFinder, type Runs } from './mirror/fact-finder.ts';
import { folderFailure } from './batch/folder-failure.ts';
import { JobFolder } from './batch/job-folder.ts';
import { type JobKey, parseSlurmJobName } from './batch/job-key.ts';
import type { Finding, Look } from './mirror/finding.ts';
import { isPutBack } from './mirror/earlier-attempts.ts';
import { type KeptPatience, looked } from './mirror/kept-patience.ts';
import { findOut } from './mirror/mirror.ts';
import { type MirrorJob, resetSubmission, type SubmissionRecord } from './mirror/mirror-job.ts';
import type { MirrorState } from './mirror/mirror-state.ts';
import { withOwnName } from './mirror/own-name.ts';
import { OwnRows } from './mirror/own-rows.ts';
import { PendingUpdates } from './submission/pending-updates.ts';
import type { SlurmCommands } from './slurm-commands.ts';
import { addressOf, isEnded, isPending, labelOf, type SlurmJob } from './output/slurm-job.ts';
import { type IsWanted, slurmJobs } from './output/squeue-json.ts';

export interface PollOptions {
  commands: SlurmCommands;
  state: MirrorState;
  folders: JobFolders;
  homeId: string;
  /** As whom the commands run. */
  user: string;
  isPreempting: boolean;
  hasAccounting: boolean;
  refreshNodes: () => Promise<void>;
  silentNodes: () => ReadonlySet<string>;
  spareable: (job: MirrorJob) => readonly string[];
  now: () => number;
  log: Log;
  onLaunchFailure?: () => void;
  /** Told of each look's job of this home that Slurm has and the journal has never known: an older copy of the store was put back. */
  onUnknownJob?: (jobId: number) => void;
  patience: KeptPatience;
}

/** After more launch failures than this the job is held. */
const LAUNCH_FAILURES_MAX = 5;
const LAUNCH_PAUSE_MS = 1000;
const AWAY = 'Slurm lists it no more, and accounting, which knows how it ended, does not answer';

interface JobLook {
  readonly job: MirrorJob;
  readonly look: Look;
  finding: Finding;
  /** What it waits for beside Slurm; null: nothing. */
  hindrance: string | null;
}

/** One look at Slurm for all jobs: what it means is journalled, and what follows is done. */
export class Poll {
  readonly #options: PollOptions;
  readonly #cancels: Cancels;
  readonly #updates: PendingUpdates;
  readonly #rows: OwnRows;
  readonly #facts: FactFinder;
  readonly #leftEnds: LeftEnds;
  /** By the name, or the folder where somebody has given it another. */
  readonly #isOurs: IsWanted;
  readonly #unknown = new Set<number>();
  /** Whether Slurm may have jobs that are none of ours any more, though no job of ours is with it. */
  #isTidyDue = true;
  #lastLookMs: number | null = null;
  /** Tasks that are to be cancelled were given numbers of their own by this look. */
  #isSplit = false;
  #squeueMs = 0;

  constructor(options: PollOptions) {
    this.#options = options;
    const [mark, jobs] = [`.orrery-${options.homeId}-`, `${dirname(options.folders.job(1))}/`];
    this.#isOurs = (name, folder) => name.includes(mark) || folder.startsWith(jobs);
    this.#rows = new OwnRows({ ...options, isOurs: this.#isOurs });
    this.#facts = new FactFinder(options);
    this.#leftEnds = new LeftEnds(options.folders);
    // The clock that all else goes by may be set back.
    const tick = () => performance.now();
    this.#cancels = new Cancels({ ...options, now: tick });
    this.#updates = new PendingUpdates({
      ...options,
      now: tick,
      submitAnew: (job, slurm) => this.#unhindered(job, () => this.submitAnew(job, slurm)),
    });
  }

  /** How long squeue took at the last look, in milliseconds: what slurmctld has to do for each look, changed or not. */
  get squeueMs(): number {
    return this.#squeueMs;
  }

  /** True where something has changed. Throws SlurmFailure where squeue does not answer. `exclusively` keeps the mirror still meanwhile. */
  async look(exclusively: (work: () => Promise<void>) => Promise<void>): Promise<boolean> {
    this.#isSplit = false;
    this.#squeueMs = 0;
    const hasChanged = await this.#lookOnce(exclusively);
    // What was split off for it can be cancelled now.
    return this.#isSplit ? (await this.#lookOnce(exclusively)) || hasChanged : hasChanged;
  }

  async #lookOnce(exclusively: (work: () => Promise<void>) => Promise<void>): Promise<boolean> {
    const { state, now, homeId } = this.#options;
    const askedMs = now();
    looked(state.jobs, askedMs - (this.#lastLookMs ?? askedMs));
    this.#lastLookMs = askedMs;
    const isAnyThere = [...state.jobs.values()].some(({ phase }) => phase === 'unknown' || phase === 'submitted');
    if (!isAnyThere && !this.#isTidyDue) return false;
    const startedAt = performance.now();
    const rows = await this.#rows.read();
    this.#squeueMs += performance.now() - startedAt;
    const listed = new Map<number, SlurmJob[]>();
    // A slurmctld that lost its state remembers jobs that were cancelled or that have ended since; and of tasks that were taken back some had no number.
    const orphans: SlurmJob[] = [];
    const own = slurmJobs(rows, this.#isOurs).flatMap((slurm) => {
      return withOwnName(slurm, state.jobs.values(), homeId, this.#options.folders.job) ?? [];
    });
    for (const slurm of own.flatMap(eachTask)) {
      const key = parseSlurmJobName(slurm.name, homeId, slurm.arrayTaskId);
      const job = key && state.jobs.get(key.jobId);
      if (key !== null && job?.phase === 'unknown' && job.record.submission < key.submission) takeUp(job, key, slurm);
      if (key !== null && job === undefined && !state.outcomes.has(key.jobId)) this.#noteUnknown(key.jobId, slurm);
      const isTakenBack = job?.phase === 'none' && key !== null && key.submission <= job.record.submission;
      if (key !== null && (isTakenBack || state.outcomes.has(key.jobId)) && isPending(slurm)) orphans.push(slurm);
      // What an earlier submission came to is history; what of it still waits is found out to be a duplicate.
      const isKnown = slurm.slurmJobId !== null && job?.record.slurmJobId === slurm.slurmJobId;
      const isOurs = job?.record.submission === key?.submission || isKnown;
      if (key !== null && (isOurs || isPending(slurm)))
        listed.set(key.jobId, [...(listed.get(key.jobId) ?? []), slurm]);
    }
    for (const row of own.filter(isListless)) {
      for (const { request, record } of state.jobs.values()) {
        const task = record.slurmJobId === null ? taskAmong(row, record.arrayTask) : null;
        const key = task && parseSlurmJobName(task.name, homeId, task.arrayTaskId);
        if (key === null || key.jobId !== request.jobId || key.submission !== record.submission) continue;
        if (task !== null && !listed.has(request.jobId)) listed.set(request.jobId, [task]);
      }
    }
    const arrays = arrayKeysOf(own);
    const leftOut = new Set(
      [...state.jobs.values()].flatMap(({ request, record }) =>
        !listed.has(request.jobId) && isOneOf(arrays, record) ? [request.jobId] : [],
      ),
    );
    await this.#leftEnds.look(state.jobs.values(), askedMs);
    const unclear = this.#looks(listed, leftOut, askedMs).filter(({ finding }) => finding.needsFacts);
    // Which nodes are down tells why an attempt ended.
    if (unclear.some(({ job }) => job.live !== null)) await this.#options.refreshNodes();
    // Nobody is kept waiting while accounting takes its time.
    const runs = await this.#facts.runs(unclear.map(({ job }) => job));
    let hasChanged = false;
    const toCancel = orphans;
    await exclusively(async () => {
      hasChanged = await this.#conclude(this.#looks(listed, leftOut, askedMs), askedMs, runs, toCancel);
    });
    // Nobody is kept waiting while Slurm takes its time.
    await this.cancel(toCancel);
    await this.#updates.make();
    this.#isTidyDue = hasChanged || orphans.length > 0;
    return hasChanged;
  }

  /** It is left alone: nobody here knows what it is for. */
  #noteUnknown(jobId: number, slurm: SlurmJob): void {
    if (this.#unknown.has(jobId)) return;
    this.#unknown.add(jobId);
    this.#options.onUnknownJob?.(jobId);
    const reason = 'Slurm has a job of this home that is not in the store, an older copy? It is left alone';
    this.#options.log.error({ jobId, slurmJob: labelOf(slurm), name: slurm.name }, reason);
  }

  async cancel(jobs: readonly SlurmJob[]): Promise<void> {
    if (await this.#cancels.make(jobs)) this.#isSplit = true;
  }

  /** What squeue alone tells of each job. */
  #looks(listed: ReadonlyMap<number, SlurmJob[]>, leftOut: ReadonlySet<number>, askedMs: number): JobLook[] {
    const nowMs = this.#options.now();
    const silentNodes = this.#options.silentNodes();
    return [...this.#options.state.jobs.values()].map((job) => {
      const { jobId } = job.request;
      const isLeftOut = leftOut.has(jobId);
      const look = { askedMs, nowMs, listed: listed.get(jobId) ?? [], isLeftOut, silentNodes, facts: null };
      return { job, look, finding: findOut(job, look), hindrance: null };
    });
  }

  /** What is to be cancelled then is added to `toCancel`. */
  async #conclude(looks: readonly JobLook[], askedMs: number, runs: Runs, toCancel: SlurmJob[]): Promise<boolean> {
    const { state, folders, log, now } = this.#options;
    const nowMs = now();
    // What has become unclear since is asked for at the next look.
    const unclear = looks.filter(({ job, finding }) => finding.needsFacts && runs.jobIds.has(job.request.jobId));
    await Promise.all(
      unclear.map((item) =>
        this.#unhindered(item.job, async () => {
          const facts = await this.#facts.of(item.job, item.finding.slurm, runs);
          item.finding = findOut(item.job, { ...item.look, facts });
          if (facts.isAccountingAway && item.finding.slurm === null) item.hindrance = AWAY;
        }),
      ),
    );
    const records: JournalRecord[] = looks.flatMap(({ finding }) => finding.records);
    await state.commit(records);
    const over = looks.map(({ job }) => job.request.jobId).filter((jobId) => !state.jobs.has(jobId));
    await Promise.all(over.map((jobId) => closeFolder(jobId, state, folders, log)));
    let hasChanged = records.length > 0;
    for (const { job, look, finding, hindrance } of looks) {
      toCancel.push(...look.listed.filter((slurm) => finding.cancel.includes(addressOf(slurm))));
      const isListed = look.listed.some((slurm) => slurm === finding.slurm);
      await this.#unhindered(job, async () => {
        hasChanged = (await this.#follow(job, finding, isListed, askedMs, nowMs)) || hasChanged;
        // What keeps it from going to Slurm the submitter says.
        const isThere = job.phase === 'unknown' || job.phase === 'submitted';
        if (isThere && !finding.needsFacts) job.hindrance = hindrance;
      });
      if (job.isCancelRequested && finding.slurm !== null && state.jobs.has(job.request.jobId)) {
        toCancel.push(finding.slurm);
      }
    }
    await this.#options.patience.keep(state.jobs, nowMs);
    return hasChanged;
  }

  /** The folder of one job, full, deleted or not to be read, is nothing to the others. It is tried again at the next look. */
  async #unhindered(job: MirrorJob, work: () => Promise<void>): Promise<void> {
    try {
      await work();
    } catch (error) {
      const hindrance = folderFailure(error, dirname(this.#options.folders.job(job.request.jobId)));
      if (job.hindrance !== hindrance)
        this.#options.log.error(
          // On a full disk each job says it: the stack of what the file system said tells nothing more.
          { ...(errorCode(error) === '' ? { err: error } : { reason: hindrance }), jobId: job.request.jobId },
          'a job cannot be followed up; tried again',
        );
      job.hindrance = hindrance;
    }
  }

  /** Does what a finding asks for beside the journal; true where that changed something. */
  async #follow(job: MirrorJob, finding: Finding, isListed: boolean, askedMs: number, nowMs: number): Promise<boolean> {
    const { state, log } = this.#options;
    const { jobId } = job.request;
    if (!state.jobs.has(jobId)) return true;
    if (job.phase === 'none' || job.phase === 'asking') return false;
    const before = job.slurm;
    job.slurm = finding.slurm;
    job.endSeenMs = isListed && finding.slurm !== null && isEnded(finding.slurm) ? (job.endSeenMs ?? nowMs) : null;
    if (finding.slurm?.state !== 'RUNNING') job.endLeftMs = null;
    job.requeueSeenMs = isPutBack(job, finding.slurm) ? (job.requeueSeenMs ?? nowMs) : null;
    if (isListed) job.missingSinceMs = null;
    else if (askedMs > job.phaseSinceMs) job.missingSinceMs ??= nowMs;
    const known = knownBy(finding, job.record);
    if (known.slurmJobId !== job.record.slurmJobId || known.arrayTask !== job.record.arrayTask) {
      await this.#keepRecord(job, { ...job.record, ...known });
      job.phase = 'submitted';
    }
    if (finding.launchFailure !== null) {
      const launchFailures = job.record.launchFailures + 1;
      const refusal = launchFailures > LAUNCH_FAILURES_MAX ? finding.launchFailure : null;
      // First on the disk: where that is full, the next look sees the same failure again, and it is one.
      await this.#keepRecord(job, { ...job.record, launchFailures, refusal, isDue: true });
      if (finding.records.length === 0) this.#options.onLaunchFailure?.();
      log.error(
        { jobId, slurmJobId: job.record.slurmJobId, launchFailures, reason: finding.launchFailure },
        'not launched',
      );
      job.notBeforeMs = nowMs + LAUNCH_PAUSE_MS * 2 ** launchFailures;
      resetSubmission(job, nowMs);
      return true;
    }
    if (finding.isSubmissionDue) await this.#makeDue(job, nowMs);
    return before?.state !== job.slurm?.state || finding.isSubmissionDue;
  }

  /** Takes a job back that waits at Slurm, and has sbatch called for it again. Rejects where its folder cannot be written. */
  async submitAnew(job: MirrorJob, slurm: SlurmJob): Promise<void> {
    await this.#makeDue(job, this.#options.now());
    this.#isTidyDue = true;
    await this.cancel([slurm]);
  }

  async #makeDue(job: MirrorJob, nowMs: number): Promise<void> {
    const { jobId } = job.request;
    await this.#keepRecord(job, { ...job.record, isDue: true });
    const { slurmJobId } = job.record;
    this.#options.log.info({ jobId, slurmJobId, attempt: job.attempt }, 'to be submitted again');
    resetSubmission(job, nowMs);
  }

  async #keepRecord(job: MirrorJob, record: SubmissionRecord): Promise<void> {
    await new JobFolder(this.#options.folders.job(job.request.jobId)).writeRecord(record);
    job.record = record;
  }
}

/** Of a job whose folder was deleted, and with it what we knew of its submission: what the name of the job at Slurm says. */
function takeUp(job: MirrorJob, { submission }: JobKey, { name, restarts }: SlurmJob): void {
  const [, arrayKey = null] = /-(\d+\+\d+x\d+)-\d+$/.exec(name) ?? [];
  const base = Math.max(0, job.attempt - 1 - restarts);
  job.record = { ...job.record, submission, base, arrayKey };
}

/** What the job is to Slurm, by what was found of it. */
function knownBy(
  { slurm, adopt }: Finding,
  record: SubmissionRecord,
): Pick<SubmissionRecord, 'slurmJobId' | 'arrayTask'> {
  // Which task that one is the next look tells.
  if (adopt !== null) return { slurmJobId: adopt, arrayTask: null };
  const isTask = slurm !== null && slurm.arrayTaskId !== null;
  return {
    slurmJobId: record.slurmJobId ?? slurm?.slurmJobId ?? null,
    arrayTask: isTask ? labelOf(slurm) : record.arrayTask,
  };
}
