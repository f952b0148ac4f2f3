import { OrreryError } from '../../../contract/errors.ts';
import type { JournalRecord } from '../../../contract/journal.ts';
import { Gate } from '../../../lib/gate.ts';
import type { JobSource, Log } from '../../port.ts';
import type { JobFolders } from '../../work-folder.ts';
import { JobFolder } from '../batch/job-folder.ts';
import { folderJobId, nameEnd } from '../batch/job-key.ts';
import { slurmAddress } from '../mirror/job-fact.ts';
import { type MirrorJob, NO_SUBMISSION } from '../mirror/mirror-job.ts';
import type { MirrorState } from '../mirror/mirror-state.ts';
import { isPending, type SlurmJob } from '../output/slurm-job.ts';
import type { SlurmCommands, SlurmProgram } from '../slurm-commands.ts';
import { SlurmFailure } from '../slurm-failure.ts';
import { JoinedCalls } from './joined-calls.ts';
import { expectOwn } from './own-number.ts';
import type { Submitter } from './submitter.ts';
import { isReleaseTooMuch } from './throttle.ts';
import { endUnsubmitted } from './unsubmitted.ts';

const CALLS_AT_ONCE = 8;

export interface JobRequestsOptions {
  /** For what somebody waits for. */
  commands: Pick<SlurmCommands, 'run'>;
  /** Whether Slurm is known not to answer. */
  isAway: () => boolean;
  state: MirrorState;
  jobs: JobSource;
  folders: JobFolders;
  homeId: string;
  submitter: Pick<Submitter, 'pump' | 'answered'>;
  /** Journals what was asked for; rejects once the daemon stops. */
  commit: (records: readonly JournalRecord[]) => Promise<void>;
  cancelAtSlurm: (jobs: readonly SlurmJob[]) => Promise<void>;
  /** Takes a job back that waits at Slurm: it goes there again when it may. */
  takeBack: (job: MirrorJob, slurm: SlurmJob) => Promise<void>;
  /** Slurm was asked for something: what came of it is to be seen soon. */
  lookSoon: () => void;
  now: () => number;
  log: Log;
}

/**
 * What users ask of jobs that are there: each request is checked against the mirror, journalled, and handed to Slurm where that has the job. Throws
 * ORR_CONFLICT where the state of the job does not allow it, and SlurmFailure where Slurm does not take it.
 */
export class JobRequests {
  readonly #options: JobRequestsOptions;
  readonly #calls = new Gate(CALLS_AT_ONCE);
  readonly #holds: JoinedCalls;
  readonly #releasing = new Set<MirrorJob>();

  constructor(options: JobRequestsOptions) {
    this.#options = options;
    this.#holds = new JoinedCalls((verb, address) => this.#call('scontrol', [verb, address]));
  }

  /** Nothing where it has ended. */
  async cancel(jobId: number): Promise<void> {
    const { state, commit, cancelAtSlurm, isAway, lookSoon, now } = this.#options;
    const job = state.jobs.get(jobId);
    if (job === undefined) return;
    await commit([{ event: { kind: 'JobCancelRequested', atMs: now(), jobId } }]);
    await endUnsubmitted([job], this.#options);
    // One of several that wait together, and what Slurm does not hear of now: the next look sees to all of them at once.
    const isToldNow = job.slurm !== null && job.slurm.slurmJobId !== null && !isAway();
    // It is journalled, and scancel may take its time.
    if (isToldNow && job.slurm !== null) void cancelAtSlurm([job.slurm]).then(lookSoon);
    else lookSoon();
  }

  async signal(jobId: number, signal: NodeJS.Signals): Promise<void> {
    const job = this.#options.state.jobs.get(jobId);
    if (job === undefined || job.live === null) {
      throw new OrreryError('ORR_CONFLICT', `job ${jobId} is not running: nothing to signal`);
    }
    if (job.slurm?.state === 'SUSPENDED')
      throw new OrreryError('ORR_CONFLICT', `job ${jobId} is suspended: it can be signalled once Slurm resumes it`);
    // A script that runs once is a child of the batch script, which hands on what it does not understand as meant for itself.
    const isOnce = this.#options.jobs.read(jobId)?.accepted.spec.once === true;
    const to = isOnce ? [signal === 'SIGTERM' ? '--full' : '--batch'] : [];
    await this.#ask(job, 'scancel', (id) => [...to, `--signal=${signal.slice('SIG'.length)}`, id]);
  }

  async requeue(jobId: number): Promise<void> {
    const { state, commit, now } = this.#options;
    const job = state.jobs.get(jobId);
    if (job === undefined) {
      await this.#submitEnded(jobId);
      return;
    }
    if (job.live === null) throw new OrreryError('ORR_CONFLICT', `job ${jobId} is pending already`);
    if (job.slurm?.state === 'SUSPENDED') {
      // Slurm would take it off its nodes and hold it, as an operator does.
      throw new OrreryError('ORR_CONFLICT', `job ${jobId} is suspended: it can be requeued once Slurm resumes it`);
    }
    // Journalled first: whoever sees the attempt end knows why.
    await commit([{ event: { kind: 'JobRequeueRequested', atMs: now(), jobId } }]);
    await this.#orTakeBack(
      job,
      this.#ask(job, 'scontrol', (id) => ['requeue', id]),
    );
  }

  /** Of a job that has ended Slurm may have forgotten all: it goes there anew. */
  async #submitEnded(jobId: number): Promise<void> {
    const { state, jobs, folders, submitter, commit, now } = this.#options;
    const stored = jobs.read(jobId);
    if (stored === undefined) throw new OrreryError('ORR_NOT_FOUND', `no job ${jobId}`);
    const atMs = now();
    const request = { ...stored.request, isHeld: false, submitMs: atMs };
    // A number of its own, so that what the job was to Slurm before is not taken for what it is from now on.
    const folder = new JobFolder(folders.job(jobId));
    const before = (await folder.readRecord()) ?? NO_SUBMISSION;
    const record = { ...NO_SUBMISSION, submission: before.submission + 1, base: stored.attempts };
    await folder.removeMark();
    if (before.submission > 0) await folder.writeRecord(record);
    state.again.set(jobId, record);
    await commit([{ event: { kind: 'JobSubmitted', atMs, job: request, attemptsBefore: stored.attempts } }]);
    submitter.pump();
  }

  async endHung(jobId: number, attempt: number): Promise<void> {
    const job = this.#options.state.jobs.get(jobId);
    if (job?.live?.attempt !== attempt) return;
    // Journalled first: whoever sees the attempt end knows why. A daemon that ended then may not have asked.
    if (!job.isHung)
      await this.#options.commit([{ event: { kind: 'AttemptHung', atMs: this.#options.now(), jobId, attempt } }]);
    const mayRequeue = job.requeues < job.request.maxRequeues;
    const asked = mayRequeue
      ? this.#ask(job, 'scontrol', (id) => ['requeue', id])
      : this.#ask(job, 'scancel', (id) => [id]);
    await this.#orTakeBack(job, asked);
  }

  /** Where Slurm does not take it, the attempt goes on, and does not end for it later: not by the journal either. Rejects as `asked` does. */
  async #orTakeBack({ request: { jobId } }: MirrorJob, asked: Promise<void>): Promise<void> {
    try {
      await asked;
    } catch (error) {
      await this.#options.commit([{ event: { kind: 'RequeueRefused', atMs: this.#options.now(), jobId } }]);
      throw error;
    }
  }

  async hold(jobId: number): Promise<void> {
    // A hold of the user's own, that no operator is needed to end.
    await this.#setHeld(this.#expectPending(jobId, 'held'), 'uhold');
  }

  async release(jobId: number): Promise<void> {
    const job = this.#expectPending(jobId, 'released');
    await this.#options.submitter.answered(jobId);
    if (await this.#hasToWaitHere(job)) return;
    // Of an array all may be asked for at once.
    this.#releasing.add(job);
    await this.#setHeld(job, 'release').finally(() => this.#releasing.delete(job));
    if (job.record.refusal !== null) {
      job.record = { ...job.record, refusal: null, launchFailures: 0 };
      // Whoever releases it means now.
      job.notBeforeMs = 0;
    }
    if (job.phase === 'none') this.#options.submitter.pump();
  }

  /** True where the job has been released and taken back from Slurm, since Slurm would begin too many tasks of its array at once. */
  async #hasToWaitHere(job: MirrorJob): Promise<boolean> {
    const { state, submitter, takeBack, commit, now } = this.#options;
    const { jobId } = job.request;
    if (!job.isHeld || job.slurm === null || !isPending(job.slurm)) return false;
    if (!isReleaseTooMuch(job, state, this.#releasing)) return false;
    await commit([{ event: { kind: 'JobReleased', atMs: now(), jobId } }]);
    await takeBack(job, job.slurm);
    submitter.pump();
    return true;
  }

  async #setHeld(job: MirrorJob, verb: 'uhold' | 'release'): Promise<void> {
    const { jobId } = job.request;
    const tell = async (): Promise<boolean> => {
      // sbatch may be on its way with what was wanted before.
      await this.#options.submitter.answered(jobId);
      if (job.phase === 'none') return false;
      const address = this.#addressOf(job);
      await this.#holds
        .ask(verb, address, () => this.#expectOwn(job, address))
        .catch((error: unknown) => {
          const isRefused = error instanceof SlurmFailure && error.kind === 'permission';
          if (!isRefused || job.slurm?.reason !== 'JobHeldAdmin') throw error;
          throw new OrreryError('ORR_REFUSED', `an operator holds job ${jobId}: only an operator can release it`, {
            cause: error,
          });
        });
      return true;
    };
    const isTold = await tell();
    job.holdToldMs = this.#options.now();
    const isHeld = verb === 'uhold';
    const event = { kind: isHeld ? 'JobHeld' : 'JobReleased', atMs: this.#options.now(), jobId } as const;
    if (job.isHeld !== isHeld) await this.#options.commit([{ event }]);
    // Called while it was journalled.
    if (!isTold) await tell();
  }

  async #ask(job: MirrorJob, program: SlurmProgram, args: (address: string) => string[]): Promise<void> {
    const address = this.#addressOf(job);
    await this.#expectOwn(job, address);
    await this.#call(program, args(address));
  }

  async #expectOwn({ request: { jobId }, record }: MirrorJob, address: string): Promise<void> {
    const { commands, folders, homeId } = this.#options;
    const end = nameEnd(homeId, jobId, record);
    const folder = folders.job(folderJobId(jobId, record));
    // Somebody may have given it another name.
    const isIt = (name: string, where: string) => name.endsWith(end) || where === folder;
    await this.#calls.run(() => expectOwn(commands, address, isIt));
  }

  #addressOf(job: MirrorJob): string {
    const address = slurmAddress(job);
    if (job.phase === 'submitted' && address !== null) return address;
    throw new OrreryError('ORR_CONFLICT', `job ${job.request.jobId} is on its way to Slurm: try again in a moment`);
  }

  /** All tasks of an array may be asked of at once. */
  async #call(program: SlurmProgram, args: readonly string[]): Promise<void> {
    await this.#calls.run(() => this.#options.commands.run(program, args));
    this.#options.lookSoon();
  }

  #expectPending(jobId: number, verb: string): MirrorJob {
    const job = this.#options.state.jobs.get(jobId);
    if (job !== undefined && job.live === null) return job;
    const state = job === undefined ? 'has ended' : 'is RUNNING';
    throw new OrreryError('ORR_CONFLICT', `job ${jobId} ${state}: only pending jobs can be ${verb}`);
  }
}
