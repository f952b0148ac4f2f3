import { describe, expect, it } from 'vitest';
import { parseJobArray } from '../../../contract/job-array.ts';
import { toJobRequest } from '../../../contract/job-request.ts';
import { jobSpecSchema } from '../../../contract/job.ts';
import { type MirrorJob, newMirrorJob, NO_SUBMISSION } from '../mirror/mirror-job.ts';
import { batchArray, taskGroup } from './task-group.ts';

const LIMITS = { nowMs: 0, maxArraySize: 1001 };
const SPEC = jobSpecSchema.parse({ command: ['true'] });

function taskIdsOf(text: string): readonly number[] {
  const array = parseJobArray(text);
  if (typeof array === 'string') throw new Error(array);
  return array.taskIds;
}

/** Jobs from 40 on, and one before and one after them that are none of the array. */
function jobsOf(text: string): MirrorJob[] {
  const job = (jobId: number, array?: { id: number; runningMax: null; taskId: number }) =>
    newMirrorJob(toJobRequest(jobId, SPEC, 0, array && { array }), 0, 0);
  const tasks = taskIdsOf(text).map((taskId, place) => job(40 + place, { id: 40, runningMax: null, taskId }));
  return [job(39), ...tasks, job(40 + tasks.length)];
}

const ids = (jobs: readonly MirrorJob[]) => jobs.map(({ request }) => request.jobId);

function arrayOf(text: string, maxArraySize = 1001, places = (tasks: number[]) => tasks) {
  const taskIds = taskIdsOf(text);
  const tasks = places([...taskIds.keys()]).map((place) => ({ jobId: 40 + place, taskId: taskIds[place] }));
  return batchArray(tasks, { id: 40, taskIds, runningMax: 3 }, maxArraySize);
}

describe('tasks that go to Slurm in one call', () => {
  it('are all of the array that wait for it', () => {
    const jobs = jobsOf('0-4');
    const [before, first, cancelled, task, held, last] = jobs;
    if (!before || !first || !cancelled || !task || !held || !last) throw new Error('expected jobs');
    expect(ids(taskGroup(before, jobs, LIMITS))).toEqual([39]);
    expect(ids(taskGroup(first, jobs, LIMITS))).toEqual([40, 41, 42, 43, 44]);
    cancelled.isCancelRequested = true;
    held.isHeld = true;
    expect(ids(taskGroup(first, jobs, LIMITS))).toEqual([40, 42, 44]);
    last.phase = 'submitted';
    task.record = { ...NO_SUBMISSION, refusal: 'no' };
    expect(ids(taskGroup(first, jobs, LIMITS))).toEqual([40]);
  });

  it('are those that wait for the same jobs', () => {
    const waits = [0, 7, 8, 7, 7, 0].map((jobId) => [{ condition: 'afterok' as const, jobId }]);
    const jobs = jobsOf('0-3').map((job, place) => {
      return { ...job, request: { ...job.request, dependencies: waits[place] ?? [] } };
    });
    const [, first, second] = jobs;
    if (!first || !second) throw new Error('expected jobs');
    expect(ids(taskGroup(first, jobs, LIMITS))).toEqual([40, 42, 43]);
    expect(ids(taskGroup(second, jobs, LIMITS))).toEqual([41]);
  });

  it('are none that began before, or that went as often in vain', () => {
    const jobs = jobsOf('0-4');
    const [, first, begun, again] = jobs;
    if (!first || !begun || !again) throw new Error('expected jobs');
    begun.attempt = 1;
    again.record = { ...NO_SUBMISSION, submission: 1, isDue: true };
    expect(ids(taskGroup(first, jobs, LIMITS))).toEqual([40, 42, 43, 44]);
    expect(ids(taskGroup(begun, jobs, LIMITS))).toEqual([41]);
    again.record = { ...NO_SUBMISSION, submission: 3, isDue: true };
    expect(ids(taskGroup(again, jobs, LIMITS))).toEqual([42]);
    expect(ids(taskGroup(first, jobs, LIMITS))).toEqual([40, 43, 44]);
  });

  it('are as many as Slurm takes', () => {
    const jobs = jobsOf('0-9');
    const [, first] = jobs;
    if (!first) throw new Error('expected jobs');
    expect(ids(taskGroup(first, jobs, { nowMs: 0, maxArraySize: 4 }))).toEqual([40, 41, 42, 43]);
    expect(ids(taskGroup(first, jobs.toReversed(), { nowMs: 0, maxArraySize: 4 }))).toEqual([40, 41, 42, 43]);
  });
});

describe('ids of tasks at Slurm', () => {
  it.each([
    ['0-3', [0, 1, 2, 3], { first: 40, min: 0, step: 1 }],
    ['5-15:5', [5, 10, 15], { first: 40, min: 5, step: 5 }],
  ])('are those that the user gave: %s', (text, taskIds, key) => {
    expect(arrayOf(text)).toEqual({ key, taskIds, runningMax: 3 });
  });

  it('are those that the user gave also where some are left out', () => {
    expect(arrayOf('5-25:5', 1001, ([, second = 0, , fourth = 0]) => [second, fourth])).toMatchObject({
      key: { first: 40, min: 5, step: 5 },
      taskIds: [10, 20],
    });
  });

  it.each([
    ['are not evenly spaced', '1,3,7', 1001],
    ['are too high for Slurm', '999-1001', 1001],
  ])("are counted from 0 where the user's %s", (_what, text, maxArraySize) => {
    expect(arrayOf(text, maxArraySize)).toMatchObject({ key: { first: 40, min: 0, step: 1 }, taskIds: [0, 1, 2] });
  });

  it('are counted from 0 again in the next part of an array that is too large for one', () => {
    expect(arrayOf('0-9', 4, (places) => places.slice(4, 8))).toMatchObject({
      key: { first: 44, min: 0, step: 1 },
      taskIds: [0, 1, 2, 3],
    });
  });

  it('are none for one task', () => {
    expect(arrayOf('5')).toBeNull();
  });
});
