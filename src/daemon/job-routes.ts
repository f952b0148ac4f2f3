import { constants } from 'node:os';
import type { OpenAPIHono } from '@hono/zod-openapi';
import { streamSSE } from 'hono/streaming';
import { z } from 'zod';
import {
  jobDetailSchema,
  jobListSchema,
  jobParamsSchema,
  jobPriorityListSchema,
  jobQuerySchema,
  jobSummarySchema,
  logQuerySchema,
  metricsQuerySchema,
  metricsSchema,
  forecastSchema,
  paceSchema,
  signalRequestSchema,
  submitRequestSchema,
  submitResponseSchema,
  whySchema,
} from '../contract/api.ts';
import { OrreryError } from '../contract/errors.ts';
import { formatDuration } from '../lib/units.ts';
import { rankCount } from '../contract/job.ts';
import type { DaemonContext } from './context.ts';
import { LogPosition } from './log-position.ts';
import { followLogs, type LogFilter } from './log-stream.ts';
import { readMetrics } from './metrics-file.ts';
import { jobPace } from './rank-metrics.ts';
import { createRoute, errorAnswer, eventStreamAnswer, jsonAnswer, jsonBody } from './route.ts';
import { sendEvents } from './send-events.ts';
import { submitJobs } from './submission.ts';

const tags = ['jobs'];
const params = jobParamsSchema;

const submit = createRoute({
  method: 'post',
  path: '/jobs',
  tags,
  summary: 'Submit jobs: all of them or none. Answered once they are on disk.',
  request: { body: jsonBody(submitRequestSchema) },
  responses: {
    201: { description: 'Accepted.', content: { 'application/json': { schema: submitResponseSchema } } },
    default: errorAnswer,
  },
});
const list = createRoute({
  method: 'get',
  path: '/jobs',
  tags,
  summary: 'Jobs that have not ended, or all of them, by id.',
  request: { query: jobQuerySchema },
  responses: jsonAnswer(jobListSchema, 'The jobs.'),
});
const priorities = createRoute({
  method: 'get',
  path: '/priorities',
  tags,
  summary: 'What the priorities of pending jobs are made of, highest first; none without multifactor priority.',
  responses: jsonAnswer(jobPriorityListSchema, 'The parts.'),
});
const show = createRoute({
  method: 'get',
  path: '/jobs/{id}',
  tags,
  summary: 'Everything about one job.',
  request: { params },
  responses: jsonAnswer(jobDetailSchema, 'The job.'),
});
const why = createRoute({
  method: 'get',
  path: '/jobs/{id}/why',
  tags,
  summary: 'What a job waits for, in sentences.',
  request: { params },
  responses: jsonAnswer(whySchema, 'The reason.'),
});
const action = (name: string, summary: string) =>
  createRoute({
    method: 'post',
    path: `/jobs/{id}/${name}`,
    tags,
    summary,
    request: { params, body: { content: { 'application/json': { schema: z.strictObject({}) } } } },
    responses: jsonAnswer(jobSummarySchema, 'The job after it.'),
  });
const cancel = action('cancel', 'Cancel a job that has not ended; by the id of an array, all of its tasks.');
const requeue = action('requeue', 'Put a running or ended job back in the queue, as it was submitted.');
const hold = action('hold', 'Keep a pending job from starting.');
const release = action('release', 'Let a held job start.');
const signal = createRoute({
  method: 'post',
  path: '/jobs/{id}/signal',
  tags,
  summary: "Send a signal to each rank's main process.",
  request: { params, body: jsonBody(signalRequestSchema) },
  responses: jsonAnswer(jobSummarySchema, 'The job.'),
});
const logs = createRoute({
  method: 'get',
  path: '/jobs/{id}/logs',
  tags,
  summary: 'Output of the tasks as server-sent events: pieces (`logChunk`), then `end`. Last-Event-ID resumes.',
  request: { params, query: logQuerySchema },
  responses: eventStreamAnswer('Pieces of output.'),
});
const metrics = createRoute({
  method: 'get',
  path: '/jobs/{id}/metrics',
  tags,
  summary: 'Lines of ORRERY_METRICS from a byte offset on.',
  request: { params, query: metricsQuerySchema },
  responses: jsonAnswer(metricsSchema, 'Whole lines.'),
});
const forecast = createRoute({
  method: 'get',
  path: '/jobs/{id}/forecast',
  tags,
  summary: 'When a pending job will start: the twin goes on from the cluster as it is, many times.',
  request: { params },
  responses: jsonAnswer(forecastSchema, 'The forecast.'),
});
const pace = createRoute({
  method: 'get',
  path: '/jobs/{id}/pace',
  tags,
  summary: 'Which ranks hold up their gang, from what they write to ORRERY_RANK_METRICS.',
  request: { params },
  responses: jsonAnswer(paceSchema, 'The ranks, slowest first.'),
});

export function registerJobRoutes(app: OpenAPIHono, daemon: DaemonContext): void {
  const { book, backend } = daemon;
  app.openapi(submit, async (c) => c.json(await submitJobs(c.req.valid('json'), daemon), 201));
  app.openapi(list, (c) => c.json({ jobs: book.summaries(c.req.valid('query')) }, 200));
  app.openapi(priorities, async (c) => c.json({ priorities: await book.priorities() }, 200));
  app.openapi(show, async (c) => c.json(await book.detail(book.resolve(c.req.valid('param').id)), 200));
  app.openapi(why, async (c) => c.json(await book.why(book.resolve(c.req.valid('param').id)), 200));

  app.openapi(forecast, async (c) => {
    const { id, arrayJobId, arrayTaskId } = book.summary(book.resolve(c.req.valid('param').id));
    const nowMs = daemon.now();
    const found = await daemon.forecaster.start(id);
    const time = (ms: number | undefined) => (ms === undefined || ms === Infinity ? null : (nowMs + ms) / 1000);
    return c.json(
      {
        id,
        arrayJobId,
        arrayTaskId,
        lowTime: time(found?.lowMs),
        medianTime: time(found?.medianMs),
        highTime: time(found?.highMs),
        startedShare: found?.startedShare ?? 0,
        draws: found?.draws ?? 0,
        horizonTime: time(found?.horizonMs),
        sooner: (found?.sooner ?? []).map((one) => ({
          flag: one.kind === 'time' ? ('--time' as const) : ('--partition' as const),
          value: one.kind === 'time' ? formatDuration(one.limitMs) : one.partition,
          medianTime: (nowMs + one.medianMs) / 1000,
        })),
        historyJobs: found?.historyJobs ?? 0,
      },
      200,
    );
  });
  app.openapi(pace, (c) => c.json(jobPace(daemon.store, daemon.home, book.resolve(c.req.valid('param').id)), 200));

  /** Of an array the tasks that can; the request fails where none can. */
  const act = (route: typeof cancel, carryOut: (jobId: number) => Promise<void>) =>
    app.openapi(route, async (c) => {
      const jobIds = book.resolveAll(c.req.valid('param').id);
      const outcomes = await Promise.allSettled(jobIds.map(async (jobId) => carryOut(jobId)));
      const [refused] = outcomes.filter((outcome) => outcome.status === 'rejected');
      const isUnexpected = refused !== undefined && !(refused.reason instanceof OrreryError);
      if (refused !== undefined && (isUnexpected || outcomes.every(({ status }) => status === 'rejected'))) {
        throw refused.reason;
      }
      return c.json(book.summary(jobIds[0] ?? 0), 200);
    });
  act(cancel, (jobId) => {
    const { isEnded, state } = book.row(jobId);
    if (isEnded) throw new OrreryError('ORR_CONFLICT', `job ${jobId} has already ended: ${state}`);
    return backend.cancel(jobId);
  });
  act(requeue, (jobId) => backend.requeue(jobId));
  act(hold, (jobId) => backend.hold(jobId));
  act(release, (jobId) => backend.release(jobId));
  app.openapi(signal, async (c) => {
    const id = book.resolve(c.req.valid('param').id);
    await backend.signal(id, signalName(c.req.valid('json').signal));
    return c.json(book.summary(id), 200);
  });

  app.openapi(logs, (c) => {
    const id = book.resolve(c.req.valid('param').id);
    expectLogs(daemon, id, c.req.valid('query'));
    const resumeId = c.req.header('last-event-id');
    const position = resumeId === undefined ? null : LogPosition.parse(resumeId);
    return streamSSE(c, (stream) =>
      sendEvents(stream, daemon, async function* (abort) {
        for await (const piece of followLogs(daemon, id, c.req.valid('query'), position, abort)) {
          yield piece === null ? null : { id: piece.position, data: JSON.stringify(piece.chunk) };
        }
        if (!abort.aborted) yield { event: 'end', data: '{}' };
      }),
    );
  });
  app.openapi(metrics, (c) => {
    const id = book.resolve(c.req.valid('param').id);
    return c.json(readMetrics(daemon.home.metrics(id), c.req.valid('query').since ?? 0), 200);
  });
}

/** Throws ORR_NOT_FOUND for an attempt that is not there, unless it is waited for, and for a rank the job does not have. */
function expectLogs({ book, store }: DaemonContext, id: number, { attempt, rank, follow }: LogFilter): void {
  const job = book.row(id);
  if (attempt !== undefined && attempt > job.attempt && follow !== true) {
    throw new OrreryError('ORR_NOT_FOUND', `job ${id} has no attempt ${attempt}: its last one is ${job.attempt}`);
  }
  const spec = store.read(id)?.accepted.spec;
  const ranks = spec === undefined ? 0 : rankCount(spec);
  if (rank !== undefined && rank >= ranks) {
    throw new OrreryError('ORR_NOT_FOUND', `job ${id} has no rank ${rank}: its last one is ${ranks - 1}`);
  }
}

/** `USR1` or `SIGUSR1` as Node says it. */
function signalName(text: string): NodeJS.Signals {
  const name = text.startsWith('SIG') ? text : `SIG${text}`;
  if (isSignal(name)) return name;
  throw new OrreryError('ORR_USAGE', `signal: this system has none called ${text}: expected one such as USR1`);
}

function isSignal(name: string): name is NodeJS.Signals {
  return Object.hasOwn(constants.signals, name);
}
