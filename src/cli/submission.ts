import type { API_PREFIX, CodeSource, SubmitRequest, SubmitResponse } from '../contract/api.ts';
import { isErrorCode, OrreryError } from '../contract/errors.ts';
import type { JobSpecInput } from '../contract/job.ts';
import { MAY_HAVE_JOBS, unreachable } from '../contract/unreachable.ts';
import { submittedEnvironment } from './environment.ts';
import { localFetch } from './local-fetch.ts';
import { note } from './output.ts';

const PATH: `${typeof API_PREFIX}/jobs` = '/api/v1/jobs';

/** One request for all jobs, with the environment and code they share. Resolves once the daemon has them on disk. */
export async function submitJobs(
  daemon: { url: string; token: string },
  jobs: JobSpecInput[],
  code: CodeSource,
): Promise<SubmitResponse> {
  const { environment, withheld } = submittedEnvironment(process.env);
  const response = await post(daemon, { jobs, environment, code });
  const named = new Set(jobs.flatMap((job) => [...Object.keys(job.env ?? {}), ...(job.secrets ?? [])]));
  const missing = withheld.filter((name) => !named.has(name));
  if (missing.length > 0) {
    note(
      `note: left out of the environment, looking like secrets: ${missing.join(', ')}. ` +
        'A job that needs one: orrery secret set NAME, then orrery run --secret NAME',
    );
  }
  return response;
}

/**
 * What the typed client's `submit` does, without the schemas that come with it: loading them would take 40 of the 150 ms that `orrery run`
 * has. The daemon checks the request with the same schemas.
 */
async function post({ url, token }: { url: string; token: string }, request: SubmitRequest): Promise<SubmitResponse> {
  let answer: Awaited<ReturnType<typeof localFetch>>;
  try {
    answer = await localFetch(url + PATH, {
      method: 'POST',
      headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
      body: JSON.stringify(request),
    });
  } catch (cause) {
    throw unreachable(url, cause, MAY_HAVE_JOBS);
  }
  const body: unknown = await answer.json().catch((cause: unknown) => {
    throw unreachable(url, cause, MAY_HAVE_JOBS);
  });
  if (answer.ok && isAcknowledgement(body)) return body;
  const { errorBodySchema } = await import('../contract/api.ts');
  const refusal = errorBodySchema.safeParse(body);
  if (!refusal.success) throw new OrreryError('ORR_INTERNAL', `the daemon at ${url} answered ${answer.status}`);
  const { code, message } = refusal.data.error;
  throw new OrreryError(isErrorCode(code) ? code : 'ORR_INTERNAL', message);
}

function isAcknowledgement(body: unknown): body is SubmitResponse {
  return typeof body === 'object' && body !== null && 'jobs' in body && Array.isArray(body.jobs);
}
