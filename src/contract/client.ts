import type { z } from 'zod';
import {
  API_PREFIX,
  type AccountingRow,
  type AccountingKey,
  accountingSchema,
  errorBodySchema,
  type Health,
  healthSchema,
  type JobDetail,
  type JobPriority,
  type JobEvent,
  type JobSummary,
  jobDetailSchema,
  jobEventSchema,
  jobListSchema,
  jobSummarySchema,
  jobPriorityListSchema,
  type LemonList,
  lemonListSchema,
  type LogChunk,
  logChunkSchema,
  type Forecast,
  type Metrics,
  type Pace,
  metricsSchema,
  forecastSchema,
  paceSchema,
  type NodeDetail,
  nodeDetailSchema,
  type NodeSummary,
  nodeListSchema,
  nodeSchema,
  type Reservation,
  type ReservationRequest,
  reservationListSchema,
  reservationSchema,
  type Share,
  type ShutdownResponse,
  shareListSchema,
  type SubmitRequest,
  type SubmitResponse,
  shutdownResponseSchema,
  submitResponseSchema,
  type Why,
  whySchema,
} from './api.ts';
import { isErrorCode, OrreryError } from './errors.ts';
import { parseEventStream, type ServerSentEvent } from './event-stream.ts';
import { MAY_HAVE_JOBS, unreachable } from './unreachable.ts';

/** Id of a job, or a task of an array as `12_3`. What is done to the id of an array is done to all of its tasks. */
export type JobName = number | string;

export interface JobQuery {
  /** Ended jobs too. */
  all?: boolean;
  state?: JobSummary['state'];
  name?: string;
  /** Only tasks of this array. */
  array?: number;
  /** The newest so many. */
  limit?: number;
}

export interface LogQuery {
  /** Go on until the job has ended and its output is read to the end. */
  follow?: boolean;
  /** All attempts, in order, where absent. */
  attempt?: number;
  rank?: number;
  stream?: LogChunk['stream'];
  /** Only the last so many lines of each file. */
  tail?: number;
  /** `resumeId` of the last chunk seen: go on after it. */
  resumeId?: string;
}

export interface EventQuery {
  /** Sequence number of the last event seen; absent: only events from now on. */
  since?: number;
}

/**
 * The HTTP API as methods. Every method throws an OrreryError with the code the daemon gave, ORR_UNREACHABLE where no daemon
 * answers. Streams end quietly when `signal` is aborted and throw ORR_UNREACHABLE when the daemon goes away; to reconnect is the caller's choice.
 */
export interface OrreryClient {
  health(): Promise<Health>;
  /** Resolves once all jobs are on the daemon's disk. */
  submit(request: SubmitRequest): Promise<SubmitResponse>;
  jobs(query?: JobQuery): Promise<JobSummary[]>;
  job(job: JobName): Promise<JobDetail>;
  why(job: JobName): Promise<Why>;
  cancel(job: JobName): Promise<JobSummary>;
  requeue(job: JobName): Promise<JobSummary>;
  hold(job: JobName): Promise<JobSummary>;
  release(job: JobName): Promise<JobSummary>;
  /** `USR1` or `SIGUSR1`, to each rank's main process. */
  signal(job: JobName, signal: string): Promise<JobSummary>;
  logs(job: JobName, query?: LogQuery, signal?: AbortSignal): AsyncGenerator<LogChunk & { resumeId: string }>;
  /** When a pending job will start. */
  forecast(jobId: JobName): Promise<Forecast>;
  /** Which ranks hold up the gang. */
  pace(jobId: JobName): Promise<Pace>;
  /** Lines of ORRERY_METRICS from byte `since`. */
  metrics(job: JobName, since?: number): Promise<Metrics>;
  nodes(): Promise<NodeSummary[]>;
  /** With its history and what speaks for a lemon. */
  node(nodeName: string): Promise<NodeDetail>;
  drainNode(nodeName: string, reason?: string): Promise<NodeSummary>;
  resumeNode(nodeName: string): Promise<NodeSummary>;
  failNode(nodeName: string, reason?: string): Promise<NodeSummary>;
  /** Notes that somebody was asked to look at the node. */
  openTicket(nodeName: string, reason?: string): Promise<NodeSummary>;
  accounting(by: AccountingKey): Promise<AccountingRow[]>;
  /** Of pending jobs, highest first; none without multifactor priority. */
  priorities(): Promise<JobPriority[]>;
  shares(): Promise<Share[]>;
  reservations(): Promise<Reservation[]>;
  createReservation(request: ReservationRequest): Promise<Reservation>;
  deleteReservation(name: string): Promise<void>;
  lemons(): Promise<LemonList>;
  events(query?: EventQuery, signal?: AbortSignal): AsyncGenerator<JobEvent>;
  /** Answers at once; the daemon's process (`pid`) ends when it has finished. */
  shutdown(options?: { cancel?: boolean }): Promise<ShutdownResponse>;
}

/** `url` as in `daemon.json`, e.g. `http://127.0.0.1:7077`. */
export function createClient(daemon: { url: string; token: string }): OrreryClient {
  const base = daemon.url.replace(/\/+$/, '');

  async function send(
    path: string,
    init: Omit<RequestInit, 'headers'> & { headers?: Record<string, string> } = {},
  ): Promise<Response> {
    let response: Response;
    try {
      response = await fetch(`${base}${API_PREFIX}${path}`, {
        ...init,
        headers: { authorization: `Bearer ${daemon.token}`, ...init.headers },
      });
    } catch (cause) {
      if (init.signal?.aborted === true) throw cause;
      throw unreachable(base, cause, consequenceOf(path, init.method));
    }
    if (!response.ok) throw await asError(response);
    return response;
  }

  async function get<S extends z.ZodType>(path: string, schema: S): Promise<z.infer<S>> {
    return readBody(await send(path), schema, '');
  }

  async function post<S extends z.ZodType>(path: string, schema: S, body: unknown = {}): Promise<z.infer<S>> {
    const headers = { 'content-type': 'application/json' };
    const response = await send(path, { method: 'POST', headers, body: JSON.stringify(body) });
    return readBody(response, schema, consequenceOf(path, 'POST'));
  }

  async function readBody<S extends z.ZodType>(
    response: Response,
    schema: S,
    consequence: string,
  ): Promise<z.infer<S>> {
    const body: unknown = await response.json().catch((cause: unknown) => {
      throw unreachable(base, cause, consequence);
    });
    const parsed = schema.safeParse(body);
    if (parsed.success) return parsed.data;
    const issue = parsed.error.issues[0];
    throw new OrreryError(
      'ORR_INTERNAL',
      `the daemon at ${base} speaks another version: ${issue?.path.join('.') ?? 'answer'}: ${issue?.message ?? 'not understood'}; orrery down, then orrery up, has it run this one`,
    );
  }

  async function* stream(
    path: string,
    lastEventId: string | null,
    signal?: AbortSignal,
  ): AsyncGenerator<ServerSentEvent> {
    const headers: Record<string, string> = { accept: 'text/event-stream' };
    if (lastEventId !== null) headers['last-event-id'] = lastEventId;
    try {
      const { body } = await send(path, { headers, signal: signal ?? null });
      if (body !== null) yield* parseEventStream(body);
    } catch (cause) {
      if (signal?.aborted === true) return;
      if (cause instanceof OrreryError) throw cause;
      throw new OrreryError('ORR_UNREACHABLE', `the daemon at ${base} went away`, { cause });
    }
    if (signal?.aborted !== true) throw new OrreryError('ORR_UNREACHABLE', `the daemon at ${base} went away`);
  }

  const jobAction = (jobId: JobName, action: string, body?: unknown) =>
    post(`/jobs/${jobId}/${action}`, jobSummarySchema, body);
  const nodeAction = (nodeName: string, action: string, reason?: string) =>
    post(`/nodes/${encodeURIComponent(nodeName)}/${action}`, nodeSchema, reason === undefined ? {} : { reason });

  return {
    health: () => get('/health', healthSchema),
    submit: (request) => post('/jobs', submitResponseSchema, request),
    jobs: async (query = {}) => (await get(`/jobs${queryText(query)}`, jobListSchema)).jobs,
    job: (jobId) => get(`/jobs/${jobId}`, jobDetailSchema),
    why: (jobId) => get(`/jobs/${jobId}/why`, whySchema),
    cancel: (jobId) => jobAction(jobId, 'cancel'),
    requeue: (jobId) => jobAction(jobId, 'requeue'),
    hold: (jobId) => jobAction(jobId, 'hold'),
    release: (jobId) => jobAction(jobId, 'release'),
    signal: (jobId, signal) => jobAction(jobId, 'signal', { signal }),
    async *logs(jobId, { resumeId, ...query } = {}, signal) {
      for await (const message of stream(`/jobs/${jobId}/logs${queryText(query)}`, resumeId ?? null, signal)) {
        if (message.event === 'end') return;
        if (message.event === 'error') throw streamError(message);
        yield { ...logChunkSchema.parse(JSON.parse(message.data)), resumeId: message.id ?? '' };
      }
    },
    forecast: (jobId) => get(`/jobs/${jobId}/forecast`, forecastSchema),
    pace: (jobId) => get(`/jobs/${jobId}/pace`, paceSchema),
    metrics: (jobId, since) => get(`/jobs/${jobId}/metrics${queryText({ since })}`, metricsSchema),
    nodes: async () => (await get('/nodes', nodeListSchema)).nodes,
    node: (nodeName) => get(`/nodes/${encodeURIComponent(nodeName)}`, nodeDetailSchema),
    drainNode: (nodeName, reason) => nodeAction(nodeName, 'drain', reason),
    resumeNode: (nodeName) => nodeAction(nodeName, 'resume'),
    failNode: (nodeName, reason) => nodeAction(nodeName, 'fail', reason),
    openTicket: (nodeName, reason) => nodeAction(nodeName, 'ticket', reason),
    priorities: async () => (await get('/priorities', jobPriorityListSchema)).priorities,
    shares: async () => (await get('/shares', shareListSchema)).shares,
    reservations: async () => (await get('/reservations', reservationListSchema)).reservations,
    createReservation: (request) => post('/reservations', reservationSchema, request),
    deleteReservation: async (name) => {
      await post(`/reservations/${encodeURIComponent(name)}/delete`, reservationListSchema);
    },
    lemons: () => get('/lemons', lemonListSchema),
    accounting: async (by) => (await get(`/accounting${queryText({ by })}`, accountingSchema)).rows,
    async *events({ since } = {}, signal) {
      for await (const message of stream('/events', since === undefined ? null : String(since), signal)) {
        if (message.event === 'error') throw streamError(message);
        yield jobEventSchema.parse(JSON.parse(message.data));
      }
    },
    shutdown: (options = {}) => post('/shutdown', shutdownResponseSchema, options),
  };
}

/** What may have happened although no answer came. */
function consequenceOf(path: string, method: string | undefined): string {
  if (method !== 'POST') return '';
  return path === '/jobs' ? MAY_HAVE_JOBS : 'it may have done what was asked, see orrery queue --all';
}

function queryText(query: object): string {
  const search = new URLSearchParams();
  for (const [key, value] of Object.entries(query)) if (value !== undefined) search.set(key, String(value));
  return search.size === 0 ? '' : `?${search.toString()}`;
}

async function asError(response: Response): Promise<OrreryError> {
  const body: unknown = await response.json().catch(() => undefined);
  return (
    errorFrom(body) ?? new OrreryError('ORR_INTERNAL', `the daemon answered ${response.status} ${response.statusText}`)
  );
}

function streamError(message: ServerSentEvent): OrreryError {
  return errorFrom(JSON.parse(message.data)) ?? new OrreryError('ORR_INTERNAL', message.data);
}

function errorFrom(body: unknown): OrreryError | undefined {
  const parsed = errorBodySchema.safeParse(body);
  if (!parsed.success) return undefined;
  const { code, message } = parsed.data.error;
  return new OrreryError(isErrorCode(code) ? code : 'ORR_INTERNAL', message);
}
