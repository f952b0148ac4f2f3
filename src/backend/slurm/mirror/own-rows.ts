import { WHOLE_LISTS } from '../output/array-tasks.ts';
import { SACCT_TIME } from '../output/sacct-text.ts';
import type { SlurmCommands } from '../slurm-commands.ts';
import { folderOf, type IsWanted, squeueRows } from '../output/squeue-json.ts';

/** 22.05 lists all states in JSON whatever is asked; later ones only those asked for, and without this no job that has ended. */
const EVERYBODYS = ['--json', '--states=all'];
/** 24.11 then sends the jobs of the user who asks and no others; 22.05 pays no heed to it in JSON and sends all. */
export const OURS = [...EVERYBODYS, '--me'];
/**
 * In lines every Slurm sends those alone: all that is read of a job and may change, nothing that changes by the clock. Compared as a whole, never read,
 * since a name may hold what separates them. Without --array tasks that wait are made one line, with what one of them has.
 */
export const LINES = [
  '--me',
  '--states=all',
  '--array',
  '--noheader',
  '--format=%A|%F|%K|%T|%r|%Q|%S|%e|%N|%D|%C|%m|%l|%V|%x|%n|%E|%P|%q|%a|%j',
];
/** From so many jobs of others on, lines are asked for first. */
const OTHERS_MIN = 500;
/** Where some of our jobs are another user's, it is not tried again for so long whether they still are. */
const PAUSE_MS = 600_000;

export interface OwnRowsOptions {
  commands: Pick<SlurmCommands, 'run'>;
  isOurs: IsWanted;
  /** As whom the commands run. */
  user: string;
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
  /** JSON would be everybody's, who are many, and none of those jobs is ours. */
  #isCrowded = false;
  /** Our rows, from a moment after lines of them were these. */
  #last: { lines: string; rows: unknown[] } | null = null;

  constructor(options: OwnRowsOptions) {
    this.#options = options;
  }

  /** Throws SlurmFailure where squeue does not answer, ORR_FAILED where its answer is none. */
  async read(): Promise<unknown[]> {
    const { now, isOurs } = this.#options;
    if (this.#areAllOurs) return this.#isCrowded ? this.#askIfChanged() : this.#ask(OURS);
    if (now() - this.#triedMs < PAUSE_MS) return this.#ask(EVERYBODYS);
    const ours = await this.#ask(OURS);
    // Of several users: they are everybody's already.
    const isHeedless = new Set(ours.map((row) => textOf(row, 'user_name'))).size > 1;
    const all = isHeedless ? ours : await this.#ask(EVERYBODYS);
    const seen = new Set(ours.map(idOf));
    this.#areAllOurs = all.every((row) => !isOurs(textOf(row, 'name'), folderOf(row)) || seen.has(idOf(row)));
    this.#triedMs = now();
    return all;
  }

  async #askIfChanged(): Promise<unknown[]> {
    const variables = { ...WHOLE_LISTS, ...SACCT_TIME };
    const lines = await this.#options.commands.run('squeue', LINES, { variables });
    if (lines === this.#last?.lines) return this.#last.rows;
    this.#last = null;
    const rows = (await this.#ask(OURS)).filter((row) => this.#options.isOurs(textOf(row, 'name'), folderOf(row)));
    this.#last = { lines, rows };
    return rows;
  }

  async #ask(args: readonly string[]): Promise<unknown[]> {
    const { commands, isOurs, user } = this.#options;
    const rows = squeueRows(await commands.run('squeue', args, { variables: WHOLE_LISTS }));
    if (args !== OURS) return rows;
    const others = rows.filter((row) => textOf(row, 'user_name') !== user);
    this.#isCrowded = others.length >= OTHERS_MIN && !others.some((row) => isOurs(textOf(row, 'name'), folderOf(row)));
    return rows;
  }
}

function idOf(row: unknown): unknown {
  return typeof row === 'object' && row !== null && 'job_id' in row ? row.job_id : undefined;
}

function textOf(row: unknown, field: 'name' | 'user_name'): string {
  const value: unknown = typeof row === 'object' && row !== null ? Reflect.get(row, field) : undefined;
  return typeof value === 'string' ? value : '';
}
