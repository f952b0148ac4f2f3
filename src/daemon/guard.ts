import type { Context, MiddlewareHandler } from 'hono';
import { OrreryError } from '../contract/errors.ts';
import type { DaemonContext } from './context.ts';
import { isToken } from './token.ts';

/**
 * Lets a request in that is meant for this daemon (`Host`), comes from its own pages or from no page (`Origin`), and carries the
 * token. The first two keep out web pages that reach loopback through a victim's browser (DNS rebinding, cross-site requests).
 */
export function guard(daemon: DaemonContext): MiddlewareHandler {
  return async (c, next) => {
    checkHost(c, daemon.hosts());
    const [scheme, given] = (c.req.header('authorization') ?? '').split(' ');
    if (scheme?.toLowerCase() !== 'bearer' || given === undefined || !isToken(given, daemon.token)) {
      throw new OrreryError(
        'ORR_REFUSED',
        'the token is missing or wrong: send Authorization: Bearer TOKEN; the token is in the home of the daemon',
      );
    }
    await next();
  };
}

function checkHost(c: Context, hosts: ReadonlySet<string>): void {
  const host = c.req.header('host')?.toLowerCase();
  if (host === undefined || !hosts.has(host)) {
    throw new OrreryError('ORR_REFUSED', `the Host header names another server: ${JSON.stringify(host ?? '')}`);
  }
  const origin = c.req.header('origin');
  if (origin !== undefined && ![...hosts].some((known) => origin.toLowerCase() === `http://${known}`)) {
    throw new OrreryError('ORR_REFUSED', `requests from pages of ${JSON.stringify(origin)} are refused`);
  }
}

/** `Host` headers of a daemon that listens on `host`:`port`. */
export function hostsOf(host: string, port: number): Set<string> {
  const bracketed = host.includes(':') ? `[${host}]` : host;
  return new Set(['127.0.0.1', 'localhost', '[::1]', bracketed].map((name) => `${name.toLowerCase()}:${port}`));
}
