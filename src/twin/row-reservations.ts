import { DEFAULT_ACCOUNT, DEFAULT_USER } from '../scheduler/default-names.ts';
import { NodeReservations } from '../scheduler/node-reservations.ts';
import type { SchedulerOptions } from '../scheduler/policy.ts';
import type { TraceRow } from './trace-row.ts';

/** Which of the reservations that a row of a trace names its job runs in. */
export class RowReservations {
  readonly #known: NodeReservations;

  constructor({ reservations = [], accounts = [] }: SchedulerOptions) {
    this.#known = new NodeReservations(reservations, accounts);
  }

  /** The first of them that takes it; null for none: it runs like others. */
  of(row: TraceRow): string | null {
    return namesOf(row).find((name) => this.#refusal(row, name) === null) ?? null;
  }

  /** Why it runs like others, though it names one; null where it does not. */
  reasonAgainst(row: TraceRow): string | null {
    const [first] = namesOf(row);
    if (first === undefined || this.of(row) !== null) return null;
    const isKnown = this.#known.all.some(({ name }) => name === first);
    return isKnown ? (this.#refusal(row, first) ?? null) : `reservation ${first}: there is none of this name`;
  }

  #refusal({ user, account, limitMs, submitMs }: TraceRow, reservation: string): string | null {
    const asked = {
      user: user ?? DEFAULT_USER,
      account: account ?? DEFAULT_ACCOUNT,
      reservation,
      timeLimitMs: limitMs,
    };
    return this.#known.admission(asked, submitMs);
  }
}

function namesOf({ reservation }: TraceRow): readonly string[] {
  return reservation === undefined ? [] : reservation.split(',');
}
