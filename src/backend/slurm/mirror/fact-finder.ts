import { errorMessage } from '../../../lib/error-message.ts';
import type { Log } from '../../port.ts';
import type { JobFolders } from '../../work-folder.ts';
import { JobFolder } from '../batch/job-folder.ts';
import { parseSlurmJobName } from '../batch/job-key.ts';
import { WHOLE_LISTS } from '../output/array-tasks.ts';
import { arrayTaskOf, parseSacct, SACCT_FIELDS, SACCT_TIME, type SacctRun } from '../output/sacct-text.ts';
import type { SlurmJob } from '../output/slurm-job.ts';
import type { SlurmCommands } from '../slurm-commands.ts';
import { SlurmFailure } from '../slurm-failure.ts';
import { chunks } from '../submission/cancels.ts';
import { type JobFacts, PATIENCE_MS } from './finding.ts';
import { recordLabel } from './job-fact.ts';
import type { MirrorJob, SubmissionRecord } from './mirror-job.ts';
import type { MirrorState } from './mirror-state.ts';

/** For so long after its start a slurmctld may be told of ends of jobs whose numbers it has given again. */
const FRESH_MS = 600_000;
/** munge takes no word of a machine whose clock is further off (its TTL, five minutes). */
const SKEW_MS_MAX = 300_000;
/** sacct is not asked again for so long after it failed. */
const PAUSE_MS = 30_000;
/** Looks at Slurm wait no longer for sacct: with a database that hangs it tries for a minute, and jobs would be as last seen meanwhile. */
const WAIT_MS = 10_000;
/** So long after slurmdbd is back slurmctld may not have told it all. */
const SETTLE_MS = 30_000;

export interface FactFinderOptions {
  commands: Pick<SlurmCommands, 'run'>;
  state: MirrorState;
  folders: Pick<JobFolders, 'job'>;
  homeId: string;
  isPreempting: boolean;
  /** Slurm keeps books, whether they can be asked or not. */
  hasAccounting: boolean;
  now: () => number;
  log: Log;
}

/** What accounting said of some jobs. */
export interface Runs {
  /** The jobs that it was asked about. */
  jobIds: ReadonlySet<number>;
  /** Null: no answer. */
  runs: readonly SacctRun[] | null;
  /** There are books, and they gave none. */
  isAway: boolean;
}

/** An answer that came when no look waited for it any more. */
interface LateAnswer {
  runs: readonly SacctRun[];
  /** What each job was to Slurm when it was asked. */
  submissions: ReadonlyMap<number, number>;
  /** By the clock of the process. */
  untilMs: number;
}

/** Finds out what squeue alone does not tell of a job: from accounting, from the folder of the job, from slurmctld. */
export class FactFinder {
  readonly #options: FactFinderOptions;
  /** By the clock of the process: the other may be set back. */
  #dueMs = 0;
  /** There are books, and sacct gets no answer now. */
  #isAway = false;
  #settledMs = 0;
  /** sacct is still being waited for, by no look. */
  #isSlow = false;
  #late: LateAnswer | null = null;

  constructor(options: FactFinderOptions) {
    this.#options = options;
  }

  /** Asks accounting; what takes long to come is for a later look. Never rejects. */
  async runs(jobs: readonly MirrorJob[]): Promise<Runs> {
    const submissions = new Map(jobs.map(({ request, record }) => [request.jobId, record.submission]));
    const jobIds = new Set(submissions.keys());
    if (jobs.length === 0) return { jobIds, runs: [], isAway: false };
    const late = this.#takeLate(submissions);
    if (late !== null) return late;
    const unanswered = { jobIds, runs: null, isAway: this.#options.hasAccounting };
    if (this.#isSlow) return unanswered;
    const asked = this.#ask(jobs).then((runs): Runs => ({ jobIds, runs, isAway: this.#isAway }));
    let timer: NodeJS.Timeout | undefined;
    const slow = new Promise<null>((resolve) => {
      timer = setTimeout(() => resolve(null), WAIT_MS);
    });
    const answer = await Promise.race([asked, slow]);
    clearTimeout(timer);
    if (answer !== null) return answer;
    this.#isSlow = true;
    this.#options.log.info({ seconds: WAIT_MS / 1000 }, 'sacct takes long: exit files have to do meanwhile');
    void asked.then(({ runs }) => {
      this.#isSlow = false;
      if (runs !== null) this.#late = { runs, submissions, untilMs: performance.now() + PATIENCE_MS.behind };
    });
    return unanswered;
  }

  /** Of the jobs that were not submitted again since: of those it says nothing. Null: no answer that is young enough. */
  #takeLate(submissions: ReadonlyMap<number, number>): Runs | null {
    const late = this.#late;
    this.#late = null;
    if (late === null || performance.now() >= late.untilMs) return null;
    const same = [...submissions].filter(([jobId, submission]) => late.submissions.get(jobId) === submission);
    return same.length === 0 ? null : { jobIds: new Set(same.map(([jobId]) => jobId)), runs: late.runs, isAway: false };
  }

  /** Rejects with what the file system says where it does not let us read. `slurm`: the job at Slurm, as far as it is listed. */
  async of(job: MirrorJob, slurm: SlurmJob | null, { runs, isAway }: Runs): Promise<JobFacts> {
    const { folders, state, isPreempting } = this.#options;
    const folder = new JobFolder(folders.job(job.request.jobId));
    const own = runs?.filter((run) => this.#isRunOf(run, job)) ?? null;
    const attempts = await folder.attempts(job.record.base);
    const isFolderGone = attempts.length === 0 && !(await folder.isThere());
    const cancelled = own?.findLast((run) => run.state === 'CANCELLED') ?? null;
    const doubtful = slurm?.state === 'CANCELLED' && slurm.nodeNames.length === 0 ? slurm : cancelled;
    const end = isFolderGone ? slurm : doubtful;
    return {
      runs: own,
      isAccountingAway: isAway || performance.now() < this.#settledMs,
      attempts,
      isFolderGone,
      downNodes: state.downNodes,
      isPreempting,
      isFreshController: end !== null && (await this.#isFreshController(end.endMs)),
      isSteadyController: job.isHeld && slurm === null && (await this.#isSteadyController(folder)),
    };
  }

  #isRunOf(run: SacctRun, { request, record, slurm }: MirrorJob): boolean {
    const { slurmJobId, arrayTask, submission } = record;
    if (arrayTask !== null && run.label !== arrayTask) return false;
    // Somebody has given it another name.
    if (slurmJobId !== null && run.slurmJobId === slurmJobId && run.name === slurm?.otherName) return true;
    const key = parseSlurmJobName(run.name, this.#options.homeId, arrayTaskOf(run).arrayTaskId);
    // Numbers alone do not do: a slurmctld that lost its state gives them again.
    const isOurs = slurmJobId === null ? key?.submission === submission : run.slurmJobId === slurmJobId;
    return key?.jobId === request.jobId && isOurs;
  }

  /** Whether slurmctld had begun a short while ago when the job ended, both by its own clock, or did so soon after. */
  async #isFreshController(endMs: number | null): Promise<boolean> {
    const bootMs = await this.#bootMs();
    return bootMs !== null && Math.abs((endMs ?? this.#options.now()) - bootMs) < FRESH_MS;
  }

  /** Whether slurmctld had begun when the job's number was written down, also where the clocks differ. */
  async #isSteadyController(folder: JobFolder): Promise<boolean> {
    const [bootMs, writtenMs] = await Promise.all([this.#bootMs(), folder.recordMs()]);
    return bootMs !== null && writtenMs !== null && bootMs < writtenMs - SKEW_MS_MAX;
  }

  /** When slurmctld began, by its own clock; null where it does not say. */
  async #bootMs(): Promise<number | null> {
    const show = this.#options.commands.run('scontrol', ['show', 'config'], { variables: SACCT_TIME });
    const [, seconds] = /^BOOT_TIME\s*=\s*(\d+)\s*$/m.exec(await show.catch(() => '')) ?? [];
    return seconds === undefined ? null : Number(seconds) * 1000;
  }

  /** What accounting has of these jobs; null where it does not answer. */
  async #ask(jobs: readonly MirrorJob[]): Promise<SacctRun[] | null> {
    const { commands, log } = this.#options;
    if (performance.now() < this.#dueMs) return null;
    const variables = { ...SACCT_TIME, ...WHOLE_LISTS };
    const args = ['--duplicates', '--allocations', '--noheader', '--parsable2', `--format=${SACCT_FIELDS.join(',')}`];
    // Tasks without a number of their own are found with their array alone.
    const idOf = (record: SubmissionRecord) =>
      record.slurmJobId === null ? record.arrayTask?.split('_')[0] : recordLabel(record);
    const known = jobs.flatMap(({ record }) => idOf(record) ?? []);
    const hasNameless = known.length < jobs.length;
    const ids = [...new Set(known)];
    try {
      const calls: string[][] = [];
      for (const some of chunks(ids)) calls.push([`--jobs=${some.join(',')}`]);
      // Those whose id is lost are found by their names, among all of this user since then.
      if (hasNameless) calls.push(['--starttime=now-7days']);
      const texts: string[] = [];
      for (const call of calls) texts.push(await commands.run('sacct', [...args, ...call], { variables }));
      if (this.#isAway) this.#settledMs = performance.now() + SETTLE_MS;
      this.#isAway = false;
      return texts.flatMap(parseSacct);
    } catch (error) {
      this.#dueMs = performance.now() + PAUSE_MS;
      this.#isAway = this.#options.hasAccounting && error instanceof SlurmFailure && error.kind === 'unreachable';
      const reason = errorMessage(error);
      log.info({ reason }, 'no word from sacct: exit files have to do');
      return null;
    }
  }
}
