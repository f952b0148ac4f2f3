import { collectLive } from '../../backend/slurm/saved/collect.ts';
import type { SlurmCommands } from '../../backend/slurm/slurm-commands.ts';
import type { ForecastSource } from './basis.ts';

const HISTORY_DAYS = 14;
/** A forecast asked for again goes by what was collected a moment ago: accounting of weeks is no light question. */
const FRESH_MS = 30_000;

/** What the source keeps of Slurm's words. */
type Collected = Extract<ForecastSource, { kind: 'slurm' }>;

/** A whole Slurm cluster as its commands tell it, our jobs and others' alike. Jobs are named by Slurm's ids. */
export class SlurmSource {
  readonly #collect: () => Promise<Collected>;
  #last: { atMs: number; source: Promise<Collected> } | null = null;

  constructor(commands: SlurmCommands) {
    this.#collect = async () => ({ kind: 'slurm', saved: (await collectLive(commands, HISTORY_DAYS)).saved });
  }

  /** The cluster with this job in it. Throws ORR_FAILED where Slurm does not tell enough. */
  async read(job: string): Promise<ForecastSource> {
    const last = this.#last;
    if (last === null || performance.now() - last.atMs > FRESH_MS) return this.#anew();
    const source = await last.source;
    if (lists(source.saved.squeue?.text ?? '', job)) return source;
    // It was submitted since; somebody else may have asked for the same.
    return this.#last === null || this.#last === last ? this.#anew() : this.#last.source;
  }

  #anew(): Promise<Collected> {
    const source = this.#collect();
    const asked = { atMs: performance.now(), source };
    this.#last = asked;
    source.catch(() => {
      // Somebody may have asked anew meanwhile.
      if (this.#last === asked) this.#last = null;
    });
    return source;
  }
}

/** Whether a table of squeue has the job, or tasks of its array, in its first column: `12`, `12_3`, `12_[0-9]`. */
export function lists(table: string, job: string): boolean {
  const [id = ''] = job.split('_');
  return new RegExp(`^${id}(?!\\d)`, 'm').test(table);
}
