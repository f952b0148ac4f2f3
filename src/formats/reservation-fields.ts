import { z } from 'zod';
import type { NodeReservation } from '../scheduler/policy.ts';
import { formatHostList, hostNamesOf } from './host-list.ts';

const seconds = z.number().min(0);
const name = z.string().min(1);
const names = z.array(name);

const reservation = z
  .strictObject({
    name,
    nodes: names.min(1),
    startSeconds: seconds,
    endSeconds: seconds,
    users: names.default([]),
    accounts: names.default([]),
  })
  .refine(({ startSeconds, endSeconds }) => endSeconds > startSeconds, {
    path: ['endSeconds'],
    error: 'expected an end after startSeconds',
  });

/** `reservations` of a policy or a scenario. Times count from second 0 of the run. */
export const reservationFields = z.array(reservation).superRefine((reservations, context) => {
  const known = new Set<string>();
  for (const [index, { name: own }] of reservations.entries()) {
    if (known.has(own)) {
      const message = `expected each name once, got "${own}" again`;
      context.addIssue({ code: 'custom', path: [index, 'name'], message });
    }
    known.add(own);
  }
});

export function toReservations(fields: z.output<typeof reservationFields>): NodeReservation[] {
  return fields.map(({ startSeconds, endSeconds, ...entry }) => ({
    ...entry,
    nodes: hostNamesOf(entry.nodes),
    startMs: Math.round(startSeconds * 1000),
    endMs: Math.round(endSeconds * 1000),
  }));
}

/** What `toReservations` reads as these. */
export function fromReservations(reservations: readonly NodeReservation[]): z.input<typeof reservationFields> {
  return reservations.map(({ name: own, nodes, startMs, endMs, users, accounts }) => ({
    name: own,
    nodes: [formatHostList(nodes)],
    startSeconds: startMs / 1000,
    endSeconds: endMs / 1000,
    ...(users.length > 0 && { users: [...users] }),
    ...(accounts.length > 0 && { accounts: [...accounts] }),
  }));
}
