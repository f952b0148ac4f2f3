import { describe, expect, it } from 'vitest';
import type { AcceptedJob } from '../../../contract/journal.ts';
import { jobSpecSchema } from '../../../contract/job.ts';
import { MirrorState } from '../mirror/mirror-state.ts';
import type { MirrorJob } from '../mirror/mirror-job.ts';
import { job, onNodes, running, short, slurm } from '../mirror/mirror.test-support.ts';
import { SlurmFailure } from '../slurm-failure.ts';
import { JobRequests } from './job-requests.ts';

/**
 * A mirror of job 7 that is asked something: what was journalled, and what Slurm was told, in order. Slurm takes it, or fails with `refusal`; `shown` is
 * what it has under the job's number, name and folder.
 */
async function ask(
  mirrored: MirrorJob | null,
  request: (requests: JobRequests) => Promise<void>,
  {
    refusal = null,
    refusedVerb = null,
    once = false,
    shown = 'any|/nowhere/7\n',
    isAway = false,
    scancelled = Promise.resolve(),
    done = [],
  }: {
    refusal?: string | null;
    refusedVerb?: string | null;
    once?: boolean;
    shown?: string;
    isAway?: boolean;
    scancelled?: Promise<void>;
    done?: string[];
  } = {},
): Promise<string[]> {
  const state = new MirrorState({ append: async (records) => void done.push(...short(records)) });
  if (mirrored !== null) state.jobs.set(7, mirrored);
  const spec = jobSpecSchema.parse({ command: ['true'], once });
  const accepted: AcceptedJob = { spec, environment: {}, code: null };
  const requests = new JobRequests({
    commands: {
      run: async (program, args) => {
        if (refusal !== null) throw new Error(refusal);
        if (program === 'squeue') return shown;
        if (args[0] === refusedVerb)
          throw new SlurmFailure('permission', 'slurm_suspend error: Access/permission denied');
        done.push([program, ...args].join(' '));
        return '';
      },
    },
    homeId: 'home',
    state,
    jobs: { read: () => (mirrored === null ? undefined : { accepted, request: mirrored.request, attempts: 1 }) },
    folders: { job: (jobId) => `/nowhere/${jobId}`, snapshot: (digest) => `/nowhere/${digest}` },
    submitter: { pump: () => done.push('pump'), answered: () => Promise.resolve() },
    commit: (records) => state.commit(records),
    cancelAtSlurm: (jobs) => {
      done.push(...jobs.map(({ slurmJobId }) => `scancel ${slurmJobId}`));
      return scancelled;
    },
    takeBack: async (_, { slurmJobId }) => void done.push(`take back ${slurmJobId}`),
    isAway: () => isAway,
    lookSoon: () => undefined,
    now: () => 1000,
    log: { info: () => undefined, error: () => undefined },
  });
  await request(requests);
  return done;
}

const suspended = () => running({ slurm: onNodes({ state: 'SUSPENDED' }) });
const unsubmitted = (fields: Partial<MirrorJob> = {}) => job({ phase: 'none', ...fields });

describe('a request that the state of the job does not allow', () => {
  it.each<[string, MirrorJob | null, (requests: JobRequests) => Promise<void>, string]>([
    ['to signal what waits', job(), (to) => to.signal(7, 'SIGUSR1'), 'job 7 is not running: nothing to signal'],
    ['to signal what stands still', suspended(), (to) => to.signal(7, 'SIGUSR1'), 'job 7 is suspended'],
    ['to requeue what waits', job(), (to) => to.requeue(7), 'job 7 is pending already'],
    ['to requeue what stands still', suspended(), (to) => to.requeue(7), 'job 7 is suspended'],
    ['to requeue what never was', null, (to) => to.requeue(7), 'no job 7'],
    ['to hold what runs', running(), (to) => to.hold(7), 'job 7 is RUNNING: only pending jobs can be held'],
    ['to release what has ended', null, (to) => to.release(7), 'job 7 has ended: only pending jobs can be released'],
    ['to hold what has no number yet', job({ phase: 'unknown' }), (to) => to.hold(7), 'job 7 is on its way to Slurm'],
  ])('%s is refused', async (_, mirrored, request, message) => {
    await expect(ask(mirrored, request)).rejects.toThrow(message);
  });
});

describe('a request that Slurm is told of', () => {
  it.each<[string, MirrorJob, (requests: JobRequests) => Promise<void>, string[]]>([
    ['cancel', job({ slurm: slurm() }), (to) => to.cancel(7), ['JobCancelRequested', 'scancel 50']],
    // The next look sees to all tasks that wait together.
    [
      'cancel of a task without a number',
      job({ slurm: slurm({ slurmJobId: null }) }),
      (to) => to.cancel(7),
      ['JobCancelRequested'],
    ],
    ['requeue', running(), (to) => to.requeue(7), ['JobRequeueRequested', 'scontrol requeue 50']],
    ['the end of a hung attempt', running(), (to) => to.endHung(7, 1), ['AttemptHung 1', 'scontrol requeue 50']],
    [
      'the end of one of which a daemon before had journalled it',
      running({ isHung: true }),
      (to) => to.endHung(7, 1),
      ['scontrol requeue 50'],
    ],
    [
      'the end of one that may not run again',
      running({ requeues: 1 }),
      (to) => to.endHung(7, 1),
      ['AttemptHung 1', 'scancel 50'],
    ],
    ['the end of an attempt that is over', running(), (to) => to.endHung(7, 2), []],
    ['hold', job(), (to) => to.hold(7), ['scontrol uhold 50', 'JobHeld']],
    ['release', job({ isHeld: true }), (to) => to.release(7), ['scontrol release 50', 'JobReleased']],
    ['release of what Slurm alone holds', job(), (to) => to.release(7), ['scontrol release 50']],
    ['signal', running(), (to) => to.signal(7, 'SIGUSR1'), ['scancel --signal=USR1 50']],
  ])('%s', async (_, mirrored, request, done) => {
    expect(await ask(mirrored, request)).toEqual(done);
  });

  it('cancel is answered once it is journalled, however long scancel takes, which is not called while Slurm is away', async () => {
    const scancelled = new Promise<void>(() => undefined);
    const mirrored = () => job({ slurm: slurm() });
    expect(await ask(mirrored(), (to) => to.cancel(7), { scancelled })).toEqual(['JobCancelRequested', 'scancel 50']);
    expect(await ask(mirrored(), (to) => to.cancel(7), { isAway: true })).toEqual(['JobCancelRequested']);
  });

  it('signal of a script that runs once goes to the script, and SIGTERM to all', async () => {
    const usr1 = await ask(running(), (to) => to.signal(7, 'SIGUSR1'), { once: true });
    const term = await ask(running(), (to) => to.signal(7, 'SIGTERM'), { once: true });
    expect([usr1, term]).toEqual([['scancel --batch --signal=USR1 50'], ['scancel --full --signal=TERM 50']]);
  });
});

describe('a number that Slurm has given to another job by now', () => {
  const shown = "somebody else's|/home/else\n";
  it.each<[string, MirrorJob, (requests: JobRequests) => Promise<void>]>([
    ['requeue', running(), (to) => to.requeue(7)],
    ['signal', running(), (to) => to.signal(7, 'SIGUSR1')],
    ['the end of a hung attempt', running(), (to) => to.endHung(7, 1)],
    ['hold', job(), (to) => to.hold(7)],
    ['release', job({ isHeld: true }), (to) => to.release(7)],
  ])('gets no %s', async (_, mirrored, request) => {
    await expect(ask(mirrored, request, { shown })).rejects.toThrow('Slurm has another job under the number 50 now');
    await expect(ask(mirrored, request, { shown: '' })).rejects.toThrow('Slurm knows no job under the number 50 now');
  });
});

describe('a job that Slurm does not have', () => {
  it('hold and release are noted as later than what Slurm was asked before', async () => {
    const [free, held] = [job(), job({ isHeld: true })];
    await ask(free, (to) => to.hold(7));
    await ask(held, (to) => to.release(7));
    expect([free.holdToldMs, held.holdToldMs]).toEqual([1000, 1000]);
  });

  it('ends when it is cancelled, once', async () => {
    const done = await ask(unsubmitted({ isCancelRequested: false }), async (to) => {
      await to.cancel(7);
      await to.cancel(7);
    });
    expect(done).toEqual(['JobCancelRequested', 'JobEnded CANCELLED 1']);
  });

  it('is held without a word to Slurm', async () => {
    expect(await ask(unsubmitted(), (to) => to.hold(7))).toEqual(['JobHeld']);
  });

  it('is submitted at once when it is released after sbatch refused it', async () => {
    const refused = unsubmitted({ isHeld: true, notBeforeMs: 9999 });
    refused.record = { ...refused.record, refusal: 'sbatch: no', launchFailures: 6 };
    expect(await ask(refused, (to) => to.release(7))).toEqual(['JobReleased', 'pump']);
    expect(refused).toMatchObject({ notBeforeMs: 0, record: { refusal: null, launchFailures: 0 } });
  });
});

it('where Slurm does not take it, the attempt is no longer thought to end for it, also after a restart', async () => {
  const requeued = running();
  const hung = running();
  const done: string[] = [];
  const refusal = 'no answer';
  await expect(ask(requeued, (to) => to.requeue(7), { refusal, done })).rejects.toThrow(refusal);
  await expect(ask(hung, (to) => to.endHung(7, 1), { refusal, done })).rejects.toThrow(refusal);
  expect([requeued.isRequeueRequested, hung.isHung]).toEqual([false, false]);
  expect(done).toEqual(['JobRequeueRequested', 'RequeueRefused', 'AttemptHung 1', 'RequeueRefused']);
});

it('what an operator holds is not released, and that is said', async () => {
  const held = (reason: string) =>
    job({ isHeld: true, phase: 'submitted', record: { ...job().record, slurmJobId: 50 }, slurm: slurm({ reason }) });
  const release = (reason: string) =>
    ask(held(reason), (to) => to.release(7), { refusedVerb: 'release', shown: 'any|/nowhere/7\n' });
  await expect(release('JobHeldAdmin')).rejects.toMatchObject({
    code: 'ORR_REFUSED',
    message: 'an operator holds job 7: only an operator can release it',
  });
  await expect(release('JobHeldUser')).rejects.toThrow('slurm_suspend error');
});

it('begins a job that has ended anew with the next submission from the moment on that this is committed', async () => {
  const state = new MirrorState({ append: () => Promise.resolve() });
  const { request } = job();
  const accepted: AcceptedJob = { spec: jobSpecSchema.parse({ command: ['true'] }), environment: {}, code: null };
  const seen: unknown[] = [];
  const requests = new JobRequests({
    commands: { run: () => Promise.reject(new Error('nobody is asked')) },
    homeId: 'home',
    state,
    jobs: { read: () => ({ accepted, request, attempts: 3 }) },
    folders: { job: (jobId) => `/nowhere/${jobId}`, snapshot: (digest) => `/nowhere/${digest}` },
    submitter: { pump: () => undefined, answered: () => Promise.resolve() },
    commit: async (records) => {
      await state.commit(records);
      seen.push(state.jobs.get(7)?.record);
    },
    cancelAtSlurm: () => Promise.resolve(),
    takeBack: () => Promise.resolve(),
    isAway: () => false,
    lookSoon: () => undefined,
    now: () => 9,
    log: { info: () => undefined, error: () => undefined },
  });
  await requests.requeue(7);
  expect(seen).toMatchObject([{ submission: 1, base: 3 }]);
});
