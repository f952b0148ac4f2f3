import { errorCode } from '../lib/error-code.ts';
import { OrreryError } from './errors.ts';

/**
 * What a request that got no answer means. Only a refused connection says that no daemon listens; where the connection broke later the
 * daemon may have carried out what was asked, and `consequence` says what then to look at.
 */
export function unreachable(url: string, cause: unknown, consequence = ''): OrreryError {
  // The web's fetch wraps what the system said.
  const code = errorCode(cause) || errorCode(cause instanceof Error ? cause.cause : undefined);
  const message =
    code === 'ECONNREFUSED'
      ? `no daemon at ${url}: start one with orrery up --detach`
      : `the daemon at ${url} went away before it ${consequence === '' ? 'answered' : `acknowledged: ${consequence}`}`;
  return new OrreryError('ORR_UNREACHABLE', message, { cause });
}

/** Consequence of a submission without an acknowledgement. */
export const MAY_HAVE_JOBS = 'it may have the jobs, see orrery queue --all before you submit again';
