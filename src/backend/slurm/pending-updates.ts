import type { Log } from '../port.ts';
import { hostNames } from './host-names.ts';
import type { MirrorJob } from './mirror-job.ts';
import { dependencyText, type MirrorState } from './mirror-state.ts';
import type { SlurmCommands } from './slurm-commands.ts';
import { SlurmFailure } from './slurm-failure.ts';
import { isPending, type SlurmJob } from './slurm-job.ts';

export interface PendingUpdatesOptions {
  commands: SlurmCommands;
  state: MirrorState;
  spareable: (job: MirrorJob) => readonly string[];
  /** Has sbatch called again for a job that Slurm has, and does not change. */
  submitAnew: (job: MirrorJob, slurm: SlurmJob) => Promise<void>;
  now: () => number;
  log: Log;
}

/** What a pending job of Slurm was last told to be, and how often in vain. */
interface Update {
  text: string;
  failures: number;
  /** Not told again before. */
  dueMs: number;
}

/** In vain so often, a job that waits for the wrong number is submitted again: it would wait for ever. */
const FAILURES_MAX = 2;
/** slurmctld takes five seconds to say that it has no index of the job in its database yet. */
const RETRY_MS = 10_000;

/** Brings pending jobs up to date: nodes to keep off, and jobs they wait for that have another number now. */
export class PendingUpdates {
  readonly #options: PendingUpdatesOptions;
  /** By Slurm's number of the job. */
  readonly #told = new Map<number, Update>();

  constructor(options: PendingUpdatesOptions) {
    this.#options = options;
  }

  /** By the last look at Slurm. Never rejects for what Slurm says. */
  async make(): Promise<void> {
    const { state, spareable } = this.#options;
    for (const job of state.jobs.values()) {
      const { slurm } = job;
      if (slurm === null || !isPending(slurm)) continue;
      const spared = spareable(job);
      if (spared.length === 0 && job.request.dependencies.length === 0 && state.forgiven.size === 0) continue;
      const dependency = this.#dependencyField(job, slurm);
      const fields = [...this.#nodesField(job, slurm, spared), ...dependency];
      if (fields.length > 0) await this.#tell(job, slurm, fields, dependency.length > 0);
    }
  }

  async #tell(job: MirrorJob, slurm: SlurmJob, fields: string[], isStuck: boolean): Promise<void> {
    const { commands, now, log, submitAnew } = this.#options;
    const { slurmJobId } = slurm;
    const text = fields.join(' ');
    const last = this.#told.get(slurmJobId);
    const failures = last?.text === text ? last.failures : 0;
    if (last?.text === text && (failures === 0 || now() < last.dueMs)) return;
    if (failures >= FAILURES_MAX) {
      if (!isStuck) return;
      this.#told.delete(slurmJobId);
      await submitAnew(job, slurm);
      return;
    }
    this.#told.set(slurmJobId, { text, failures: 0, dueMs: 0 });
    await commands.run('scontrol', ['update', `JobId=${slurmJobId}`, ...fields]).catch((error: unknown) => {
      log.error({ err: error, slurmJobId, update: text }, 'a pending job could not be brought up to date');
      const isUnheard = error instanceof SlurmFailure && error.kind === 'unreachable';
      if (isUnheard) this.#told.delete(slurmJobId);
      else this.#told.set(slurmJobId, { text, failures: failures + 1, dueMs: now() + RETRY_MS });
    });
  }

  #nodesField(job: MirrorJob, slurm: SlurmJob, spared: readonly string[]): string[] {
    const excluded = new Set(hostNames(slurm.excludedNodes));
    const required = new Set(hostNames(slurm.requiredNodes));
    const wanted = [...new Set([...job.request.excludedNodes, ...spared])].filter((name) => !required.has(name));
    const { forgiven } = this.#options.state;
    const isForgiven = [...forgiven].some((name) => excluded.has(name) && !wanted.includes(name));
    return isForgiven || wanted.some((name) => !excluded.has(name)) ? [`ExcNodeList=${wanted.join(',')}`] : [];
  }

  #dependencyField(job: MirrorJob, slurm: SlurmJob): string[] {
    const dependency = dependencyText(job, this.#options.state);
    if (typeof dependency === 'string') return [];
    const ids = new Set(dependency.text.match(/\d+/g));
    const isStale = (slurm.dependency.match(/:\d+/g) ?? []).some((id) => !ids.has(id.slice(1)));
    const isNever = slurm.reason === 'DependencyNeverSatisfied' && dependency.text !== '';
    return isStale || isNever ? [`Dependency=${dependency.text}`] : [];
  }
}
