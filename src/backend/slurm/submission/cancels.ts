import { errorMessage } from '../../../lib/error-message.ts';
import { Gate } from '../../../lib/gate.ts';
import type { Log } from '../../port.ts';
import { splitAddresses } from '../output/array-tasks.ts';
import { PATIENCE_MS } from '../mirror/finding.ts';
import type { SlurmCommands } from '../slurm-commands.ts';
import { expectOwn } from './own-number.ts';
import { SlurmFailure } from '../slurm-failure.ts';
import { addressOf, nameThere, type SlurmJob } from '../output/slurm-job.ts';

export interface CancelsOptions {
  commands: SlurmCommands;
  now: () => number;
  log: Log;
}

/** Ids in one call: a command line has its limits. */
const IDS_MAX = 500;
const CALLS_AT_ONCE = 4;

/** Cancels jobs of Slurm, and none but those. */
export class Cancels {
  readonly #options: CancelsOptions;
  /** When scancel was last called for a job, by its address. */
  readonly #calledMs = new Map<string, number>();
  readonly #calls = new Gate(CALLS_AT_ONCE);

  constructor(options: CancelsOptions) {
    this.#options = options;
  }

  /**
   * Cancels these by number and name: a slurmctld that lost its state may have given the number to another job. Tasks of an array that wait together
   * are only split off, since scancel of 22.05, told a name, cancels all of them whichever it is told: true where there are such, which have numbers
   * of their own at the next look. Never rejects.
   */
  async make(jobs: readonly SlurmJob[]): Promise<boolean> {
    const isSplit = await this.#split(jobs);
    const due = new Map<string, Set<string>>();
    for (const slurm of jobs) {
      const address = addressOf(slurm);
      const isDue = this.#options.now() - (this.#calledMs.get(address) ?? -Infinity) >= PATIENCE_MS.cancel;
      if (slurm.slurmJobId !== null && isDue)
        due.set(nameThere(slurm), (due.get(nameThere(slurm)) ?? new Set()).add(address));
    }
    const calls = [...due].flatMap(([name, addresses]) => chunks([...addresses]).map((some) => [name, some] as const));
    await Promise.all(calls.map(([name, addresses]) => this.#calls.run(() => this.#cancel(name, addresses))));
    return isSplit;
  }

  async #cancel(name: string, addresses: readonly string[]): Promise<void> {
    const { commands, log, now } = this.#options;
    for (const address of addresses) this.#calledMs.set(address, now());
    await commands.run('scancel', [`--name=${name}`, ...addresses]).catch((error: unknown) => {
      if (error instanceof SlurmFailure && error.kind === 'unknownJob') return;
      for (const address of addresses) this.#calledMs.delete(address);
      log.error({ err: error, jobs: addresses }, 'scancel failed; tried again at the next look');
    });
  }

  /** Has Slurm give each of those that have none a number of its own. */
  async #split(jobs: readonly SlurmJob[]): Promise<boolean> {
    const { commands, log } = this.#options;
    const addresses = splitAddresses(jobs);
    for (const address of addresses) {
      const names = new Set(
        jobs.flatMap((slurm) => (address.startsWith(`${slurm.arrayJobId}_`) ? [nameThere(slurm)] : [])),
      );
      // Those that began or ended meanwhile are refused, and have their numbers.
      const split = expectOwn(commands, address, (name) => names.has(name)).then(() =>
        commands.run('scontrol', ['update', `JobId=${address}`, 'Comment=orrery']),
      );
      await split.catch((error: unknown) => {
        log.info({ address, reason: errorMessage(error) }, 'not all were split off');
      });
    }
    return addresses.length > 0;
  }
}

/** In parts that fit a command line. */
export function chunks(ids: readonly string[]): string[][] {
  const parts: string[][] = [];
  for (let first = 0; first < ids.length; first += IDS_MAX) parts.push(ids.slice(first, first + IDS_MAX));
  return parts;
}
