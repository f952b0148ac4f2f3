import type { OpenAPIHono } from '@hono/zod-openapi';
import { streamSSE } from 'hono/streaming';
import { z } from 'zod';
import {
  accountingQuerySchema,
  accountingSchema,
  eventQuerySchema,
  healthSchema,
  lemonListSchema,
  nodeDetailSchema,
  nodeListSchema,
  nodeParamsSchema,
  nodeReasonSchema,
  nodeSchema,
  shareListSchema,
  shutdownRequestSchema,
  shutdownResponseSchema,
} from '../contract/api.ts';
import { OrreryError } from '../contract/errors.ts';
import type { DaemonContext } from './context.ts';
import { followJournal } from './journal-events.ts';
import { openTicket } from './nodes/node-tickets.ts';
import { createRoute, eventStreamAnswer, jsonAnswer } from './route.ts';
import { sendEvents } from './send-events.ts';

/** Proxies and clients give a silent connection up after a minute or more. */
const HEARTBEAT_MS = 15_000;
/** Of what is done to a node where nobody says why. */
const DEFAULT_REASON = 'by request';

const health = createRoute({
  method: 'get',
  path: '/health',
  tags: ['daemon'],
  summary: 'Whether the daemon answers, and what it is.',
  responses: jsonAnswer(healthSchema, 'It answers.'),
});
const nodes = createRoute({
  method: 'get',
  path: '/nodes',
  tags: ['nodes'],
  summary: 'All nodes.',
  responses: jsonAnswer(nodeListSchema, 'The nodes.'),
});
const node = createRoute({
  method: 'get',
  path: '/nodes/{name}',
  tags: ['nodes'],
  summary: 'One node: what happened to it in four weeks, and what speaks for its being a lemon.',
  request: { params: nodeParamsSchema },
  responses: jsonAnswer(nodeDetailSchema, 'The node.'),
});
const lemons = createRoute({
  method: 'get',
  path: '/lemons',
  tags: ['nodes'],
  summary: 'The signals that speak for or against each node being a lemon, and the verdicts.',
  responses: jsonAnswer(lemonListSchema, 'All nodes.'),
});
const nodeAction = (name: string, summary: string) =>
  createRoute({
    method: 'post',
    path: `/nodes/{name}/${name}`,
    tags: ['nodes'],
    summary,
    request: { params: nodeParamsSchema, body: { content: { 'application/json': { schema: nodeReasonSchema } } } },
    responses: jsonAnswer(nodeSchema, 'The node after it.'),
  });
const drain = nodeAction('drain', 'Let a node finish what runs on it and give it nothing new.');
const resume = nodeAction('resume', 'Put a drained or failed node back to work.');
const fail = nodeAction('fail', 'A drill: kill what runs on a virtual node, at once and for real.');
const ticket = nodeAction('ticket', 'Note that somebody was asked to look at a node: a signal of the lemon detector.');
const account = createRoute({
  method: 'get',
  path: '/accounting',
  tags: ['jobs'],
  summary: 'GPU hours, those lost, CPU hours, node failures, preemptions and ETTR, by job, user or account.',
  request: { query: accountingQuerySchema },
  responses: jsonAnswer(accountingSchema, 'The rows.'),
});
const shares = createRoute({
  method: 'get',
  path: '/shares',
  tags: ['jobs'],
  summary: 'Fair-share of every user in an account, as of the last calculation.',
  responses: jsonAnswer(shareListSchema, 'The shares.'),
});
const events = createRoute({
  method: 'get',
  path: '/events',
  tags: ['daemon'],
  summary: 'The journal as server-sent events from `since` or Last-Event-ID on; without either, from now on.',
  request: { query: eventQuerySchema },
  responses: eventStreamAnswer('Events, each with its sequence number as id.'),
});
const shutdown = createRoute({
  method: 'post',
  path: '/shutdown',
  tags: ['daemon'],
  summary: 'Stop the daemon; running jobs run on unless they are cancelled. Answered at once.',
  request: { body: { content: { 'application/json': { schema: shutdownRequestSchema } } } },
  responses: jsonAnswer(shutdownResponseSchema, 'It is stopping.'),
});
const prometheus = createRoute({
  method: 'get',
  path: '/metrics',
  tags: ['daemon'],
  summary: 'Measurements for Prometheus.',
  responses: { 200: { description: 'Prometheus text format.', content: { 'text/plain': { schema: z.string() } } } },
});

export function registerClusterRoutes(app: OpenAPIHono, daemon: DaemonContext): void {
  const { accounting, backend, store } = daemon;
  app.openapi(health, (c) => {
    const nodes = backend.nodes();
    const outage = backend.outage();
    const running = new Set(nodes.flatMap((node) => node.jobIds)).size;
    return c.json(
      {
        status: 'ok' as const,
        version: daemon.version,
        pid: process.pid,
        home: daemon.home.folder,
        cluster: daemon.cluster,
        policy: daemon.policy.name,
        remarks: [...daemon.policy.remarks],
        startTime: daemon.startMs / 1000,
        nodes: nodes.length,
        jobsPending: store.liveJobCount - running,
        jobsRunning: running,
        outage: outage && { sinceTime: outage.sinceMs / 1000, reason: outage.reason, cause: outage.cause },
      },
      200,
    );
  });
  app.openapi(nodes, (c) => c.json({ nodes: daemon.nodes.summaries() }, 200));
  app.openapi(node, (c) => c.json(daemon.nodes.detail(c.req.valid('param').name, daemon.now()), 200));
  const act = (route: typeof drain, carryOut: (nodeName: string, reason: string | undefined) => Promise<void>) =>
    app.openapi(route, async (c) => {
      const { name } = c.req.valid('param');
      await carryOut(name, c.req.valid('json').reason);
      return c.json(daemon.nodes.summary(name), 200);
    });
  act(drain, async (nodeName, reason) => {
    const { state, reason: before } = daemon.nodes.summary(nodeName);
    // Whoever took it out said why: that stays until somebody says something else.
    if (reason === undefined && (state === 'draining' || state === 'drained')) return;
    await backend.drain(nodeName, reason ?? (state === 'down' ? before : null) ?? DEFAULT_REASON);
  });
  act(resume, (nodeName) => backend.resumeNode(nodeName));
  act(fail, (nodeName, reason = DEFAULT_REASON) => backend.failNode(nodeName, reason));
  act(ticket, (nodeName, reason = DEFAULT_REASON) => openTicket(daemon, nodeName, reason));
  app.openapi(account, (c) => c.json({ rows: accounting.rows(c.req.valid('query').by, daemon.now()) }, 200));
  app.openapi(lemons, (c) => c.json(daemon.lemons.list(daemon.now()), 200));
  app.openapi(shares, async (c) => c.json({ shares: await backend.shares() }, 200));
  app.openapi(events, (c) => {
    const lastId = c.req.header('last-event-id');
    if (lastId !== undefined && !/^\d{1,15}$/.test(lastId)) {
      throw new OrreryError('ORR_USAGE', `Last-Event-ID: expected a sequence number, got ${JSON.stringify(lastId)}`);
    }
    const asked = lastId === undefined ? (c.req.valid('query').since ?? store.lastSeq) : Number(lastId);
    // Beyond the end (of another home's journal, say) means from now on, not silence until the numbers have caught up.
    const since = Math.min(asked, store.lastSeq);
    return streamSSE(c, (stream) =>
      sendEvents(stream, daemon, async function* (abort) {
        for await (const event of followJournal(store, since, HEARTBEAT_MS, abort)) {
          yield event === null ? null : { id: String(event.seq), data: JSON.stringify(event) };
        }
      }),
    );
  });
  app.openapi(shutdown, (c) => {
    daemon.shutdown(c.req.valid('json').cancel);
    return c.json({ pid: process.pid, isStopping: true as const }, 200);
  });
}

/** `/metrics` is where Prometheus looks, outside the API's prefix. */
export function registerMetricsRoute(app: OpenAPIHono, daemon: DaemonContext): void {
  app.openapi(prometheus, async (c) => {
    const text = await daemon.measurements.text(daemon);
    return c.text(text, 200, { 'content-type': daemon.measurements.contentType });
  });
}
