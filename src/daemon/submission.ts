import { existsSync } from 'node:fs';
import type { z } from 'zod';
import { defaultJobName } from '../backend/local/attempt-plan.ts';
import type { SubmitResponse, submitRequestSchema } from '../contract/api.ts';
import { OrreryError } from '../contract/errors.ts';
import { parseDependencies } from '../contract/job.ts';
import type { AcceptedJob } from '../contract/journal.ts';
import type { DaemonContext } from './context.ts';

type Request = z.output<typeof submitRequestSchema>;

/**
 * Takes a request for jobs, whole or not at all: resolves once all of them are on disk. Throws ORR_BAD_JOB with one line for what can
 * never run, ORR_STORAGE where the disk refuses.
 */
export async function submitJobs(request: Request, context: DaemonContext): Promise<SubmitResponse> {
  const { store, backend, measurements } = context;
  const { environment, code = null } = request;
  if (code !== null && code.snapshot !== null && !existsSync(context.home.snapshot(code.snapshot))) {
    throw new OrreryError('ORR_BAD_JOB', `code snapshot ${code.snapshot} is not in ${context.home.snapshot('')}`);
  }
  const accepted = request.jobs.map((spec): AcceptedJob & { name: string } => {
    const name = spec.name ?? defaultJobName(spec);
    return { name, spec: { ...spec, name }, environment, code };
  });
  const nodeNames = new Set(backend.nodes().map((node) => node.spec.name));
  for (const [index, { spec, name }] of accepted.entries()) {
    try {
      checkDependencies(spec.after, context);
      const unknown = spec.exclude.find((node) => !nodeNames.has(node));
      if (unknown !== undefined) {
        throw new OrreryError('ORR_BAD_JOB', `exclude: no node ${JSON.stringify(unknown)}: see orrery nodes`);
      }
      backend.checkAdmission({ jobId: 0, accepted: { spec, environment, code } });
    } catch (error) {
      if (accepted.length === 1 || !(error instanceof OrreryError)) throw error;
      throw new OrreryError(error.code, `jobs[${index}] (${name}): ${error.message}`, { cause: error });
    }
  }
  const jobs = accepted.map(({ name, ...job }) => ({ jobId: store.nextJobId(), name, accepted: job }));
  await backend.submit(jobs);
  measurements.submissions.inc(jobs.length);
  return { jobs: jobs.map(({ jobId, name }) => ({ id: jobId, name })) };
}

function checkDependencies(after: string | undefined, { store }: DaemonContext): void {
  for (const { jobId } of parseDependencies(after)) {
    if (store.job(jobId) === undefined) throw new OrreryError('ORR_BAD_JOB', `after: no job ${jobId} to wait for`);
  }
}
