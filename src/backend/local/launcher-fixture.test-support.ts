import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createLauncher, type LauncherOptions } from './launcher.ts';
import type { AttemptExit, AttemptPlan, Launcher } from './launcher-port.ts';
import { ProcessTable } from './process-table.ts';

/** A launcher, and how the attempts it reports came to their end. */
export interface WatchedLauncher extends Launcher {
  exitOf: (plan: AttemptPlan) => Promise<AttemptExit>;
  /** Starts it and waits for its end; throws if it cannot be started. */
  run: (plan: AttemptPlan) => Promise<AttemptExit>;
}

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
      array: null,
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

  launcher(options: Partial<LauncherOptions> = {}): WatchedLauncher {
    const launcher = createLauncher({ home: this.home, gpusOfNode: null, ...options });
    const exits = new Map<string, PromiseWithResolvers<AttemptExit>>();
    const exit = ({ jobId, attempt }: { jobId: number; attempt: number }) => {
      const key = `${jobId}.${attempt}`;
      const found = exits.get(key) ?? Promise.withResolvers<AttemptExit>();
      exits.set(key, found);
      return found;
    };
    launcher.onExit = (ended) => exit(ended).resolve(ended);
    const exitOf = (plan: AttemptPlan) => exit(plan).promise;
    return Object.assign(launcher, {
      exitOf,
      run: async (plan: AttemptPlan) => {
        const result = await launcher.start(plan);
        if (result.kind === 'failed') throw new Error(result.message);
        return exitOf(plan);
      },
    });
  }

  /** Pids of all processes of any attempt that was started in this fixture's home. */
  processes(): number[] {
    const homeId = readFileSync(join(this.home, 'launcher-id'), 'utf8');
    return new ProcessTable().pidsOf({ keyPrefix: `${homeId}.`, supervisors: [] });
  }

  readLog(plan: AttemptPlan, name: string): string {
    return readFileSync(join(plan.attemptFolder, name), 'utf8');
  }

  /** An empty file for the tasks to see. */
  writeWork(name: string): void {
    writeFileSync(join(this.folder, 'work', name), '');
  }

  remove(): void {
    rmSync(this.folder, { recursive: true, force: true, maxRetries: 10, retryDelay: 50 });
  }
}
