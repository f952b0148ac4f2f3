import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { FactFinder } from './fact-finder.ts';
import { PATIENCE_MS } from './finding.ts';
import { type MirrorJob, NO_SUBMISSION } from './mirror-job.ts';
import { MirrorState } from './mirror-state.ts';
import { job, NOW } from './mirror.test-support.ts';

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

/** `answer` has the call of sacct under way come to its end. */
function finder() {
  const calls: { answer: (text: string) => void }[] = [];
  const run = () => new Promise<string>((answer) => calls.push({ answer }));
  const facts = new FactFinder({
    commands: { run },
    state: new MirrorState({ append: () => Promise.resolve() }),
    folders: { job: (id: number) => `/nowhere/jobs/${id}` },
    homeId: '0a1b2c3d',
    isPreempting: false,
    hasAccounting: true,
    now: () => NOW,
    log: { info: () => undefined, error: () => undefined },
  });
  return { facts, calls };
}
const LINE = '50|50|COMPLETED|0:0|900|900|990|n1|train.orrery-0a1b2c3d-12-1\n';

it('what sacct says late is for a later look: none waits for a database that hangs', async () => {
  const { facts, calls } = finder();
  const jobs = [job()];
  const first = facts.runs(jobs);
  await vi.advanceTimersByTimeAsync(10_000);
  expect(await first).toMatchObject({ runs: null });
  // As where accounting does not answer: what it alone knows is waited for.
  const known = await first;
  expect(await facts.of(job(), null, known)).toMatchObject({ runs: null, isAccountingAway: true });
  expect(await facts.runs(jobs)).toMatchObject({ runs: null });
  expect(calls).toHaveLength(1);

  calls[0]?.answer(LINE);
  await vi.advanceTimersByTimeAsync(0);
  const late = await facts.runs(jobs);
  expect(late.runs).toHaveLength(1);
  expect(late.jobIds).toEqual(new Set(jobs.map(({ request }) => request.jobId)));
  // A database that is slow and answers is not one that is away.
  expect(await facts.of(job(), null, late)).toMatchObject({ isAccountingAway: false });

  const next = facts.runs(jobs);
  expect(calls).toHaveLength(2);
  calls[1]?.answer(LINE);
  expect((await next).runs).toHaveLength(1);
});

it('what is concluded without an answer waits for it, though that has come meanwhile', async () => {
  const { facts, calls } = finder();
  const look = facts.runs([job()]);
  await vi.advanceTimersByTimeAsync(10_000);
  const none = await look;
  calls[0]?.answer(LINE);
  await vi.advanceTimersByTimeAsync(0);
  expect(await facts.of(job(), null, none)).toMatchObject({ runs: null, isAccountingAway: true });
});

describe('a late answer says nothing', () => {
  const late = async (jobs: MirrorJob[], passedMs: number) => {
    const { facts, calls } = finder();
    const first = facts.runs([job()]);
    await vi.advanceTimersByTimeAsync(10_000);
    await first;
    calls[0]?.answer(LINE);
    await vi.advanceTimersByTimeAsync(passedMs);
    const answer = facts.runs(jobs);
    calls[1]?.answer('');
    return { ...(await answer), calls: calls.length };
  };

  it('of a job that was submitted again since', async () => {
    const again = job({ record: { ...NO_SUBMISSION, submission: 2, slurmJobId: 51 } });
    expect(await late([again], 0)).toMatchObject({ calls: 2, runs: [] });
  });

  it('of jobs that it was not asked about, which wait for the next', async () => {
    const other = job({ request: { ...job().request, jobId: 8 } });
    expect(await late([job(), other], 0)).toMatchObject({ calls: 1, jobIds: new Set([7]) });
  });

  it('once it is older than what accounting may be behind', async () => {
    expect(await late([job()], PATIENCE_MS.behind - 1)).toMatchObject({ calls: 1, runs: [{ slurmJobId: 50 }] });
    expect(await late([job()], PATIENCE_MS.behind)).toMatchObject({ calls: 2, runs: [] });
  });
});
