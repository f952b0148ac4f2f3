import { OrreryError } from '../../contract/errors.ts';
import type { NodeReservation } from '../../scheduler/policy.ts';
import type { Scheduler, SchedulerEvent } from '../../scheduler/types.ts';

export interface ReservationRequestsOptions {
  scheduler: Pick<Scheduler, 'reservations' | 'jobsIn'>;
  /** Resolves once the scheduler has it. */
  request: (event: SchedulerEvent) => Promise<void>;
  now: () => number;
}

/** Reservations that are asked for, and those that are to go: checked against what there is, one at a time. */
export class ReservationRequests {
  readonly #options: ReservationRequestsOptions;
  #isUnderWay = false;

  constructor(options: ReservationRequestsOptions) {
    this.#options = options;
  }

  /** Throws ORR_CONFLICT where its name is taken, or one of its nodes is reserved at the time. */
  async create(reservation: NodeReservation): Promise<void> {
    const { scheduler, now } = this.#options;
    const { name, nodes, startMs, endMs } = reservation;
    const isSame = (other: NodeReservation) => other.name === name;
    const isInTheWay = (other: NodeReservation) =>
      other.startMs < endMs && startMs < other.endMs && other.nodes.some((node) => nodes.includes(node));
    const inTheWay = scheduler.reservations().find((other) => isSame(other) || isInTheWay(other));
    if (inTheWay !== undefined) {
      const what = isSame(inTheWay)
        ? 'there is one of that name'
        : `reservation ${inTheWay.name} has some of the nodes then`;
      throw new OrreryError('ORR_CONFLICT', `reservation ${name}: ${what}`);
    }
    await this.#change(name, { kind: 'ReservationCreated', atMs: now(), reservation });
  }

  /** Throws ORR_NOT_FOUND, and ORR_CONFLICT while jobs that have not ended name it. */
  async delete(name: string): Promise<void> {
    const { scheduler, now } = this.#options;
    if (!scheduler.reservations().some((other) => other.name === name)) {
      throw new OrreryError('ORR_NOT_FOUND', `no reservation ${JSON.stringify(name)}: see orrery reservations`);
    }
    const [jobId] = scheduler.jobsIn(name);
    if (jobId !== undefined) {
      throw new OrreryError('ORR_CONFLICT', `reservation ${name} is in use: job ${jobId} names it and has not ended`);
    }
    await this.#change(name, { kind: 'ReservationDeleted', atMs: now(), name });
  }

  /** What was checked must still hold when the scheduler is told. */
  async #change(name: string, event: SchedulerEvent): Promise<void> {
    if (this.#isUnderWay)
      throw new OrreryError('ORR_CONFLICT', `reservation ${name}: another one is being changed: try again`);
    this.#isUnderWay = true;
    try {
      await this.#options.request(event);
    } finally {
      this.#isUnderWay = false;
    }
  }
}
