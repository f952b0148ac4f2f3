import { describe, expect, it } from 'vitest';
import { jobSpecSchema } from '../../../contract/job.ts';
import { toJobRequest } from '../../../contract/job-request.ts';
import type { Dependency, EndState } from '../../../scheduler/types.ts';
import type { MirrorJob } from './mirror-job.ts';
import { MirrorState } from './mirror-state.ts';
import { dependencyText } from './open-dependencies.ts';
import { over, slurm } from './mirror.test-support.ts';

const BEFORE: Dependency[] = [
  { condition: 'afterok', jobId: 7 },
  { condition: 'afterany', jobId: 8 },
];

function stateOf(before: readonly Dependency[] = BEFORE, isAnyEnough = false): MirrorState {
  const state = new MirrorState({ append: async () => {} });
  for (const [jobId, dependencies] of [
    [7, []],
    [8, []],
    [9, before],
  ] as const) {
    const spec = jobSpecSchema.parse({ command: ['true'], nodes: jobId === 8 ? 4 : 1 });
    const job = toJobRequest(jobId, spec, 0, { dependencies });
    if (jobId === 9 && isAnyEnough) job.isAnyEnough = true;
    state.apply({ event: { kind: 'JobSubmitted', atMs: 0, job } });
  }
  return state;
}

function jobOf(state: MirrorState, jobId: number): MirrorJob {
  const job = state.jobs.get(jobId);
  if (job === undefined) throw new Error(`no job ${jobId}`);
  return job;
}

function seen(state: MirrorState, jobId: number, slurmJobId: number): MirrorJob {
  const job = jobOf(state, jobId);
  return Object.assign(job, {
    phase: 'submitted',
    record: { ...job.record, slurmJobId },
    slurm: slurm({ slurmJobId }),
  });
}

const end = (state: MirrorState, jobId: number, how: EndState) =>
  state.apply({ event: { kind: 'JobEnded', atMs: 1, jobId, state: how, exitCode: 0 } });

describe('what a job waits for', () => {
  it('is named once Slurm lists it, for Slurm and for the script', () => {
    const state = stateOf();
    seen(state, 7, 50);
    expect(dependencyText(jobOf(state, 9), state, 0)).toBe('wait');
    seen(state, 8, 51);
    expect(dependencyText(jobOf(state, 9), state, 0)).toEqual({
      text: 'afterok:50,afterany:51',
      isAnyEnough: false,
      predecessors: [
        { condition: 'afterok', jobId: 7, nodes: 1 },
        { condition: 'afterany', jobId: 8, nodes: 4 },
      ],
    });
  });

  it('is named as a task where it is one: its number may be that of the whole array', () => {
    const state = stateOf();
    const task = { arrayJobId: 50, arrayTaskId: 3 };
    seen(state, 7, 50).slurm = slurm({ slurmJobId: 50, ...task });
    const waiting = jobOf(state, 8);
    Object.assign(waiting, { phase: 'submitted', slurm: slurm({ slurmJobId: null, ...task, arrayTaskId: 4 }) });
    expect(dependencyText(jobOf(state, 9), state, 0)).toMatchObject({ text: 'afterok:50_3,afterany:50_4' });
  });

  it('is not named where it has ended for Slurm, and is not over for us', () => {
    const state = stateOf();
    seen(state, 8, 51);
    seen(state, 7, 50).slurm = over('COMPLETED');
    expect(dependencyText(jobOf(state, 9), state, 0)).toBe('wait');
    end(state, 7, 'COMPLETED');
    expect(dependencyText(jobOf(state, 9), state, 0)).toMatchObject({
      text: 'afterany:51',
      predecessors: [{ jobId: 8 }],
    });
  });

  it('may end so that the job never starts', () => {
    const state = stateOf();
    end(state, 8, 'FAILED');
    end(state, 7, 'FAILED');
    expect(dependencyText(jobOf(state, 9), state, 0)).toBe('never');
  });

  it('is any one of several: what cannot come is left out, and none is waited for once one has come', () => {
    const state = stateOf(BEFORE, true);
    seen(state, 7, 50);
    seen(state, 8, 51);
    expect(dependencyText(jobOf(state, 9), state, 0)).toMatchObject({
      text: 'afterok:50?afterany:51',
      isAnyEnough: true,
    });
    end(state, 7, 'FAILED');
    expect(dependencyText(jobOf(state, 9), state, 0)).toMatchObject({ text: 'afterany:51' });
    end(state, 8, 'FAILED');
    expect(dependencyText(jobOf(state, 9), state, 0)).toMatchObject({ text: '', predecessors: [] });
    const lost = stateOf(
      [
        { condition: 'afterok', jobId: 7 },
        { condition: 'afternotok', jobId: 8 },
      ],
      true,
    );
    end(lost, 7, 'FAILED');
    seen(lost, 8, 51);
    expect(dependencyText(jobOf(lost, 9), lost, 0)).toMatchObject({ text: 'afternotok:51' });
    end(lost, 8, 'COMPLETED');
    expect(dependencyText(jobOf(lost, 9), lost, 0)).toBe('never');
  });

  it('is a start and a while: by Slurm while the other is there, then here', () => {
    const state = stateOf([
      { condition: 'after', jobId: 7, delayMs: 120_000 },
      { condition: 'after', jobId: 8 },
    ]);
    seen(state, 8, 51);
    seen(state, 7, 50);
    expect(dependencyText(jobOf(state, 9), state, 0)).toMatchObject({
      text: 'after:50+2,after:51',
      predecessors: [{ jobId: 7, delayMs: 120_000 }, { jobId: 8 }],
    });
    for (const jobId of [7, 8])
      state.apply({ event: { kind: 'AttemptStarting', atMs: 1000, jobId, attempt: 1, placement: [] } });
    expect(dependencyText(jobOf(state, 9), state, 2000)).toMatchObject({ text: 'after:50+2' });
    expect(dependencyText(jobOf(state, 9), state, 121_000)).toMatchObject({ text: '' });
    end(state, 7, 'COMPLETED');
    expect(dependencyText(jobOf(state, 9), state, 120_999)).toBe('wait');
    expect(dependencyText(jobOf(state, 9), state, 121_000)).toMatchObject({ text: '' });
  });

  it('is a whole array of which one is to fail: Slurm has no word for it', () => {
    const set = (jobId: number): Dependency => ({ condition: 'afternotok', jobId, set: 0 });
    const state = stateOf([set(7), set(8)]);
    seen(state, 7, 50);
    end(state, 8, 'COMPLETED');
    expect(dependencyText(jobOf(state, 9), state, 0)).toBe('wait');
    end(state, 7, 'FAILED');
    expect(dependencyText(jobOf(state, 9), state, 0)).toMatchObject({ text: '' });
    const well = stateOf([set(7), set(8)]);
    for (const jobId of [7, 8]) end(well, jobId, 'COMPLETED');
    expect(dependencyText(jobOf(well, 9), well, 0)).toBe('never');
  });

  it('is awaited until the last that waits has ended', () => {
    const state = stateOf();
    expect([7, 8, 9].map((jobId) => state.isAwaited(jobId))).toEqual([true, true, false]);
    end(state, 7, 'COMPLETED');
    expect(state.isAwaited(7)).toBe(true);
    end(state, 9, 'CANCELLED');
    expect([7, 8].map((jobId) => state.isAwaited(jobId))).toEqual([false, false]);
  });
});
