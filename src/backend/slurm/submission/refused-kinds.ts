import type { JobRequest } from '../../../scheduler/types.ts';
import type { MirrorJob } from '../mirror/mirror-job.ts';

const WAIT_MS = { first: 2_000, max: 60_000 } as const;

interface Wait {
  dueMs: number;
  waitMs: number;
  /** One of the kind is at sbatch, to see whether there is room again. */
  isAsked: boolean;
  /** Slurm's words, as for one of them. */
  reason: string;
  /** How many of the kind Slurm had when it was looked last; null: not looked since. */
  there: number | null;
  /** One of them has ended since sbatch was called last. */
  hasRoom: boolean;
}

/**
 * Kinds of jobs of which Slurm takes no more until others have ended (`MaxSubmitJobs` of a QOS or an account): those of a kind wait together and one of them asks again,
 * as soon as one that Slurm had has ended, and after 2 s and up to a minute, since the limit may count others' jobs too; the others go on.
 */
export class RefusedKinds {
  readonly #waits = new Map<string, Wait>();

  /** Follows how many jobs of each kind Slurm has. */
  follow(jobs: Iterable<MirrorJob>): void {
    if (this.#waits.size === 0) return;
    const counts = new Map<string, number>();
    for (const { phase, request } of jobs) {
      if (phase === 'none' || phase === 'asking') continue;
      const kind = kindOf(request);
      counts.set(kind, (counts.get(kind) ?? 0) + 1);
    }
    for (const [kind, wait] of this.#waits) {
      const there = counts.get(kind) ?? 0;
      if (wait.there !== null && there < wait.there) wait.hasRoom = true;
      wait.there = there;
    }
  }

  /** Whether one of the kind was refused, and none has been taken since. */
  isWaiting(kind: string): boolean {
    return this.#waits.has(kind);
  }

  /** Whether sbatch may be called for one of the kind. */
  mayGo(kind: string, nowMs: number): boolean {
    const wait = this.#waits.get(kind);
    return wait === undefined || (!wait.isAsked && (wait.hasRoom || nowMs >= wait.dueMs));
  }

  /** sbatch is called for one of the kind. */
  begin(kind: string): void {
    const wait = this.#waits.get(kind);
    if (wait !== undefined) Object.assign(wait, { isAsked: true, hasRoom: false });
  }

  /** Why they wait; null: they do not. */
  reason(kind: string): string | null {
    return this.#waits.get(kind)?.reason ?? null;
  }

  /** What came of it; null: it was not refused for want of room. For how long the kind waits now, in milliseconds; 0: not at all. */
  end(kind: string, reason: string | null, nowMs: number): number {
    const wait = this.#waits.get(kind);
    if (reason === null) {
      this.#waits.delete(kind);
      return 0;
    }
    // Several were called for before any was refused: that is one refusal.
    if (wait !== undefined && !wait.isAsked) return wait.waitMs;
    const waitMs = wait === undefined ? WAIT_MS.first : Math.min(wait.waitMs * 2, WAIT_MS.max);
    const { there = null, hasRoom = false } = wait ?? {};
    this.#waits.set(kind, { dueMs: nowMs + waitMs, waitMs, isAsked: false, reason, there, hasRoom });
    return waitMs;
  }
}

const kinds = new WeakMap<JobRequest, string>();

/** Whose limits a job comes under. */
export function kindOf(request: JobRequest): string {
  const known = kinds.get(request);
  if (known !== undefined) return known;
  const { user, account, qos, partition, reservation } = request;
  const kind = JSON.stringify([user, account, qos, partition, reservation]);
  kinds.set(request, kind);
  return kind;
}
