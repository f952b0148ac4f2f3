import { existsSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Worker } from 'node:worker_threads';
import { type Answer, errorOf } from '../answer.ts';
import { packageFolder } from '../package-folder.ts';
import type { WorkControl } from '../watched-work.ts';
import type { Grid } from './grid.ts';
import type { PlannedCase } from './plan-case.ts';

/** How often Ctrl-C is looked for. */
const LOOK_MS = 100;

/** Plans the cases in threads, as many as there are CPUs; null for those that were not done when `isStopping` said so. */
export async function planOnThreads(
  grid: Grid,
  { onProgress, isStopping }: Pick<WorkControl, 'onProgress' | 'isStopping'>,
): Promise<(PlannedCase | null)[]> {
  const results: (PlannedCase | null)[] = grid.cases.map(() => null);
  const count = Math.min(availableParallelism(), grid.cases.length);
  const workers = Array.from({ length: count }, () => new Worker(workerEntry(), { workerData: grid }));
  let next = 0;
  let done = 0;
  const allOf = (worker: Worker) =>
    new Promise<void>((resolve, reject) => {
      const give = () => {
        if (next === grid.cases.length) return resolve();
        worker.postMessage(next);
        next += 1;
      };
      worker.on('message', ({ index, answer }: { index: number; answer: Answer<PlannedCase> }) => {
        if (answer.kind === 'failed') return reject(errorOf(answer));
        results[index] = answer.result;
        done += 1;
        onProgress(done);
        give();
      });
      worker.once('error', reject);
      worker.once('exit', (status) => reject(new Error(`a thread of the planner ended with status ${status}`)));
      give();
    });
  let timer: NodeJS.Timeout | undefined;
  const stopped = new Promise<void>((resolve) => {
    timer = setInterval(() => {
      if (isStopping()) resolve();
    }, LOOK_MS);
  });
  try {
    await Promise.race([Promise.all(workers.map(allOf)), stopped]);
    return results;
  } finally {
    clearInterval(timer);
    await Promise.all(workers.map((worker) => worker.terminate()));
  }
}

function workerEntry(): string {
  // Modules of the bundle lie in dist/ beside the worker's, those of the sources under src/.
  const beside = fileURLToPath(new URL('grid-worker.js', import.meta.url));
  return existsSync(beside) ? beside : join(packageFolder(), 'src', 'cli', 'plan-grid', 'grid-worker.ts');
}
