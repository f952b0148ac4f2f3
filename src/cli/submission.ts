import type { CodeSource, SubmitResponse } from '../contract/api.ts';
import type { OrreryClient } from '../contract/client.ts';
import type { JobSpecInput } from '../contract/job.ts';
import { submittedEnvironment } from './environment.ts';
import { note } from './output.ts';

/** One request for all jobs, with the environment and code they share. Resolves once the daemon has them on disk. */
export async function submitJobs(
  client: OrreryClient,
  jobs: JobSpecInput[],
  code: CodeSource,
): Promise<SubmitResponse> {
  const { environment, withheld } = submittedEnvironment(process.env);
  const response = await client.submit({ jobs, environment, code });
  const named = new Set(jobs.flatMap((job) => [...Object.keys(job.env ?? {}), ...(job.secrets ?? [])]));
  const missing = withheld.filter((name) => !named.has(name));
  if (missing.length > 0) {
    note(
      `note: left out of the environment, being named like secrets: ${missing.join(', ')}. ` +
        'A job that needs one: orrery secret set NAME, then orrery run --secret NAME',
    );
  }
  return response;
}
