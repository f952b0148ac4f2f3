import { WHOLE_LISTS } from './array-tasks.ts';
import type { SlurmCommands } from './slurm-commands.ts';
import { squeueRows } from './squeue-json.ts';

/** 22.05 lists all states in JSON whatever is asked; later ones only those asked for, and without this no job that has ended. */
const EVERYBODYS = ['--json', '--states=all'];
/** 24.11 then sends the jobs of the user who asks and no others; 22.05 pays no heed to it in JSON and sends all. */
const OURS = [...EVERYBODYS, '--me'];
/** Where some of our jobs are another user's, it is not tried again for so long whether they still are. */
const PAUSE_MS = 600_000;

export interface OwnRowsOptions {
  commands: Pick<SlurmCommands, 'run'>;
  isOurs: (name: string) => boolean;
  now: () => number;
}

/**
 * What squeue has of our jobs, and on some clusters of everybody's. A job that is left out would look lost, and a home may have jobs that were
 * submitted as somebody else (another account on the login node): so our user's alone are asked for only once they have been seen to be all.
 */
export class OwnRows {
  readonly #options: OwnRowsOptions;
  #areAllOurs = false;
  #triedMs = -Infinity;

  constructor(options: OwnRowsOptions) {
    this.#options = options;
  }

  /** Throws SlurmFailure where squeue does not answer, ORR_FAILED where its answer is none. */
  async read(): Promise<unknown[]> {
    const { now, isOurs } = this.#options;
    if (this.#areAllOurs) return this.#ask(OURS);
    if (now() - this.#triedMs < PAUSE_MS) return this.#ask(EVERYBODYS);
    const [ours, all] = [await this.#ask(OURS), await this.#ask(EVERYBODYS)];
    const seen = new Set(ours.map(idOf));
    this.#areAllOurs = all.every((row) => !isOurs(nameOf(row)) || seen.has(idOf(row)));
    this.#triedMs = now();
    return all;
  }

  async #ask(args: readonly string[]): Promise<unknown[]> {
    return squeueRows(await this.#options.commands.run('squeue', args, { variables: WHOLE_LISTS }));
  }
}

function idOf(row: unknown): unknown {
  return typeof row === 'object' && row !== null && 'job_id' in row ? row.job_id : undefined;
}

function nameOf(row: unknown): string {
  return typeof row === 'object' && row !== null && 'name' in row && typeof row.name === 'string' ? row.name : '';
}
