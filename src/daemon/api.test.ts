import { readFileSync } from 'node:fs';
import { request as httpRequest } from 'node:http';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { API_PREFIX, errorBodySchema, jobListSchema } from '../contract/api.ts';
import { createClient } from '../contract/client.ts';
import { DaemonFixture } from './daemon.test-support.ts';

const fixture = new DaemonFixture();
beforeAll(() => fixture.start());
afterAll(() => fixture.remove());

async function errorOf(response: Response): Promise<{ status: number; code: string; message: string }> {
  return { status: response.status, ...errorBodySchema.parse(await response.json()).error };
}

function post(path: string, body: unknown): Promise<Response> {
  const text = typeof body === 'string' ? body : JSON.stringify(body);
  return fixture.fetch(`${API_PREFIX}${path}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: text,
  });
}

/** `fetch` sets Host itself. */
function statusWithHost(host: string): Promise<number | undefined> {
  return new Promise((resolve, reject) => {
    const headers = { host, authorization: `Bearer ${fixture.daemon.token}` };
    httpRequest(`${fixture.daemon.url}${API_PREFIX}/health`, { headers }, (response) => {
      response.resume();
      resolve(response.statusCode);
    })
      .on('error', reject)
      .end();
  });
}

describe('access', () => {
  it('needs the token, on every path', async () => {
    for (const path of [`${API_PREFIX}/health`, `${API_PREFIX}/jobs`, '/metrics', '/', `${API_PREFIX}/openapi.json`]) {
      for (const authorization of ['', 'Bearer', `Bearer ${'x'.repeat(43)}`, `Basic ${fixture.daemon.token}`]) {
        expect(await errorOf(await fixture.fetch(path, { headers: { authorization } }))).toMatchObject({
          status: 403,
          code: 'ORR_REFUSED',
        });
      }
    }
    const stranger = createClient({ url: fixture.daemon.url, token: 'wrong' });
    await expect(stranger.jobs()).rejects.toMatchObject({ code: 'ORR_REFUSED', exitCode: 4 });
  });

  it('is refused under a foreign Host and from foreign pages', async () => {
    const { port } = new URL(fixture.daemon.url);
    expect(await statusWithHost(`127.0.0.1:${port}`)).toBe(200);
    expect(await statusWithHost(`localhost:${port}`)).toBe(200);
    expect(await statusWithHost(`[::1]:${port}`)).toBe(200);
    expect(await statusWithHost(`rebound.example:${port}`)).toBe(403);
    expect(await statusWithHost(`127.0.0.1:${Number(port) + 1}`)).toBe(403);
    const from = (origin: string) => fixture.fetch(`${API_PREFIX}/health`, { headers: { origin } });
    expect((await from(`http://localhost:${port}`)).status).toBe(200);
    expect((await from('http://evil.example')).status).toBe(403);
    expect((await from('null')).status).toBe(403);
  });

  it('carries security headers', async () => {
    const { headers } = await fixture.fetch(`${API_PREFIX}/health`);
    expect(headers.get('x-content-type-options')).toBe('nosniff');
    expect(headers.get('x-frame-options')).toBe('DENY');
  });
});

describe('a bad request', () => {
  const job = { command: ['true'] };
  it.each([
    [
      { jobs: [{ ...job, time: '-5m' }] },
      'ORR_BAD_JOB',
      'jobs[0].time: expected a time > 0 such as "30m", "2h", "1-12:00:00" or "UNLIMITED", got "-5m"',
    ],
    [{ jobs: [job, { ...job, nodes: 'eight' }] }, 'ORR_BAD_JOB', 'jobs[1].nodes: expected an integer > 0, got "eight"'],
    [{ jobs: [{ ...job, memroy: '1G' }] }, 'ORR_BAD_JOB', 'jobs[0].memroy: unknown key; did you mean "memory"?'],
    [{ jobs: [{}] }, 'ORR_BAD_JOB', 'jobs[0]: expected exactly one of "command" and "script"'],
    [{ jobs: [{ command: ['true\0'] }] }, 'ORR_BAD_JOB', 'jobs[0].command[0]: expected text without NUL bytes'],
    [{ jobs: [job], environment: { A: 'x\0' } }, 'ORR_USAGE', 'environment.A: expected no NUL'],
    [{ jobs: [] }, 'ORR_BAD_JOB', 'jobs: expected a list with at least 1 in it, got []'],
    ['{"jobs": [', 'ORR_USAGE', 'Malformed JSON in request body'],
  ])('%j is answered in one line', async (body, code, message) => {
    expect(await errorOf(await post('/jobs', body))).toEqual({ status: 400, code, message });
  });

  it('names unknown jobs, nodes and paths', async () => {
    expect(await errorOf(await fixture.fetch(`${API_PREFIX}/jobs/12`))).toEqual({
      status: 404,
      code: 'ORR_NOT_FOUND',
      message: 'no job 12',
    });
    for (const path of ['why', 'logs', 'metrics']) {
      expect((await fixture.fetch(`${API_PREFIX}/jobs/12/${path}`)).status).toBe(404);
    }
    for (const action of ['cancel', 'requeue', 'hold', 'release'])
      expect((await post(`/jobs/12/${action}`, {})).status).toBe(404);
    expect(await errorOf(await post('/nodes/n7/drain', {}))).toMatchObject({
      status: 404,
      message: 'no node "n7": the nodes are n1, n2',
    });
    expect(await errorOf(await fixture.fetch(`${API_PREFIX}/nothing`))).toMatchObject({
      status: 404,
      code: 'ORR_NOT_FOUND',
    });
  });

  it('names a bad id, query or body', async () => {
    const at = async (path: string) => (await errorOf(await fixture.fetch(`${API_PREFIX}${path}`))).message;
    expect(await at('/jobs/abc')).toBe('id: expected a job such as 12, or 12_3, got "abc"');
    expect(await at('/jobs?limit=-1')).toBe('limit: expected a whole number, got "-1"');
    expect(await at('/jobs?stat=PENDING')).toBe('stat: unknown key; did you mean "state"?');
    expect(await at('/accounting?by=qos')).toBe('by: expected one of "account", "user", "job", got "qos"');
    expect((await errorOf(await post('/nodes/n1/drain', { reason: '' }))).message).toMatch(/^reason: expected a text/);
  });
});

const documentSchema = z.looseObject({
  openapi: z.literal('3.1.0'),
  info: z.object({ title: z.literal('Orrery'), version: z.string() }),
  security: z.tuple([z.object({ token: z.array(z.string()) })]),
  components: z.object({
    securitySchemes: z.object({ token: z.object({ type: z.literal('http'), scheme: z.literal('bearer') }) }),
  }),
  paths: z.record(
    z.string(),
    z.record(
      z.string(),
      z.object({
        parameters: z.array(z.object({ name: z.string(), in: z.string() })).optional(),
        responses: z.record(z.string(), z.object({ description: z.string().min(1) })),
      }),
    ),
  ),
});

describe('the OpenAPI document', () => {
  it('describes every route of the client in version 3.1, with all path parameters', async () => {
    const document = documentSchema.parse(await (await fixture.fetch(`${API_PREFIX}/openapi.json`)).json());
    const operations = Object.entries(document.paths).flatMap(([path, methods]) =>
      Object.entries(methods).map(([method, operation]) => ({ path, method, operation })),
    );
    expect(operations.map(({ path, method }) => `${method} ${path.replace(API_PREFIX, '')}`).sort()).toEqual([
      'get /accounting',
      'get /events',
      'get /health',
      'get /jobs',
      'get /jobs/{id}',
      'get /jobs/{id}/forecast',
      'get /jobs/{id}/logs',
      'get /jobs/{id}/metrics',
      'get /jobs/{id}/pace',
      'get /jobs/{id}/why',
      'get /lemons',
      'get /metrics',
      'get /nodes',
      'get /nodes/{name}',
      'get /priorities',
      'get /reservations',
      'get /shares',
      'post /jobs',
      'post /jobs/{id}/cancel',
      'post /jobs/{id}/hold',
      'post /jobs/{id}/release',
      'post /jobs/{id}/requeue',
      'post /jobs/{id}/signal',
      'post /nodes/{name}/drain',
      'post /nodes/{name}/fail',
      'post /nodes/{name}/resume',
      'post /nodes/{name}/ticket',
      'post /reservations',
      'post /reservations/{name}/delete',
      'post /shutdown',
    ]);
    const reference = readFileSync(join(import.meta.dirname, '../../docs/reference/api.md'), 'utf8');
    for (const { path, method, operation } of operations) {
      expect(reference).toContain(`| \`${method.toUpperCase()} ${path.replace(API_PREFIX, '')}\` |`);
      const declared = (operation.parameters ?? [])
        .filter((parameter) => parameter.in === 'path')
        .map(({ name }) => name);
      expect(declared).toEqual([...path.matchAll(/\{(\w+)\}/g)].map((match) => match[1]));
      expect(Object.keys(operation.responses).length).toBeGreaterThan(0);
    }
    expect(JSON.stringify(document)).not.toContain('"$ref"');
  });
});

describe('health and metrics', () => {
  it('say what runs', async () => {
    const held = await fixture.sh('true', { hold: true });
    expect(await fixture.client.health()).toMatchObject({
      status: 'ok',
      pid: process.pid,
      home: fixture.home,
      nodes: 2,
      jobsPending: 1,
      jobsRunning: 0,
      remarks: [],
      outage: null,
    });
    const text = await (await fixture.fetch('/metrics')).text();
    for (const line of text.trim().split('\n')) expect(line).toMatch(/^(#.*|\w+(\{[^}]*\})? [-+0-9.e]+(Inf)?|)$/);
    expect(text).toContain('orrery_jobs{state="PENDING"} 1');
    expect(text).toContain('orrery_nodes{state="idle"} 2');
    expect(text).toContain('orrery_outage_seconds 0');
    expect(text).toMatch(/orrery_commit_seconds_count [1-9]/);
    await fixture.client.cancel(held);
  });
});

describe('a long queue', () => {
  it('is submitted in bulk and listed whole, filtered and limited', async () => {
    const count = 10_000;
    const jobs = Array.from({ length: count }, (_, index) => ({
      command: ['true'],
      name: `job-${index % 100}`,
      hold: true,
    }));
    const { jobs: accepted } = await fixture.client.submit({ jobs });
    expect(new Set(accepted.map(({ id }) => id)).size).toBe(count);
    const listed = await fixture.client.jobs();
    expect(listed.map(({ id, name }) => ({ id, name }))).toEqual(accepted);
    expect(new Set(listed.map(({ state, reason }) => `${state} ${reason}`))).toEqual(new Set(['PENDING JobHeldUser']));
    expect((await fixture.client.jobs({ name: 'job-7' })).length).toBe(100);
    expect((await fixture.client.jobs({ limit: 3 })).map(({ id }) => id)).toEqual(
      accepted.slice(-3).map(({ id }) => id),
    );
    expect(await fixture.client.jobs({ state: 'RUNNING' })).toEqual([]);
    // What is sent is what the schema describes, no more.
    const body: unknown = await (await fixture.fetch(`${API_PREFIX}/jobs?limit=1`)).json();
    expect(jobListSchema.parse(body)).toEqual(body);
  });
});
