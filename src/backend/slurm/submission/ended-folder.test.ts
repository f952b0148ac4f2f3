import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { jobSpecSchema } from '../../../contract/job.ts';
import { toJobRequest } from '../../../contract/job-request.ts';
import type { EndState } from '../../../scheduler/types.ts';
import { closeFolder } from './ended-folder.ts';
import { MirrorState } from '../mirror/mirror-state.ts';

let root = '';
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'orrery-ended-'));
});
afterEach(() => {
  rmSync(root, { recursive: true });
});

/** Job 7 ends so, with job 8 behind it or without; what was logged. */
async function ends(outcome: EndState, isAwaited: boolean): Promise<unknown[]> {
  const state = new MirrorState({ append: async () => {} });
  const spec = jobSpecSchema.parse({ command: ['true'] });
  const dependencies = isAwaited ? [{ condition: 'afterany', jobId: 7 } as const] : [];
  for (const job of [toJobRequest(7, spec, 0), toJobRequest(8, spec, 0, { dependencies })]) {
    state.apply({ event: { kind: 'JobSubmitted', atMs: 0, job } });
  }
  state.apply({ event: { kind: 'JobEnded', atMs: 1, jobId: 7, state: outcome, exitCode: 1 } });
  const errors: unknown[] = [];
  const folders = { job: (jobId: number) => join(root, String(jobId)), snapshot: () => root };
  await closeFolder(7, state, folders, { info: () => {}, error: (fields) => errors.push(fields) });
  return errors;
}

describe('the folder of a job that has ended', () => {
  it.each<[EndState, boolean, string | null]>([
    ['CANCELLED', true, 'CANCELLED\n'],
    ['CANCELLED', false, null],
    ['COMPLETED', true, null],
  ])('%s, awaited: %s: has no secrets, and the mark %j', async (outcome, isAwaited, mark) => {
    mkdirSync(join(root, '7'));
    writeFileSync(join(root, '7', 'secrets.sh'), '');
    expect(await ends(outcome, isAwaited)).toEqual([]);
    expect(existsSync(join(root, '7', 'secrets.sh'))).toBe(false);
    const path = join(root, '7', 'ended');
    expect(existsSync(path) ? readFileSync(path, 'utf8') : null).toBe(mark);
  });

  it('was never made where Slurm never had the job', async () => {
    expect(await ends('CANCELLED', true)).toEqual([]);
    expect(existsSync(join(root, '7'))).toBe(false);
  });

  it('is no folder: it is said, and nothing else stops', async () => {
    mkdirSync(join(root, '7', 'ended'), { recursive: true });
    mkdirSync(join(root, '7', 'ended', 'in the way'));
    expect(await ends('FAILED', true)).toMatchObject([{ jobId: 7 }]);
  });
});
