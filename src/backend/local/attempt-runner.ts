import { OrreryError } from '../../contract/errors.ts';
import { type JobSpec, parseWarningSignal } from '../../contract/job.ts';
import type { JournalRecord } from '../../contract/journal.ts';
import { errorLine } from '../../lib/error-message.ts';
import type { Decision, EndCause, Placement, Scheduler, SchedulerEvent } from '../../scheduler/types.ts';
import type { JobSource, Log } from '../port.ts';
import { type JobFolders, prepareWorkFolder } from '../work-folder.ts';
import { type PlanLimits, planAttempt } from './attempt-plan.ts';
import type { AttemptPlan, Launcher } from './launcher-port.ts';
import { LiveAttempts } from './live-attempts.ts';
import type { LiveAttempt } from './recovery.ts';

export interface AttemptRunnerOptions {
  scheduler: Pick<Scheduler, 'graceMs' | 'limitMs'>;
  launcher: Launcher;
  jobs: JobSource;
  folders: JobFolders;
  limits: PlanLimits;
  /** Values of secrets by name; throws an OrreryError for one that is missing. */
  readSecrets: (names: readonly string[]) => Promise<Record<string, string>>;
  /** Told what became of attempts. */
  report: (...records: readonly JournalRecord[]) => void;
  now: () => number;
  log: Log;
}

/** Carries out what was decided of attempts with real processes, finds those of a daemon before again, and reports what becomes of them. */
export class AttemptRunner {
  readonly #options: AttemptRunnerOptions;
  readonly #launcher: Launcher;
  readonly #live: LiveAttempts;

  constructor(options: AttemptRunnerOptions) {
    this.#options = options;
    this.#launcher = options.launcher;
    this.#live = new LiveAttempts((jobId, attempt, signal) => this.#launcher.signal(jobId, attempt, signal));
    this.#launcher.onExit = (exit) => options.report(...this.#live.recordsOfExit(exit, options.now()));
  }

  /** Follows a committed event. */
  apply(event: SchedulerEvent, nowMs: number): void {
    this.#live.apply(event, nowMs);
  }

  signal(jobId: number, attempt: number, signal: NodeJS.Signals): void {
    this.#launcher.signal(jobId, attempt, signal);
  }

  /** Resolves once it is begun: what comes of it is reported. */
  async carryOut(decisions: readonly Decision[], failedNodes: readonly string[]): Promise<void> {
    // Ranks on a failed node die first, as in a power cut; their gangs' other ranks are ended by decision.
    for (const nodeName of failedNodes) await this.#launcher.killNode(nodeName);
    for (const decision of decisions) {
      if (decision.kind === 'StartAttempt')
        this.#live.startWith(decision.jobId, decision.attempt, this.#launch(decision));
      else if (decision.kind === 'EndAttempt') void this.#end(decision.jobId, decision.attempt, decision.cause);
    }
  }

  /** Finds an attempt again that held nodes when the last daemon ended. */
  async recover(live: LiveAttempt): Promise<void> {
    const { jobId, attempt, cause } = live;
    const { jobs, folders, limits, log, now, report } = this.#options;
    const stored = jobs.read(jobId);
    if (stored === undefined) throw new OrreryError('ORR_INTERNAL', `job ${jobId} runs but is not in the store`);
    this.#live.restore(live);
    // Its environment was given to it when it started: secrets are not needed to find it again.
    const plan = planAttempt(stored, attempt, live.placement, {}, folders, limits);
    const found = await this.#launcher.recover(plan);
    log.info({ jobId, attempt, found: found.kind }, 'recovered attempt');
    const atMs = now();
    if (found.kind === 'unclaimed') {
      report(...this.#live.recordsOfUnclaimed(jobId, attempt, atMs));
      return;
    }
    this.#setWarning(jobId, attempt, stored.accepted.spec, atMs);
    if (found.kind === 'ended') {
      report(...this.#live.recordsOfExit(found.exit, atMs));
      return;
    }
    if (this.#live.markStarted(jobId, attempt)) report({ event: { kind: 'AttemptStarted', atMs, jobId, attempt } });
    if (cause !== null) void this.#end(jobId, attempt, cause);
  }

  /** Watches no more; what runs goes on running. */
  async close(): Promise<void> {
    // A launch that is cut off would be fenced and tried again at the next start.
    await this.#live.close();
    await this.#launcher.close();
  }

  async #launch({ jobId, attempt, placement }: Extract<Decision, { kind: 'StartAttempt' }>): Promise<void> {
    const { report, now, log } = this.#options;
    const result = await this.#plan(jobId, attempt, placement)
      .then((plan) => this.#launcher.start(plan))
      .catch((error: unknown) => ({ kind: 'failed' as const, isRetryable: false, message: errorLine(error) }));
    const atMs = now();
    if (result.kind === 'started') {
      if (this.#live.markStarted(jobId, attempt)) report({ event: { kind: 'AttemptStarted', atMs, jobId, attempt } });
      return;
    }
    const { isRetryable, message } = result;
    log.info({ jobId, attempt, message }, 'launch failed');
    report({ event: { kind: 'LaunchFailed', atMs, jobId, attempt, isRetryable, message } });
  }

  async #plan(jobId: number, attempt: number, placement: Placement): Promise<AttemptPlan> {
    const { jobs, readSecrets, folders, limits, now } = this.#options;
    const stored = jobs.read(jobId);
    if (stored === undefined) throw new OrreryError('ORR_INTERNAL', `job ${jobId} is scheduled but not in the store`);
    const secrets = await readSecrets(stored.accepted.spec.secrets);
    const plan = planAttempt(stored, attempt, placement, secrets, folders, limits);
    await prepareWorkFolder(plan, stored.accepted, folders);
    this.#setWarning(jobId, attempt, stored.accepted.spec, now());
    return plan;
  }

  #setWarning(jobId: number, attempt: number, { signal }: JobSpec, nowMs: number): void {
    this.#live.setWarning(jobId, attempt, parseWarningSignal(signal), this.#options.scheduler.limitMs(jobId), nowMs);
  }

  async #end(jobId: number, attempt: number, cause: EndCause): Promise<void> {
    const graceMs = this.#graceMs(jobId, cause);
    await this.#live.starting(jobId, attempt);
    await this.#launcher.kill(jobId, attempt, graceMs);
  }

  /** A lost node gives no notice; a preempted job has the GraceTime of its QOS, if that has one; everything else KillWait. */
  #graceMs(jobId: number, cause: EndCause): number {
    if (cause === 'NODE_FAIL') return 0;
    const graceMs = cause === 'PREEMPTED' ? this.#options.scheduler.graceMs(jobId) : 0;
    return graceMs > 0 ? graceMs : this.#options.limits.killWaitMs;
  }
}
