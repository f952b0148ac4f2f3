import type { OpenAPIHono } from '@hono/zod-openapi';
import { z } from 'zod';
import type { BackendReservation } from '../backend/port.ts';
import {
  type Reservation,
  reservationListSchema,
  reservationParamsSchema,
  reservationRequestSchema,
  reservationSchema,
} from '../contract/api.ts';
import { OrreryError } from '../contract/errors.ts';
import { knownNames } from '../scheduler/known-names.ts';
import type { DaemonContext } from './context.ts';
import { createRoute, jsonAnswer, jsonBody } from './route.ts';

const tags = ['reservations'];

const list = createRoute({
  method: 'get',
  path: '/reservations',
  tags,
  summary: 'Reservations of nodes, those that are over too.',
  responses: jsonAnswer(reservationListSchema, 'The reservations.'),
});
const create = createRoute({
  method: 'post',
  path: '/reservations',
  tags,
  summary: 'Keep nodes for some people for some time. What runs there is left alone.',
  request: { body: jsonBody(reservationRequestSchema) },
  responses: jsonAnswer(reservationSchema, 'The reservation.'),
});
const remove = createRoute({
  method: 'post',
  path: '/reservations/{name}/delete',
  tags,
  summary: 'Give the nodes of a reservation back. Refused while a job that has not ended names it.',
  request: {
    params: reservationParamsSchema,
    body: { content: { 'application/json': { schema: z.strictObject({}) } } },
  },
  responses: jsonAnswer(reservationListSchema, 'Those that are left.'),
});

export function registerReservationRoutes(app: OpenAPIHono, daemon: DaemonContext): void {
  const { backend } = daemon;
  const all = () => backend.reservations().map((reservation) => toReservation(reservation, daemon));
  app.openapi(list, async (c) => {
    await backend.refreshReservations();
    return c.json({ reservations: all() }, 200);
  });
  app.openapi(create, async (c) => {
    const { name, nodes, startTime, endTime, users, accounts } = c.req.valid('json');
    const nowMs = daemon.now();
    const startMs = startTime === undefined ? nowMs : Math.round(startTime * 1000);
    const endMs = Math.round(endTime * 1000);
    if (endMs <= Math.max(startMs, nowMs)) {
      throw new OrreryError('ORR_USAGE', `reservation ${name}: expected an end after its start and after now`);
    }
    expectAccounts(accounts, daemon);
    const reservation = { name, nodes: [...new Set(nodes)], startMs, endMs, users, accounts };
    await backend.createReservation(reservation);
    return c.json(toReservation(reservation, daemon), 200);
  });
  app.openapi(remove, async (c) => {
    await backend.deleteReservation(c.req.valid('param').name);
    return c.json({ reservations: all() }, 200);
  });
}

/** A policy without accounts takes any name for one. */
function expectAccounts(accounts: readonly string[], { policy }: DaemonContext): void {
  const known = policy.policy.accounts.map(({ name }) => name);
  const stranger = accounts.find((name) => known.length > 0 && !known.includes(name));
  if (stranger === undefined) return;
  throw new OrreryError('ORR_USAGE', `accounts: no account ${JSON.stringify(stranger)}: ${knownNames(known)}`);
}

function toReservation(reservation: BackendReservation, { backend, store, now }: DaemonContext): Reservation {
  const { name, nodes, startMs, endMs, users, accounts, flags = [] } = reservation;
  const state = now() < startMs ? 'planned' : now() < endMs ? 'active' : 'over';
  const running = backend.nodes().flatMap(({ spec, jobIds }) => (nodes.includes(spec.name) ? jobIds : []));
  const otherJobs = [...new Set(running)].filter((jobId) => store.read(jobId)?.request.reservation !== name);
  return {
    name,
    nodes: [...nodes],
    startTime: startMs / 1000,
    endTime: endMs / 1000,
    users: [...users],
    accounts: [...accounts],
    flags: [...flags],
    state,
    otherJobs: otherJobs.sort((a, b) => a - b),
  };
}
