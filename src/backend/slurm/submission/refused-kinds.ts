import type { JobRequest } from '../../../scheduler/types.ts';

const WAIT_MS = { first: 2_000, max: 60_000 } as const;

interface Wait {
  dueMs: number;
  waitMs: number;
  /** One of the kind is at sbatch, to see whether there is room again. */
  isAsked: boolean;
  /** Slurm's words, as for one of them. */
  reason: string;
}

/**
 * Kinds of jobs of which Slurm takes no more until others have ended (`MaxSubmitJobs` of a QOS or an account): those of a kind wait together and one of them asks again,
 * after 2 s and up to a minute; the others go on.
 */
export class RefusedKinds {
  readonly #waits = new Map<string, Wait>();

  /** Whether sbatch may be called for one of the kind. */
  mayGo(kind: string, nowMs: number): boolean {
    const wait = this.#waits.get(kind);
    return wait === undefined || (!wait.isAsked && nowMs >= wait.dueMs);
  }

  /** sbatch is called for one of the kind. */
  begin(kind: string): void {
    const wait = this.#waits.get(kind);
    if (wait !== undefined) wait.isAsked = true;
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
    this.#waits.set(kind, { dueMs: nowMs + waitMs, waitMs, isAsked: false, reason });
    return waitMs;
  }
}

/** Whose limits a job comes under. */
export function kindOf({ user, account, qos, partition, reservation }: JobRequest): string {
  return JSON.stringify([user, account, qos, partition, reservation]);
}
