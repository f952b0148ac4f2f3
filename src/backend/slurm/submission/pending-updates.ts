import type { Log } from '../../port.ts';
import { addressesOf } from '../output/array-tasks.ts';
import { hostNames } from '../output/host-names.ts';
import type { MirrorJob } from '../mirror/mirror-job.ts';
import type { MirrorState } from '../mirror/mirror-state.ts';
import { dependencyText } from '../mirror/open-dependencies.ts';
import type { SlurmCommands } from '../slurm-commands.ts';
import { SlurmFailure } from '../slurm-failure.ts';
import { expectOwn } from './own-number.ts';
import { addressOf, isPending, nameThere, type SlurmJob } from '../output/slurm-job.ts';

export interface PendingUpdatesOptions {
  commands: SlurmCommands;
  state: MirrorState;
  spareable: (job: MirrorJob) => readonly string[];
  /** Has sbatch called again for a job that Slurm has, and does not change. */
  submitAnew: (job: MirrorJob, slurm: SlurmJob) => Promise<void>;
  now: () => number;
  log: Log;
}

/** Jobs of Slurm that are to be told the same. */
interface Wish {
  jobs: { job: MirrorJob; slurm: SlurmJob }[];
  fields: readonly string[];
  /** They would wait for ever. */
  isStuck: boolean;
}

/** What a pending job of Slurm was last told to be, and how often in vain. */
interface Update {
  text: string;
  failures: number;
  /** How often Slurm took it and did not show it at the look after. */
  forgotten: number;
  /** Not told again before. */
  dueMs: number;
}

/** `:12`, or `:12_3`, in a dependency. */
const DEPENDENCY_ID = /:\d+(?:_\d+)?/g;
/** In vain so often, a job that waits for the wrong number is submitted again: it would wait for ever. */
const FAILURES_MAX = 2;
/** slurmctld takes five seconds to say that it has no index of the job in its database yet. */
const RETRY_MS = 10_000;
/** A slurmctld that was killed forgets what it took in the last seconds: told again after this, and after twice as long each time. */
const FORGOTTEN_MS = { first: 30_000, max: 600_000 } as const;

/** Brings pending jobs up to date: nodes to keep off or not any more, and jobs they wait for that have another number now. */
export class PendingUpdates {
  readonly #options: PendingUpdatesOptions;
  /** By the address of the job at Slurm. */
  readonly #told = new Map<string, Update>();

  constructor(options: PendingUpdatesOptions) {
    this.#options = options;
  }

  /** By the last look at Slurm. Never rejects for what Slurm says. */
  async make(): Promise<void> {
    const { state, spareable } = this.#options;
    // Tasks of an array that wait together are told together, so that they go on doing so.
    const wishes = new Map<string, Wish>();
    for (const job of state.jobs.values()) {
      const { slurm } = job;
      if (slurm === null || !isPending(slurm)) continue;
      const hasNodes = job.failedNodes.length + state.avoided.size + state.forgiven.size > 0;
      if (!hasNodes && job.request.dependencies.length === 0) continue;
      const dependency = this.#dependencyField(job, slurm);
      const fields = [...this.#nodesField(job, slurm, spareable(job)), ...dependency];
      if (fields.length === 0) continue;
      const group = slurm.slurmJobId === null ? `${slurm.arrayJobId} ${fields.join(' ')}` : addressOf(slurm);
      const wish = wishes.get(group) ?? { jobs: [], fields, isStuck: dependency.length > 0 };
      wish.jobs.push({ job, slurm });
      wishes.set(group, wish);
    }
    for (const wish of wishes.values()) {
      for (const address of addressesOf(wish.jobs.map(({ slurm }) => slurm))) await this.#tell(address, wish);
    }
  }

  async #tell(address: string, { jobs, fields, isStuck }: Wish): Promise<void> {
    const { commands, now, log, submitAnew } = this.#options;
    const text = fields.join(' ');
    const last = this.#told.get(address);
    const { failures, forgotten } = last?.text === text ? last : { failures: 0, forgotten: 0 };
    if (last?.text === text && now() < last.dueMs) return;
    if (failures >= FAILURES_MAX) {
      if (!isStuck) return;
      this.#told.delete(address);
      for (const { job, slurm } of jobs) await submitAnew(job, slurm);
      return;
    }
    const againMs = Math.min(FORGOTTEN_MS.first * 2 ** forgotten, FORGOTTEN_MS.max);
    this.#told.set(address, { text, failures: 0, forgotten: forgotten + 1, dueMs: now() + againMs });
    const name = jobs[0] && nameThere(jobs[0].slurm);
    const told = expectOwn(commands, address, (other) => other === name).then(() =>
      commands.run('scontrol', ['update', `JobId=${address}`, ...fields]),
    );
    await told.catch((error: unknown) => {
      log.error({ err: error, address, update: text }, 'a pending job could not be brought up to date');
      const isUnheard = !(error instanceof SlurmFailure) || error.kind === 'unreachable';
      if (isUnheard) this.#told.delete(address);
      else this.#told.set(address, { text, failures: failures + 1, forgotten, dueMs: now() + RETRY_MS });
    });
  }

  #nodesField(job: MirrorJob, slurm: SlurmJob, spared: readonly string[]): string[] {
    const excluded = new Set(hostNames(slurm.excludedNodes));
    const required = new Set(hostNames(slurm.requiredNodes));
    const { state } = this.#options;
    const { forgiven, avoided } = state;
    // Slurm takes no name of a node that it no longer has.
    const isMeant = (name: string) => !required.has(name) && state.knows(name);
    const wanted = [...new Set([...job.request.excludedNodes, ...spared])].filter(isMeant);
    const ours = new Set([...wanted, ...forgiven, ...avoided.keys(), ...job.failedNodes]);
    // Resumed by a user; or too few others are in service now.
    const isTooMuch = [...excluded].some((name) => ours.has(name) && !wanted.includes(name));
    if (!isTooMuch && wanted.every((name) => excluded.has(name))) return [];
    // Whoever excluded others by hand meant it.
    const theirs = [...excluded].filter((name) => !ours.has(name) && state.knows(name));
    return [`ExcNodeList=${[...wanted, ...theirs].join(',')}`];
  }

  #dependencyField(job: MirrorJob, slurm: SlurmJob): string[] {
    // One that somebody gave it by hand is theirs.
    if (job.request.dependencies.length === 0) return [];
    // That time has passed since a start Slurm finds out by itself.
    const dependency = dependencyText(job, this.#options.state, -Infinity);
    if (typeof dependency === 'string') return [];
    const ids = new Set(dependency.text.match(DEPENDENCY_ID));
    const idsThere = new Set(slurm.dependency.match(DEPENDENCY_ID));
    // Of those that all have to hold Slurm leaves out what does.
    const isMissing = dependency.isAnyEnough && idsThere.size > 0 && [...ids].some((id) => !idsThere.has(id));
    const isStale = isMissing || [...idsThere].some((id) => !ids.has(id));
    const isNever = slurm.reason === 'DependencyNeverSatisfied' && dependency.text !== '';
    return isStale || isNever ? [`Dependency=${dependency.text}`] : [];
  }
}
