import { OpenAPIHono } from '@hono/zod-openapi';
import { bodyLimit } from 'hono/body-limit';
import { HTTPException } from 'hono/http-exception';
import { secureHeaders } from 'hono/secure-headers';
import { API_PREFIX } from '../contract/api.ts';
import { OrreryError } from '../contract/errors.ts';
import { registerClusterRoutes, registerMetricsRoute } from './cluster-routes.ts';
import type { DaemonContext } from './context.ts';
import { guard } from './guard.ts';
import { registerJobRoutes } from './job-routes.ts';
import { registerReservationRoutes } from './reservation-routes.ts';
import { errorResponse, explainMisfits } from './route.ts';

const BODY_BYTES_MAX = 64 * 1024 ** 2;

/** The HTTP side of the daemon. */
export function createApp(daemon: DaemonContext): OpenAPIHono {
  const app = new OpenAPIHono();
  app.onError((error, c) => {
    if (error instanceof OrreryError) return errorResponse(c, error.code, error.message);
    if (error instanceof HTTPException)
      return errorResponse(c, 'ORR_USAGE', error.message || `request refused (${error.status})`);
    daemon.log.error({ err: error, path: c.req.path }, 'a request failed');
    return errorResponse(c, 'ORR_INTERNAL', 'the daemon failed at this request: see its log');
  });
  app.notFound((c) =>
    errorResponse(c, 'ORR_NOT_FOUND', `no ${c.req.method} ${c.req.path}: see ${API_PREFIX}/openapi.json`),
  );
  app.use(
    secureHeaders({
      crossOriginResourcePolicy: 'same-origin',
      xFrameOptions: 'DENY',
      referrerPolicy: 'no-referrer',
      strictTransportSecurity: false,
    }),
  );
  app.use(guard(daemon));
  app.use(
    bodyLimit({
      maxSize: BODY_BYTES_MAX,
      onError: (c) => errorResponse(c, 'ORR_USAGE', `the request is larger than ${BODY_BYTES_MAX / 1024 ** 2} MiB`),
    }),
  );
  const api = new OpenAPIHono();
  explainMisfits(api);
  registerJobRoutes(api, daemon);
  registerClusterRoutes(api, daemon);
  registerReservationRoutes(api, daemon);
  app.route(API_PREFIX, api);
  registerMetricsRoute(app, daemon);
  app.openAPIRegistry.registerComponent('securitySchemes', 'token', { type: 'http', scheme: 'bearer' });
  app.get(`${API_PREFIX}/openapi.json`, (c) =>
    c.json(
      app.getOpenAPI31Document({
        openapi: '3.1.0',
        info: { title: 'Orrery', version: daemon.version, license: { name: 'Apache-2.0' } },
        security: [{ token: [] }],
      }),
    ),
  );
  return app;
}
