import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { AttemptPlan } from './launcher-port.ts';

/** For tests: a folder of its own with a home and a work folder, and plans of attempts in it. */
export class LauncherFixture {
  readonly folder: string;

  constructor(folder = mkdtempSync(join(tmpdir(), 'orrery-launcher-'))) {
    this.folder = folder;
    for (const name of ['home', 'work']) mkdirSync(join(folder, name), { recursive: true });
  }

  get home(): string {
    return join(this.folder, 'home');
  }

  /** One task on each of the nodes `n1`, `n2`, ... */
  plan(program: AttemptPlan['program'], changes: Partial<AttemptPlan> & { ranks?: number } = {}): AttemptPlan {
    const { ranks = 1, ...rest } = changes;
    const { jobId = 1, attempt = 1 } = rest;
    const job = join(this.folder, 'jobs', String(jobId));
    return {
      jobId,
      jobName: 'test',
      attempt,
      attemptFolder: join(job, 'attempts', String(attempt)),
      workFolder: join(this.folder, 'work'),
      checkpointFolder: join(job, 'checkpoint'),
      metricsFile: join(job, 'metrics.ndjson'),
      submitFolder: join(this.folder, 'work'),
      program,
      environment: {},
      tasks: Array.from({ length: ranks }, (_, rank) => ({
        rank,
        nodeRank: rank,
        localRank: 0,
        nodeName: `n${rank + 1}`,
        cpus: 1,
        gpuIndices: [],
      })),
      memoryBytesPerNode: 0,
      killWaitMs: 1000,
      logBytesMax: 64 * 1024 * 1024,
      ...rest,
    };
  }

  remove(): void {
    rmSync(this.folder, { recursive: true, force: true, maxRetries: 10, retryDelay: 50 });
  }
}
