import { scontrolRecords } from '../../../formats/scontrol-lines.ts';
import type { BackendReservation } from '../../port.ts';
import { hostNames } from './host-names.ts';

/**
 * Reservations of `scontrol --oneliner show reservation`, with times in seconds since the epoch (`SLURM_TIME_FORMAT=%s`). Users and accounts that it is
 * not for have a minus in front, as Slurm writes them; groups are `group:NAME` among the users.
 */
export function parseReservations(text: string): BackendReservation[] {
  return shownReservations(text).map(({ facts, start, end }) => {
    return { ...facts, startMs: Number(start) * 1000, endMs: Number(end) * 1000 };
  });
}

/** A reservation as `scontrol show reservation` has it, with its times as they stand there. */
export interface ShownReservation {
  line: number;
  facts: Required<Omit<BackendReservation, 'startMs' | 'endMs'>>;
  start: string;
  end: string;
  /** It holds some of the cores of its nodes, and not the nodes. */
  isOfCores: boolean;
}

/** The same whatever form its times have. */
export function shownReservations(text: string): ShownReservation[] {
  return scontrolRecords(text, 'ReservationName').map(({ line, fields: record }) => {
    const words = (field: string) =>
      (record.get(field) ?? '').split(',').filter((word) => word !== '' && word !== NONE);
    const facts = {
      name: record.get('reservationname') ?? '',
      nodes: hostNames(record.get('nodes') ?? NONE),
      users: [...words('users'), ...words('groups').map((group) => `${GROUP}${group}`)],
      accounts: words('accounts'),
      flags: words('flags'),
    };
    const [start, end] = [record.get('starttime') ?? '0', record.get('endtime') ?? '0'];
    return { line, facts, start, end, isOfCores: record.has('coreids') };
  });
}

const NONE = '(null)';
/** In front of a group among the users. */
export const GROUP = 'group:';

/**
 * Why the user's job may not run in the reservations that it names, in one line; null where nothing speaks against it. Who is in a group, and which
 * account is below another, is for Slurm to say.
 */
export function reservationRefusal(
  names: string,
  { user, account }: { user: string; account: string | null },
  known: readonly BackendReservation[],
): string | null {
  for (const name of names.split(',')) {
    const reservation = known.find((other) => other.name === name);
    if (reservation === undefined) {
      const expected = known.map((other) => other.name).join(', ');
      return `reservation: no ${JSON.stringify(name)}: ${expected === '' ? 'there is none' : `expected one of ${expected}`}`;
    }
    const { users, accounts } = reservation;
    const named = users.filter((other) => !other.startsWith('-'));
    const isStranger = named.length > 0 && !named.includes(user) && !named.some((other) => other.startsWith(GROUP));
    if (isStranger) return `reservation: ${name} is for users ${named.join(', ')}: ${user} may not run there`;
    if (users.includes(`-${user}`)) return `reservation: ${name} is not for ${user}`;
    if (account !== null && accounts.includes(`-${account}`))
      return `reservation: ${name} is not for account ${account}`;
  }
  return null;
}
