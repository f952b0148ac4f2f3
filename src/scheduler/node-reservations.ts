import { definite } from '../lib/assert.ts';
import { knownNames } from './known-names.ts';
import type { AccountPolicy } from './qos-and-accounts.ts';
import type { NodeReservation } from './policy.ts';

/** What of a job decides on which nodes it may start, as far as reservations go. */
export interface ReservationUser {
  readonly user: string;
  readonly account: string;
  /** The reservation it names; null for none. */
  readonly reservation: string | null;
  /** Null: it may run for ever. */
  readonly timeLimitMs: number | null;
}

/**
 * Slurm's reservations of nodes (reservations.html). A job that names none stays off their nodes from when its time limit would reach into
 * one until that is over; a job that names one runs on its nodes only and starts while it lasts (it may run on past its end, as with
 * `ResvOverRun=UNLIMITED`). Where a reservation gives both users and accounts, a job must match both; an account stands for those below it.
 */
export class NodeReservations {
  #reservations: readonly NodeReservation[];
  readonly #parents: ReadonlyMap<string, string | null>;
  /** The nodes of each reservation: 1 at the index of each. */
  #masks: readonly Uint8Array[] = [];
  #all = new Uint8Array(0);
  /** Sets of barred nodes made so far. */
  readonly #sets = new Map<string, Uint8Array>();

  constructor(reservations: readonly NodeReservation[], accounts: readonly AccountPolicy[]) {
    for (const reservation of reservations) checkSpan(reservation);
    this.#reservations = reservations;
    this.#parents = new Map(accounts.map(({ name, parent }) => [name, parent ?? null]));
  }

  get isEmpty(): boolean {
    return this.#reservations.length === 0;
  }

  get all(): readonly NodeReservation[] {
    return this.#reservations;
  }

  /** `setNodes` is to be called before anything is asked. Throws a RangeError for a name that is taken and an end before the start. */
  create(reservation: NodeReservation): void {
    checkSpan(reservation);
    const { name } = reservation;
    if (this.#reservations.some((other) => other.name === name))
      throw new RangeError(`reservation ${name}: there is one of that name`);
    this.#reservations = [...this.#reservations, reservation];
  }

  /** The same. Throws a RangeError where there is none of the name. */
  delete(name: string): void {
    const left = this.#reservations.filter((other) => other.name !== name);
    if (left.length === this.#reservations.length) throw new RangeError(`reservation ${name}: there is none`);
    this.#reservations = left;
  }

  /** The cluster's nodes by index, again whenever one is added. Names that a reservation has and the cluster has not are passed over. */
  setNodes(names: readonly string[]): void {
    this.#masks = this.#reservations.map(({ nodes }) => {
      const reserved = new Set(nodes);
      return Uint8Array.from(names, (name) => (reserved.has(name) ? 1 : 0));
    });
    this.#all = new Uint8Array(names.length).fill(1);
    this.#sets.clear();
  }

  /** Why a job that names a reservation can never run in it; null where it can or names none. */
  admission(job: ReservationUser, nowMs: number): string | null {
    if (job.reservation === null) return null;
    const reservation = this.#reservations.find(({ name }) => name === job.reservation);
    if (reservation === undefined) {
      return `no reservation ${job.reservation}: ${knownNames(this.#reservations.map(({ name }) => name))}`;
    }
    if (!this.#isUsedBy(reservation, job)) {
      return `reservation ${job.reservation} is not for user ${job.user} of account ${job.account}`;
    }
    return nowMs >= reservation.endMs ? `reservation ${job.reservation} is over` : null;
  }

  /** Whether the reservation that the job names, if any, lasts at `atMs`; where not, it pends with reason `Reservation`. */
  isOpen(job: ReservationUser, atMs: number): boolean {
    if (job.reservation === null) return true;
    const reservation = this.#reservations.find(({ name }) => name === job.reservation);
    if (reservation === undefined) return false;
    return reservation.startMs <= atMs && atMs < reservation.endMs && this.#isUsedBy(reservation, job);
  }

  /**
   * The nodes on which the job may not start at `atMs`: 1 at the index of each; null for none. All nodes for a job whose reservation is not
   * open. The same array for the same set: not to be changed.
   */
  barred(job: ReservationUser, atMs: number): Uint8Array | null {
    if (this.isEmpty) return null;
    if (!this.isOpen(job, atMs)) return this.#all;
    const endMs = job.timeLimitMs === null ? Infinity : atMs + job.timeLimitMs;
    let id = '';
    for (let index = 0; index < this.#reservations.length; index++) {
      const reservation = definite(this.#reservations[index], 'in range');
      if (reservation.name === job.reservation) id += `+${index}`;
      else if (reservation.startMs < endMs && atMs < reservation.endMs) id += `-${index}`;
    }
    if (id === '') return null;
    let set = this.#sets.get(id);
    if (set === undefined) {
      set = this.#combined(id);
      this.#sets.set(id, set);
    }
    return set;
  }

  /** The next instant after `nowMs` at which a reservation starts or ends, so that waiting jobs may become free to start; Infinity for none. */
  nextChangeMs(nowMs: number): number {
    let nextMs = Infinity;
    for (const { startMs, endMs } of this.#reservations) {
      if (startMs > nowMs && startMs < nextMs) nextMs = startMs;
      if (endMs > nowMs && endMs < nextMs) nextMs = endMs;
    }
    return nextMs;
  }

  /** `id`: the reservations that count, by index; + for the one that a job must stay in, - for those it must stay off. */
  #combined(id: string): Uint8Array {
    const barred = new Uint8Array(this.#all.length);
    for (const [, sign, index] of id.matchAll(/([+-])(\d+)/g)) {
      const mask = definite(this.#masks[Number(index)], 'nodes are set before jobs are asked about');
      const isOwn = sign === '+';
      for (let node = 0; node < barred.length; node++) if ((mask[node] === 1) !== isOwn) barred[node] = 1;
    }
    return barred;
  }

  #isUsedBy({ users, accounts }: NodeReservation, { user, account }: ReservationUser): boolean {
    if (users.length === 0 && accounts.length === 0) return false;
    if (users.length > 0 && !users.includes(user)) return false;
    if (accounts.length === 0) return true;
    // Bounded, should the accounts go round in a circle.
    let name: string | null = account;
    for (let depth = 0; name !== null && depth <= this.#parents.size; depth++) {
      if (accounts.includes(name)) return true;
      name = this.#parents.get(name) ?? null;
    }
    return false;
  }
}

function checkSpan({ name, startMs, endMs }: NodeReservation): void {
  if (!(startMs < endMs)) throw new RangeError(`reservation ${name}: expected an end after its start`);
}
