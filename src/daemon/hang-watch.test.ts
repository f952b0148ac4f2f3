import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Backend, JobFact } from '../backend/port.ts';
import { jobSpecSchema } from '../contract/job.ts';
import { toJobRequest } from '../contract/job-request.ts';
import { Store } from '../store/store.ts';
import { DaemonFixture } from './daemon.test-support.ts';
import { HangWatch } from './hang-watch.ts';
import { openHome } from './home.ts';

let fixture: DaemonFixture;
beforeAll(async () => {
  fixture = new DaemonFixture();
  await fixture.start();
});
afterAll(() => fixture.remove());

describe('a job that hangs', () => {
  it('is ended and put back, and goes on from its next attempt', async () => {
    const jobId = await fixture.sh('echo begun; [ "$ORRERY_ATTEMPT" = 2 ] || exec sleep 600; echo done', {
      nodes: 2,
      hangAfter: '3s',
      maxRequeues: 1,
    });
    const job = await fixture.until(jobId, 'COMPLETED');
    expect(job).toMatchObject({ requeues: 1, attempt: 2 });
    expect(job.attempts.map(({ state, message }) => ({ state, message }))).toEqual([
      { state: 'FAILED', message: 'hung: no output and no metrics for as long as it allows' },
      { state: 'COMPLETED', message: null },
    ]);
  });

  it('fails once it may not be put back again', async () => {
    const jobId = await fixture.sh('exec sleep 600', { hangAfter: '0.5s', maxRequeues: 0 });
    const job = await fixture.until(jobId, 'FAILED');
    expect(job).toMatchObject({ requeues: 0, attempt: 1 });
    expect(job.exitCode).not.toBe(0);
  });

  it.each([
    ['output', 'echo "$i"'],
    ['metrics', 'echo "{\\"step\\":$i}" >> "$ORRERY_METRICS"'],
  ])('is not one whose ranks write %s, however long it takes', async (_, write) => {
    const script = `[ "$RANK" = 1 ] && exec sleep 6; for i in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18; do ${write}; sleep 0.3; done`;
    const jobId = await fixture.sh(script, { nodes: 2, hangAfter: '4s' });
    const job = await fixture.until(jobId, 'COMPLETED');
    expect(job.attempt).toBe(1);
  });
});

describe('a job that shows no sign of life', () => {
  it('is ended later where it could not be at first', async () => {
    let calls = 0;
    await watched((over) => ({
      endHung: async () => {
        calls += 1;
        if (calls === 1) throw new Error('slurmctld does not answer');
        over();
      },
      job: () => undefined,
      observe: () => Promise.resolve([]),
    }));
    expect(calls).toBe(2);
  });

  it('is left alone while it is suspended, also where that is seen at the last moment, and ended once it goes on', async () => {
    const reasons: string[] = [];
    const job: JobFact = { jobId: 1, state: 'RUNNING', reason: 'None', attempt: 1, nodeList: ['n1'] };
    await watched((over) => ({
      endHung: async () => {
        reasons.push(job.reason);
        over();
      },
      job: () => job,
      observe: async () => {
        // Suspended a moment ago, and for longer than it may hang.
        if (reasons.length === 0) {
          reasons.push('suspended');
          job.reason = 'Suspended';
          setTimeout(() => (job.reason = 'None'), 500);
        }
        return [job];
      },
    }));
    expect(reasons).toEqual(['suspended', 'None']);
  });
});

/** Until the backend says that it is over, a watch over a job that writes nothing and may hang for 0.2 s. */
async function watched(backendOf: (over: () => void) => Pick<Backend, 'endHung' | 'job' | 'observe'>): Promise<void> {
  const home = openHome(mkdtempSync(join(tmpdir(), 'orrery-hang-')));
  const store = new Store(home.store);
  const spec = jobSpecSchema.parse({ command: ['true'], hangAfter: '0.2s' });
  const resources = { cpus: 1, memoryBytes: 1024, gpus: 0 };
  const placement = [{ nodeName: 'n1', resources, gpuIndices: [] }];
  const code = { submitFolder: '/tmp', snapshot: null, gitCommit: null };
  await store.append([
    {
      event: { kind: 'JobSubmitted', atMs: 0, job: toJobRequest(1, spec, 0) },
      accepted: { spec, environment: {}, code },
    },
    { event: { kind: 'AttemptStarting', atMs: 0, jobId: 1, attempt: 1, placement } },
    { event: { kind: 'AttemptStarted', atMs: 0, jobId: 1, attempt: 1 } },
  ]);
  const log = { info: () => undefined, error: () => undefined };
  let watch: HangWatch | undefined;
  await new Promise<void>((resolve) => {
    watch = new HangWatch(store, backendOf(resolve), home, log);
  });
  watch?.close();
  store.close();
  rmSync(home.folder, { recursive: true });
}
