import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { toJobRequest } from '../../../contract/job-request.ts';
import { jobSpecSchema } from '../../../contract/job.ts';
import type { JobFolders } from '../../work-folder.ts';
import { PATIENCE_MS } from './finding.ts';
import { LeftEnds } from './left-ends.ts';
import type { MirrorJob } from './mirror-job.ts';
import { exited, facts, left, look, NOW, onNodes, running, short, slurm, told } from './mirror.test-support.ts';
import { findOut } from './mirror.ts';

const atNodes = onNodes({ state: 'RUNNING' });
const MINUTE_MS = 60_000;

describe('what the scripts of running jobs left', () => {
  let folder = '';
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'orrery-left-ends-'));
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  const numbered = (jobId: number, fields: Partial<MirrorJob> = {}) => {
    const request = toJobRequest(jobId, jobSpecSchema.parse({ command: ['true'] }), 0);
    return running({ request, slurm: atNodes, ...fields });
  };
  const folders = (): JobFolders => ({
    job: (jobId) => join(folder, 'jobs', String(jobId)),
    snapshot: (digest) => join(folder, 'snapshots', digest),
  });
  const leave = (jobId: number, attempt = 1) => {
    mkdirSync(join(folder, 'jobs', String(jobId), 'attempts', String(attempt)), { recursive: true });
    writeFileSync(join(folder, 'jobs', String(jobId), 'attempts', String(attempt), 'exit'), '0\n');
  };

  it('is looked for once a minute, of the attempt that runs', async () => {
    const ends = new LeftEnds(folders());
    const [ended, runsOn, waits] = [numbered(1), numbered(2, { attempt: 2 }), numbered(3, { slurm: slurm() })];
    runsOn.live = { ...ended.live!, attempt: 2 };
    for (const jobId of [1, 2, 3]) leave(jobId);
    const jobs = [ended, runsOn, waits];
    await ends.look(jobs, 0);
    await ends.look(jobs, MINUTE_MS - 1);
    expect(jobs.map(({ endLeftMs }) => endLeftMs)).toEqual([null, null, null]);
    await ends.look(jobs, MINUTE_MS);
    expect(jobs.map(({ endLeftMs }) => endLeftMs)).toEqual([MINUTE_MS, null, null]);
    leave(2, 2);
    await ends.look(jobs, 2 * MINUTE_MS);
    expect(jobs.map(({ endLeftMs }) => endLeftMs)).toEqual([MINUTE_MS, 2 * MINUTE_MS, null]);
  });

  it('is forgotten once somebody has deleted it, and kept while the file server is away', async () => {
    const ends = new LeftEnds(folders());
    const job = numbered(1);
    leave(1);
    await ends.look([job], 0);
    await ends.look([job], MINUTE_MS);
    await ends.look([job], 2 * MINUTE_MS);
    expect(job.endLeftMs).toBe(MINUTE_MS);
    rmSync(join(folder, 'jobs', '1', 'attempts'), { recursive: true });
    symlinkSync('attempts', join(folder, 'jobs', '1', 'attempts'));
    await ends.look([job], 3 * MINUTE_MS);
    expect(job.endLeftMs).toBe(MINUTE_MS);
    rmSync(join(folder, 'jobs', '1', 'attempts'));
    await ends.look([job], 4 * MINUTE_MS);
    expect(job.endLeftMs).toBeNull();
  });

  it('has a turn of each of many, some at a time', async () => {
    const ends = new LeftEnds(folders());
    const jobs = Array.from({ length: 150 }, (_, index) => numbered(index + 1));
    await ends.look(jobs, 0);
    const found: number[] = [];
    for (let turn = 1; turn <= 3; turn += 1) {
      for (const { request } of jobs) leave(request.jobId);
      await ends.look(jobs, turn * MINUTE_MS);
      found.push(jobs.filter(({ endLeftMs }) => endLeftMs !== null).length);
    }
    expect(found).toEqual([64, 128, 150]);
  });
});

describe('a job that squeue calls running though its script has left its end', () => {
  const at = (own: ReturnType<typeof left>, fields: Partial<MirrorJob> = {}) => {
    const mirror = running({ endLeftMs: NOW - PATIENCE_MS.untold - 1, ...fields });
    expect(findOut(mirror, look({ listed: [atNodes], facts: null })).needsFacts).toBe(true);
    const { records, cancel, isSubmissionDue } = findOut(
      mirror,
      look({ listed: [atNodes], facts: facts({ attempts: [own] }) }),
    );
    return { records: short(records), cancel, isSubmissionDue };
  };

  it('is left alone for a while: Slurm may yet be told', () => {
    const early = running({ endLeftMs: NOW - PATIENCE_MS.untold });
    expect(findOut(early, look({ listed: [atNodes], facts: null }))).toMatchObject({
      needsFacts: false,
      records: [],
      cancel: [],
    });
  });

  it('has ended as the script says, and is taken out of Slurm', () => {
    expect(at(exited(0))).toEqual({
      records: ['AttemptEnded 1 COMPLETED 0', 'JobEnded COMPLETED 0'],
      cancel: ['50'],
      isSubmissionDue: false,
    });
    expect(at(exited(3)).records).toEqual(['AttemptEnded 1 FAILED 3', 'JobEnded FAILED 3']);
  });

  it('is submitted again where the script was told to end, unless somebody cancelled it', () => {
    expect(at(told(143))).toEqual({
      records: ['AttemptEnded 1 NODE_FAIL 143', 'JobRequeued 1'],
      cancel: ['50'],
      isSubmissionDue: true,
    });
    expect(at(told(143), { isCancelRequested: true })).toEqual({
      records: ['AttemptEnded 1 NODE_FAIL 143', 'JobEnded CANCELLED 143'],
      cancel: ['50'],
      isSubmissionDue: false,
    });
  });

  it('runs on where what was left is gone again', () => {
    expect(at(left())).toEqual({ records: [], cancel: [], isSubmissionDue: false });
  });
});
