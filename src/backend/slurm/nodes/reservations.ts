import { OrreryError } from '../../../contract/errors.ts';
import type { BackendReservation } from '../../port.ts';
import { parseReservations } from '../output/reservation-text.ts';
import { SACCT_TIME } from '../output/sacct-text.ts';
import type { SlurmCommands } from '../slurm-commands.ts';

/** Slurm's reservations: shown here, made and deleted there. */
export class SlurmReservations {
  readonly #commands: Pick<SlurmCommands, 'run'>;
  /** As last told; null: not asked, or no answer. */
  #seen: readonly BackendReservation[] | null = null;

  constructor(commands: Pick<SlurmCommands, 'run'>) {
    this.#commands = commands;
  }

  /** Null where Slurm was not asked, or did not answer. */
  get seen(): readonly BackendReservation[] | null {
    return this.#seen;
  }

  /** Throws SlurmFailure. */
  async refresh(): Promise<void> {
    // Where Slurm does not answer nothing is known, rather than what was once.
    this.#seen = null;
    const args = ['--oneliner', 'show', 'reservation'];
    this.#seen = parseReservations(await this.#commands.run('scontrol', args, { variables: SACCT_TIME }));
  }

  /** Throws ORR_REFUSED: an operator makes them. */
  async create(): Promise<never> {
    throw new OrreryError(
      'ORR_REFUSED',
      "reservations are Slurm's here: scontrol create reservation, by an operator; jobs name theirs with --reservation",
    );
  }

  /** Throws ORR_REFUSED: an operator deletes them. */
  async delete(): Promise<never> {
    throw new OrreryError(
      'ORR_REFUSED',
      "reservations are Slurm's here: scontrol delete ReservationName=NAME, by an operator",
    );
  }
}
