import { SlurmFailure, TURNED_AWAY } from './slurm-failure.ts';

/**
 * Since 9.8 sshd turns an address away once its logins have failed for 15 s' worth, and each that fails costs 5 s (sshd_config(5),
 * PerSourcePenalties): whoever tries no more often than this is never turned away, nor is anybody else behind the same address.
 */
const PAUSE_MS = 15_000;

/** Lets commands through to a login node; after a login that failed only one now and then, until one is let in. */
export class LoginGate {
  readonly #now: () => number;
  /** Why nobody is let in; null: they are, or nobody has tried. */
  #refusal: SlurmFailure | null = null;
  #hasTried = false;
  #retryAtMs = 0;
  /** The one that tries for all. */
  #trial: Promise<void> | null = null;

  constructor(now: () => number) {
    this.#now = now;
  }

  /** Runs the command, or throws what the last login failed with. */
  async pass<Answer>(run: () => Promise<Answer>): Promise<Answer> {
    // The first goes alone: of several at once each would fail, and those that come after it find its connection made.
    if (!this.#hasTried && this.#trial !== null) await this.#trial;
    if (this.#refusal !== null && (this.#trial !== null || this.#now() < this.#retryAtMs)) throw this.#refusal;
    const call = this.#noting(run);
    if (this.#hasTried && this.#refusal === null) return call;
    this.#trial = call.then(
      () => undefined,
      () => undefined,
    );
    void this.#trial.then(() => (this.#trial = null));
    return call;
  }

  async #noting<Answer>(run: () => Promise<Answer>): Promise<Answer> {
    try {
      const answer = await run();
      this.#refusal = null;
      return answer;
    } catch (error) {
      if (!(error instanceof SlurmFailure)) throw error;
      const isTurnedAway = this.#refusal !== null && error.kind === 'unreachable' && TURNED_AWAY.test(error.said);
      if (error.kind === 'login') this.#refusal = error;
      else if (!isTurnedAway) this.#refusal = null;
      if (this.#refusal === null) throw error;
      this.#retryAtMs = this.#now() + PAUSE_MS;
      throw this.#refusal;
    } finally {
      this.#hasTried = true;
    }
  }
}
