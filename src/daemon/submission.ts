import { existsSync } from 'node:fs';
import type { z } from 'zod';
import { defaultJobName } from '../backend/job-variables.ts';
import type { SubmittedJob } from '../backend/port.ts';
import type { SubmitResponse, submitRequestSchema } from '../contract/api.ts';
import { OrreryError } from '../contract/errors.ts';
import { dependencyOn, isAnyEnough, isSingleton, parseDependencies } from '../contract/dependency.ts';
import type { JobSpec } from '../contract/job.ts';
import { parseJobArray } from '../contract/job-array.ts';
import type { AcceptedJob } from '../contract/journal.ts';
import type { Dependency } from '../scheduler/types.ts';
import type { DaemonContext } from './context.ts';

type Request = z.output<typeof submitRequestSchema>;

/** Of one request, its arrays' tasks counted. */
const JOBS_MAX = 100_000;
const SINGLETON_TASKS_MAX = 1000;

/**
 * Takes a request for jobs, whole or not at all: resolves once all of them are on disk. Throws ORR_BAD_JOB with one line for what can
 * never run, ORR_STORAGE where the disk refuses.
 */
export async function submitJobs(request: Request, context: DaemonContext): Promise<SubmitResponse> {
  const { store, backend } = context;
  const { environment, code = null } = request;
  if (code !== null && code.snapshot !== null && !existsSync(context.home.snapshot(code.snapshot))) {
    throw new OrreryError('ORR_BAD_JOB', `code snapshot ${code.snapshot} is not in ${context.home.snapshot('')}`);
  }
  const nodeNames = new Set(backend.nodes().map((node) => node.spec.name));
  const jobs: SubmittedJob[] = [];
  /** By place in `jobs`: the place in the request. */
  const places: number[] = [];
  for (const [place, spec] of request.jobs.entries()) {
    const accepted = { spec: { ...spec, name: nameOf(spec) }, environment, code };
    try {
      const unknown = spec.exclude.find((node) => !nodeNames.has(node));
      if (unknown !== undefined) {
        throw new OrreryError('ORR_BAD_JOB', `exclude: no node ${JSON.stringify(unknown)}: see orrery nodes`);
      }
      for (const job of jobsOf(accepted, context)) {
        jobs.push(job);
        places.push(place);
      }
    } catch (error) {
      throw placed(error, request, place);
    }
    if (jobs.length > JOBS_MAX) {
      throw new OrreryError('ORR_BAD_JOB', `expected at most ${JOBS_MAX} jobs in one request, array tasks counted`);
    }
  }
  // Who keeps them may be somebody else, and may have made one a moment ago. Without an answer it is not looked at.
  const isReserved = request.jobs.some(({ reservation }) => reservation !== undefined);
  if (isReserved && backend.outage() === null) await backend.refreshReservations().catch(() => undefined);
  let refusal = backend.refusal(jobs);
  if ((refusal !== null || backend.cautions(jobs).length > 0) && backend.outage() === null) {
    // By rules that somebody else may have changed since.
    await backend.refreshRules().catch(() => undefined);
    refusal = backend.refusal(jobs);
  }
  // From here to the submission nothing else gets its turn: what is counted now still holds.
  if (refusal !== null) {
    throw placed(new OrreryError('ORR_BAD_JOB', refusal.message), request, places[refusal.index] ?? 0);
  }
  const numbered = withNamesakes(
    withIds(jobs, () => store.nextJobId()),
    context,
  );
  await backend.submit(numbered);
  const cautions = backend.cautions(numbered);
  return {
    ...(cautions.length > 0 && { cautions }),
    jobs: numbered.map(({ jobId, accepted: { spec }, submission: { array } }) => ({
      id: jobId,
      name: nameOf(spec),
      ...(array !== undefined && { arrayJobId: array.id, arrayTaskId: array.taskId }),
    })),
  };
}

/** One, or a task of the array each, without ids: those are for jobs that are accepted. */
function jobsOf(accepted: AcceptedJob, context: DaemonContext): SubmittedJob[] {
  const { spec } = accepted;
  const user = spec.user ?? context.user;
  const account = spec.account ?? context.policy.policy.users.find(({ name }) => name === user)?.account ?? 'default';
  const submission = { user, account };
  const array = spec.array === undefined ? null : parseJobArray(spec.array);
  if (array === null || typeof array === 'string') {
    return [{ jobId: 0, accepted, submission: { ...submission, dependencies: dependenciesOf(spec.after, context) } }];
  }
  const { taskIds, runningMax } = array;
  if (isSingleton(spec) && taskIds.length > SINGLETON_TASKS_MAX) {
    const count = `${SINGLETON_TASKS_MAX}, since each waits for all before it, got ${taskIds.length}`;
    throw new OrreryError('ORR_BAD_JOB', `after: expected an array with singleton of at most ${count}`);
  }
  const shared = dependenciesOf(spec.after, context);
  return taskIds.map((taskId) => ({
    jobId: 0,
    accepted,
    submission: {
      ...submission,
      dependencies: hasCorresponding(spec) ? dependenciesOf(spec.after, context, taskId) : shared,
      array: { id: 0, taskId, runningMax },
    },
  }));
}

function hasCorresponding({ after = '' }: JobSpec): boolean {
  return after.includes('aftercorr');
}

/** `singleton`: a job waits for those of its name and user that were submitted before it, also in the same request. */
function withNamesakes(jobs: readonly SubmittedJob[], { store }: DaemonContext): readonly SubmittedJob[] {
  if (!jobs.some(({ accepted }) => isSingleton(accepted.spec))) return jobs;
  const before = new Map<string, Dependency[]>();
  const of = (name: string, user: string | undefined): Dependency[] => {
    const key = JSON.stringify([name, user]);
    const known = before.get(key) ?? [];
    before.set(key, known);
    return known;
  };
  for (const { jobId, name, user } of store.liveJobs()) of(name, user).push({ condition: 'afterany', jobId });
  return jobs.map((job) => {
    const { jobId, accepted, submission } = job;
    const { spec } = accepted;
    const namesakes = of(nameOf(spec), submission.user);
    const dependencies = isSingleton(spec) ? withAll(namesakes, spec, submission.dependencies ?? []) : null;
    namesakes.push({ condition: 'afterany', jobId });
    return dependencies === null ? job : { ...job, submission: { ...submission, dependencies } };
  });
}

/** The namesakes among what a job waits for: where any one dependency is enough, all of them are one, and none of them is one that holds. */
function withAll(namesakes: readonly Dependency[], { after }: JobSpec, others: readonly Dependency[]): Dependency[] {
  if (!isAnyEnough(after)) return [...others, ...namesakes];
  if (namesakes.length === 0) return [];
  const set = parseDependencies(after).length;
  return [...others, ...namesakes.map((one) => ({ ...one, set }))];
}

/** The first task of an array gives it its id. */
function withIds(jobs: readonly SubmittedJob[], nextId: () => number): SubmittedJob[] {
  let arrayId = 0;
  let arrayOf: AcceptedJob | null = null;
  return jobs.map(({ accepted, submission }) => {
    const jobId = nextId();
    const { array } = submission;
    if (array === undefined) return { jobId, accepted, submission };
    if (accepted !== arrayOf) [arrayOf, arrayId] = [accepted, jobId];
    return { jobId, accepted, submission: { ...submission, array: { ...array, id: arrayId } } };
  });
}

function nameOf(spec: JobSpec): string {
  return spec.name ?? defaultJobName(spec);
}

/** Of one of several jobs it says which. */
function placed(error: unknown, { jobs }: Request, place: number): unknown {
  const spec = jobs[place];
  if (jobs.length === 1 || spec === undefined || !(error instanceof OrreryError)) return error;
  return new OrreryError(error.code, `jobs[${place}] (${nameOf(spec)}): ${error.message}`, { cause: error });
}

/** The id of an array means all of its tasks; with `aftercorr` a task of an array means the one of its own number. */
function dependenciesOf(after: string | undefined, { store }: DaemonContext, ownTaskId?: number): Dependency[] {
  return parseDependencies(after).flatMap((written, place) => {
    const { condition, jobId, taskId, delayMs } = written;
    const tasks = store.arrayJobIds(jobId);
    const wanted = condition === 'aftercorr' && tasks.length > 0 ? (taskId ?? ownTaskId ?? null) : taskId;
    const found = wanted === null ? tasks : [store.taskJobId(jobId, wanted)];
    const jobIds = wanted === null && found.length === 0 ? [jobId] : found;
    // Where all have to hold, each by itself is as good as the array.
    const isSet = jobIds.length > 1 && (isAnyEnough(after) || condition === 'afternotok');
    return jobIds.map((id) => {
      const row = id === undefined ? undefined : store.job(id);
      if (id === undefined || row === undefined) {
        const name = wanted === null ? String(jobId) : `${jobId}_${wanted}`;
        throw new OrreryError('ORR_BAD_JOB', `after: no job ${name} to wait for`);
      }
      const dependency = dependencyOn(id, written);
      const startMs = row.isEnded && delayMs > 0 ? (row.startMs ?? row.endMs) : null;
      if (startMs !== null) dependency.startMs = startMs;
      if (isSet) dependency.set = place;
      return dependency;
    });
  });
}
