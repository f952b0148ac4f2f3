import { createRoute, type OpenAPIHono, type RouteConfig } from '@hono/zod-openapi';
import type { Context } from 'hono';
import { routePath } from 'hono/route';
import type { ContentfulStatusCode } from 'hono/utils/http-status';
import { z } from 'zod';
import { errorBodySchema } from '../contract/api.ts';
import { ERROR_CODES, type ErrorCode } from '../contract/errors.ts';
import { pathText, schemaIssues } from '../formats/schema-issue.ts';

/** A JSON body of a request. */
export function jsonBody<S extends z.ZodType>(schema: S) {
  return { required: true, content: { 'application/json': { schema } } };
}

/** The answers of a route that gives JSON; errors are always `{error: {code, message}}`. */
export function jsonAnswer<S extends z.ZodType>(schema: S, description: string) {
  return { 200: { description, content: { 'application/json': { schema } } }, default: errorAnswer };
}

export const errorAnswer = {
  description: 'An error, in one line.',
  content: { 'application/json': { schema: errorBodySchema } },
};

export const eventStreamAnswer = (description: string) => ({
  200: { description, content: { 'text/event-stream': { schema: z.string() } } },
  default: errorAnswer,
});

export { createRoute };

/**
 * Answers a request that does not fit its route with one line that names the field, what was expected and what was there. A hook for
 * all routes of `app`: it finds the schema by the route's path.
 */
export function explainMisfits(app: OpenAPIHono): void {
  app.defaultHook = (result, c) => {
    if (result.success) return undefined;
    const schema = schemaOf(routeOf(app, c), result.target);
    const issues = schema instanceof z.ZodType ? schemaIssues(schema, 'data' in result ? result.data : undefined) : [];
    const [first = { path: [], text: result.error.issues[0]?.message ?? 'not understood' }, ...others] = issues;
    const where = pathText(first.path);
    const more = others.length === 0 ? '' : ` (and ${others.length} more)`;
    // What is wrong with a job is ORR_BAD_JOB; everything else about the request is its usage.
    const code = where.startsWith('jobs') ? 'ORR_BAD_JOB' : 'ORR_USAGE';
    return errorResponse(c, code, `${where === '' ? '' : `${where}: `}${first.text}${more}`);
  };
}

function routeOf(app: OpenAPIHono, c: Context): RouteConfig | undefined {
  const path = routePath(c).replaceAll(/:(\w+)/g, '{$1}');
  for (const definition of app.openAPIRegistry.definitions) {
    if (definition.type !== 'route' || definition.route.method !== c.req.method.toLowerCase()) continue;
    if (path.endsWith(definition.route.path)) return definition.route;
  }
  return undefined;
}

function schemaOf(route: RouteConfig | undefined, target: string): unknown {
  if (target === 'param') return route?.request?.params;
  if (target === 'query') return route?.request?.query;
  const content = route?.request?.body?.content['application/json'];
  return content !== undefined && 'schema' in content ? content.schema : undefined;
}

export function errorResponse(c: Context, code: ErrorCode, message: string): Response {
  const status: ContentfulStatusCode = code === 'ORR_INTERRUPTED' ? 500 : ERROR_CODES[code].http;
  return c.json({ error: { code, message } }, status);
}
