import { collectLive } from '../../backend/slurm/saved/collect.ts';
import type { SlurmCommands } from '../../backend/slurm/slurm-commands.ts';
import type { ForecastSource } from './basis.ts';

const HISTORY_DAYS = 14;
/** A forecast asked for again goes by what was collected a moment ago: accounting of weeks is no light question. */
const FRESH_MS = 30_000;

/** A whole Slurm cluster as its commands tell it, our jobs and others' alike. Jobs are named by Slurm's ids. */
export class SlurmSource {
  readonly #commands: SlurmCommands;
  #last: { atMs: number; source: Promise<ForecastSource> } | null = null;

  constructor(commands: SlurmCommands) {
    this.#commands = commands;
  }

  /** Throws ORR_FAILED where Slurm does not tell enough. */
  read(): Promise<ForecastSource> {
    const nowMs = performance.now();
    if (this.#last === null || nowMs - this.#last.atMs > FRESH_MS) {
      const source = collectLive(this.#commands, HISTORY_DAYS).then(({ saved }) => ({ kind: 'slurm' as const, saved }));
      this.#last = { atMs: nowMs, source };
      source.catch(() => (this.#last = null));
    }
    return this.#last.source;
  }
}
