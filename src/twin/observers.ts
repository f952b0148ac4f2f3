import type { Allocation } from '../scheduler/core-types.ts';
import type { PendingReason } from '../scheduler/pending-reason.ts';
import type { Scenario } from './scenario.ts';
import type { AttemptEnd, Incident, JobEnd, NodeService, Observer, TwinJob } from './types.ts';

/**
 * Those who look on, by what they look at: whoever does not care for something is not asked about it. By index, since all of this runs for every
 * attempt: of a loop with `of` V8 makes several times the code, and time for that is what a short run takes.
 */
export class Observers {
  readonly #ofSubmissions: readonly Observer[];
  readonly #ofStarts: readonly Observer[];
  readonly #ofAttemptEnds: readonly Observer[];
  readonly #ofJobEnds: readonly Observer[];
  readonly #ofIncidents: readonly Observer[];
  readonly #ofNodes: readonly Observer[];
  readonly #ofInstants: readonly Observer[];
  readonly #ofLeft: readonly Observer[];

  /** The operator sees things first. */
  constructor({ operator, observers }: Pick<Scenario, 'operator' | 'observers'>) {
    const all: readonly Observer[] = operator === null ? observers : [operator, ...observers];
    const those = (what: keyof Observer) => all.filter((observer) => observer[what] !== undefined);
    this.#ofSubmissions = those('jobSubmitted');
    this.#ofStarts = those('attemptStarted');
    this.#ofAttemptEnds = those('attemptEnded');
    this.#ofJobEnds = those('jobEnded');
    this.#ofIncidents = those('incident');
    this.#ofNodes = those('nodeChanged');
    this.#ofInstants = those('settled');
    this.#ofLeft = those('leftPending');
  }

  /** Whether anybody looks at ends of attempts; likewise the next two. */
  get seeAttemptEnds(): boolean {
    return this.#ofAttemptEnds.length > 0;
  }

  get seeJobEnds(): boolean {
    return this.#ofJobEnds.length > 0;
  }

  get seeLeft(): boolean {
    return this.#ofLeft.length > 0;
  }

  jobSubmitted(job: TwinJob, atMs: number): void {
    const all = this.#ofSubmissions;
    for (let index = 0; index < all.length; index++) all[index]!.jobSubmitted?.(job, atMs);
  }

  attemptStarted(job: TwinJob, attempt: number, allocation: Allocation, queuedMs: number, atMs: number): void {
    const all = this.#ofStarts;
    for (let index = 0; index < all.length; index++)
      all[index]!.attemptStarted?.(job, attempt, allocation, queuedMs, atMs);
  }

  attemptEnded(end: AttemptEnd): void {
    const all = this.#ofAttemptEnds;
    for (let index = 0; index < all.length; index++) all[index]!.attemptEnded?.(end);
  }

  jobEnded(end: JobEnd): void {
    const all = this.#ofJobEnds;
    for (let index = 0; index < all.length; index++) all[index]!.jobEnded?.(end);
  }

  incident(incident: Incident): void {
    for (const observer of this.#ofIncidents) observer.incident?.(incident);
  }

  nodeChanged(nodeIndex: number, service: NodeService, reason: string, atMs: number): void {
    for (const observer of this.#ofNodes) observer.nodeChanged?.(nodeIndex, service, reason, atMs);
  }

  settled(atMs: number, pendingCount: number, runningCount: number): void {
    const all = this.#ofInstants;
    for (let index = 0; index < all.length; index++) all[index]!.settled?.(atMs, pendingCount, runningCount);
  }

  leftPending(job: TwinJob, attempts: number, reason: PendingReason): void {
    for (const observer of this.#ofLeft) observer.leftPending?.(job, attempts, reason);
  }
}
